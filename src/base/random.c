#include "base/random.h"

#include "base/assert.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

/* One system call serves many ids. What was handed out is wiped, so that a later look into memory
 * does not reveal earlier salts. */
enum { RANDOM_POOL_BYTES = 1024 };

static _Thread_local struct {
    unsigned char bytes[RANDOM_POOL_BYTES];
    size_t left;
} pool;

static void kernel_fill(void *bytes, size_t len)
{
    unsigned char *next = bytes;
    while (len > 0) {
        ssize_t got = getrandom(next, len, 0);
        if (got < 0) {
            ASSERT(errno == EINTR);
            continue;
        }
        next += got;
        len -= (size_t)got;
    }
}

static void system_fill(void *context, void *bytes, size_t len)
{
    (void)context;
    if (len > RANDOM_POOL_BYTES) {
        kernel_fill(bytes, len);
        return;
    }
    if (pool.left < len) {
        kernel_fill(pool.bytes, RANDOM_POOL_BYTES);
        pool.left = RANDOM_POOL_BYTES;
    }
    unsigned char *from = pool.bytes + RANDOM_POOL_BYTES - pool.left;
    memcpy(bytes, from, len);
    memset(from, 0, len);
    pool.left -= len;
}

const struct random random_system = {.fill = system_fill};

static uint64_t split_mix(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15u;
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void seeded_fill(void *context, void *bytes, size_t len)
{
    struct random_seeded *seeded = context;
    unsigned char *next = bytes;
    while (len > 0) {
        uint64_t word = split_mix(&seeded->state);
        size_t step = len < sizeof word ? len : sizeof word;
        memcpy(next, &word, step);
        next += step;
        len -= step;
    }
}

struct random random_from_seed(struct random_seeded *seeded, uint64_t seed)
{
    seeded->state = seed;
    return (struct random){.fill = seeded_fill, .context = seeded};
}

uint64_t random_u64(const struct random *random)
{
    uint64_t word;
    random_fill(random, &word, sizeof word);
    return word;
}

uint64_t random_below(const struct random *random, uint64_t bound)
{
    ASSERT(bound > 0);
    /* Words below the remainder would make the first values likelier; they are drawn again. */
    uint64_t remainder = (0 - bound) % bound;
    uint64_t word;
    do {
        word = random_u64(random);
    } while (word < remainder);
    return word % bound;
}
