#include "application/rate_limiter.h"

#include "base/assert.h"
#include "base/clock.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdlib.h>

enum {
    WAYS = 8,
    PARTS = 64, /* many more than loops, so that two of them rarely meet */
    SETS = RATE_LIMITER_BUCKETS / WAYS / PARTS,
    CACHE_LINE_BYTES = 64
};

/* What a single request may cost: so much and no more is ever owed by one. */
#define CHARGE_MAX UINT64_C(1000000)

struct cell {
    uint64_t hash;    /* 0: nobody's */
    uint64_t full_ns; /* when the bucket is full again; what is past is full */
};

struct part {
    alignas(CACHE_LINE_BYTES) pthread_mutex_t lock;
    struct cell sets[SETS][WAYS];
};

struct rate_limiter {
    struct rate_limit limit;
    uint64_t token_ns; /* in which one comes */
    uint64_t burst_ns; /* in which an empty bucket fills */
    uint64_t seed[2];
    struct part *parts;
};

enum status rate_limiter_new(const struct rate_limit *limit, const struct random *random,
                             struct rate_limiter **out_limiter)
{
    ASSERT(limit->per_second >= 1 && limit->per_second <= RATE_LIMIT_PER_SECOND_MAX);
    ASSERT(limit->burst >= 1 && limit->burst <= RATE_LIMIT_BURST_MAX);
    CLEANUP(rate_limiter_free) struct rate_limiter *limiter = calloc(1, sizeof *limiter);
    if (limiter == NULL) {
        return STATUS_NO_MEMORY;
    }
    limiter->limit = *limit;
    limiter->token_ns = NANOSECONDS_PER_SECOND / limit->per_second;
    limiter->burst_ns = limiter->token_ns * limit->burst;
    random_fill(random, limiter->seed, sizeof limiter->seed);
    limiter->parts = aligned_alloc(CACHE_LINE_BYTES, PARTS * sizeof(struct part));
    if (limiter->parts == NULL) {
        return STATUS_NO_MEMORY;
    }
    for (size_t i = 0; i < PARTS; i++) {
        pthread_mutex_init(&limiter->parts[i].lock, NULL);
        for (size_t j = 0; j < (size_t)SETS * WAYS; j++) {
            limiter->parts[i].sets[j / WAYS][j % WAYS] = (struct cell){0};
        }
    }
    *out_limiter = TAKE(limiter);
    return STATUS_OK;
}

void rate_limiter_free(struct rate_limiter *limiter)
{
    if (limiter == NULL) {
        return;
    }
    for (size_t i = 0; limiter->parts != NULL && i < PARTS; i++) {
        pthread_mutex_destroy(&limiter->parts[i].lock);
    }
    free(limiter->parts);
    free(limiter);
}

const struct rate_limit *rate_limiter_limit(const struct rate_limiter *limiter)
{
    return &limiter->limit;
}

/* The finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014). */
static uint64_t mix(uint64_t value)
{
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

/* Keyed, so that nobody chooses addresses that fall into one set. */
static uint64_t hash_of(const struct rate_limiter *limiter, struct rate_bucket bucket)
{
    uint64_t hash = mix(mix(bucket.high ^ limiter->seed[0]) + (bucket.low ^ limiter->seed[1]));
    return hash == 0 ? 1 : hash;
}

/* The bucket's own place, or the one that is given up for it. */
static struct cell *find(struct cell set[WAYS], uint64_t hash)
{
    struct cell *fullest = &set[0];
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].hash == hash) {
            return &set[i];
        }
        if (set[i].full_ns < fullest->full_ns) {
            fullest = &set[i];
        }
    }
    *fullest = (struct cell){.hash = hash};
    return fullest;
}

static uint64_t in_seconds(uint64_t ns)
{
    return (ns + NANOSECONDS_PER_SECOND - 1) / NANOSECONDS_PER_SECOND;
}

static struct rate_standing standing_of(const struct rate_limiter *limiter, uint64_t full_ns,
                                        uint64_t now_ns)
{
    uint64_t missing_ns = full_ns - now_ns;
    uint64_t left_ns = missing_ns < limiter->burst_ns ? limiter->burst_ns - missing_ns : 0;
    struct rate_standing standing = {
        .remaining = left_ns / limiter->token_ns,
        .full_in_s = in_seconds(missing_ns),
    };
    if (standing.remaining == 0) {
        standing.wait_s = in_seconds(missing_ns + limiter->token_ns - limiter->burst_ns);
    }
    return standing;
}

struct charge {
    uint64_t tokens;
    bool may_owe; /* what there is not is owed */
};

/* Nothing is taken from a bucket in debt. */
static bool take(const struct rate_limiter *limiter, struct cell *cell, uint64_t now_ns,
                 struct charge charge)
{
    uint64_t full_ns = cell->full_ns > now_ns ? cell->full_ns : now_ns;
    uint64_t missing_ns = full_ns - now_ns;
    uint64_t cost_ns = charge.tokens * limiter->token_ns;
    bool fits = missing_ns <= limiter->burst_ns &&
                (charge.may_owe || cost_ns <= limiter->burst_ns - missing_ns);
    cell->full_ns = fits ? full_ns + cost_ns : full_ns;
    return fits;
}

static bool take_from(struct rate_limiter *limiter, struct rate_bucket bucket, uint64_t now_ns,
                      struct charge charge, struct rate_standing *out_standing)
{
    uint64_t hash = hash_of(limiter, bucket);
    struct part *part = &limiter->parts[hash % PARTS];
    pthread_mutex_lock(&part->lock);
    struct cell *cell = find(part->sets[hash / PARTS % SETS], hash);
    bool taken = take(limiter, cell, now_ns, charge);
    uint64_t full_ns = cell->full_ns;
    pthread_mutex_unlock(&part->lock);
    *out_standing = standing_of(limiter, full_ns, now_ns);
    return taken;
}

bool rate_limiter_enter(struct rate_limiter *limiter, struct rate_bucket bucket, uint64_t now_ns,
                        struct rate_standing *out_standing)
{
    return take_from(limiter, bucket, now_ns, (struct charge){.tokens = 1}, out_standing);
}

bool rate_limiter_charge(struct rate_limiter *limiter, struct rate_bucket bucket, uint64_t now_ns,
                         uint64_t more, struct rate_standing *out_standing)
{
    struct charge charge = {.tokens = more < CHARGE_MAX ? more : CHARGE_MAX, .may_owe = true};
    return take_from(limiter, bucket, now_ns, charge, out_standing);
}
