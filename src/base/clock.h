#pragma once
/*
 * Time is passed in, so that tests and the simulation can own it. The system clock is thread-safe;
 * a manual one belongs to its test.
 */
#include <stdint.h>

struct clock {
    /* Nanoseconds since 1970-01-01T00:00:00Z; may step when somebody sets the clock. */
    uint64_t (*wall_ns)(void *context);
    /* Nanoseconds of a clock that never steps; only differences mean anything. */
    uint64_t (*monotonic_ns)(void *context);
    void *context;
};

#define NANOSECONDS_PER_MILLISECOND 1000000u
#define MILLISECONDS_PER_SECOND     1000u
#define NANOSECONDS_PER_SECOND      UINT64_C(1000000000)

/* The machine's clocks. */
extern const struct clock clock_system;

static inline uint64_t clock_wall_ns(const struct clock *clock)
{
    return clock->wall_ns(clock->context);
}

static inline int64_t clock_wall_ms(const struct clock *clock)
{
    return (int64_t)(clock->wall_ns(clock->context) / NANOSECONDS_PER_MILLISECOND);
}

static inline uint64_t clock_monotonic_ns(const struct clock *clock)
{
    return clock->monotonic_ns(clock->context);
}

static inline uint64_t clock_monotonic_ms(const struct clock *clock)
{
    return clock->monotonic_ns(clock->context) / NANOSECONDS_PER_MILLISECOND;
}
