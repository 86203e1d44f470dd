#pragma once
/*
 * Randomness is passed in. random_system draws from the kernel's generator through a small buffer
 * per thread and is thread-safe; a seeded one repeats exactly and belongs to one thread.
 */
#include <stddef.h>
#include <stdint.h>

struct random {
    void (*fill)(void *context, void *bytes, size_t len);
    void *context;
};

/* Unpredictable; for ids, salts and hash seeds. Aborts when the kernel has none to give. */
extern const struct random random_system;

/* Repeatable; for tests and the simulation, never for ids that leave the machine. */
struct random_seeded {
    uint64_t state;
};

/* A source that draws from `seeded`, which must outlive it. Generator: SplitMix64 (Steele, Lea,
 * Flood, OOPSLA 2014). */
struct random random_from_seed(struct random_seeded *seeded, uint64_t seed);

static inline void random_fill(const struct random *random, void *bytes, size_t len)
{
    random->fill(random->context, bytes, len);
}

uint64_t random_u64(const struct random *random);

/* Uniform in 0 .. bound - 1; bound > 0. */
uint64_t random_below(const struct random *random, uint64_t bound);
