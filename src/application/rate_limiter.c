#include "application/rate_limiter.h"

#include "base/assert.h"
#include "base/clock.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

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

/* A limit, and what follows from it. */
struct terms {
    struct rate_limit limit;
    uint64_t token_ns; /* in which one comes */
};

struct part {
    alignas(CACHE_LINE_BYTES) pthread_mutex_t lock;
    struct terms terms;
    struct cell sets[SETS][WAYS];
};

struct rate_limiter {
    uint64_t seed[2];
    struct part *parts;            /* of whoever sets limits; once made they stay */
    _Atomic(struct part *) active; /* the same; NULL: there is no limit */
};

/* In which an empty bucket fills. */
static uint64_t burst_ns(const struct terms *terms)
{
    return terms->token_ns * terms->limit.burst;
}

/* --- life --- */

enum status rate_limiter_new(const struct random *random, struct rate_limiter **out_limiter)
{
    struct rate_limiter *limiter = calloc(1, sizeof *limiter);
    if (limiter == NULL) {
        return STATUS_NO_MEMORY;
    }
    random_fill(random, limiter->seed, sizeof limiter->seed);
    atomic_init(&limiter->active, NULL);
    *out_limiter = limiter;
    return STATUS_OK;
}

enum status rate_limiter_reserve(struct rate_limiter *limiter)
{
    if (limiter->parts != NULL) {
        return STATUS_OK;
    }
    struct part *parts = aligned_alloc(CACHE_LINE_BYTES, PARTS * sizeof(struct part));
    if (parts == NULL) {
        return STATUS_NO_MEMORY;
    }
    memset(parts, 0, PARTS * sizeof(struct part));
    for (size_t i = 0; i < PARTS; i++) {
        pthread_mutex_init(&parts[i].lock, NULL);
    }
    limiter->parts = parts;
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

/* --- the limit --- */

bool rate_limiter_is_on(const struct rate_limiter *limiter)
{
    return limiter != NULL && atomic_load_explicit(&limiter->active, memory_order_relaxed) != NULL;
}

struct rate_limit rate_limiter_limit(const struct rate_limiter *limiter)
{
    struct part *parts = limiter == NULL ? NULL : atomic_load(&limiter->active);
    if (parts == NULL) {
        return (struct rate_limit){0};
    }
    pthread_mutex_lock(&parts[0].lock);
    struct rate_limit limit = parts[0].terms.limit;
    pthread_mutex_unlock(&parts[0].lock);
    return limit;
}

/* As many tokens, and the same part of one, by other terms. A bucket misses at most its burst and
 * what a request may owe, so a product is at most some 10^18. */
static uint64_t convert_ns(uint64_t ns, const struct terms *from, const struct terms *to)
{
    uint64_t tokens = ns / from->token_ns;
    uint64_t rest_ns = ns % from->token_ns;
    return tokens * to->token_ns + rest_ns * to->token_ns / from->token_ns;
}

static void convert_cell(struct cell *cell, const struct terms *from, const struct terms *to,
                         uint64_t now_ns)
{
    if (cell->full_ns <= now_ns) {
        return; /* also one that never had terms */
    }
    uint64_t missing_ns = cell->full_ns - now_ns;
    uint64_t used_ns = missing_ns < burst_ns(from) ? missing_ns : burst_ns(from);
    uint64_t owed_ns = convert_ns(missing_ns - used_ns, from, to);
    used_ns = convert_ns(used_ns, from, to);
    cell->full_ns = now_ns + owed_ns + (used_ns < burst_ns(to) ? used_ns : burst_ns(to));
}

/* Takes microseconds, for which whoever has a bucket in this part waits. */
static void set_terms(struct part *part, const struct terms *terms, uint64_t now_ns)
{
    pthread_mutex_lock(&part->lock);
    for (size_t i = 0; i < (size_t)SETS * WAYS; i++) {
        convert_cell(&part->sets[i / WAYS][i % WAYS], &part->terms, terms, now_ns);
    }
    part->terms = *terms;
    pthread_mutex_unlock(&part->lock);
}

void rate_limiter_set_limit(struct rate_limiter *limiter, struct rate_limit limit, uint64_t now_ns)
{
    if (limit.per_second == 0) {
        atomic_store(&limiter->active, NULL);
        return;
    }
    ASSERT(limit.per_second <= RATE_LIMIT_PER_SECOND_MAX);
    ASSERT(limit.burst >= 1 && limit.burst <= RATE_LIMIT_BURST_MAX);
    ASSERT(limiter->parts != NULL);
    const struct terms terms = {limit, NANOSECONDS_PER_SECOND / limit.per_second};
    for (size_t i = 0; i < PARTS; i++) {
        set_terms(&limiter->parts[i], &terms, now_ns);
    }
    atomic_store(&limiter->active, limiter->parts);
}

/* --- buckets --- */

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

static struct rate_standing standing_of(const struct terms *terms, uint64_t missing_ns)
{
    uint64_t full_ns = burst_ns(terms);
    uint64_t left_ns = missing_ns < full_ns ? full_ns - missing_ns : 0;
    struct rate_standing standing = {
        .limit = terms->limit,
        .remaining = left_ns / terms->token_ns,
        .full_in_s = in_seconds(missing_ns),
    };
    if (standing.remaining == 0) {
        standing.wait_s = in_seconds(missing_ns + terms->token_ns - full_ns);
    }
    return standing;
}

struct charge {
    uint64_t tokens;
    bool may_owe; /* what there is not is owed */
};

/* Nothing is taken from a bucket in debt. */
static bool take(const struct terms *terms, struct cell *cell, uint64_t now_ns,
                 struct charge charge)
{
    uint64_t full_ns = cell->full_ns > now_ns ? cell->full_ns : now_ns;
    uint64_t missing_ns = full_ns - now_ns;
    uint64_t cost_ns = charge.tokens * terms->token_ns;
    bool fits = missing_ns <= burst_ns(terms) &&
                (charge.may_owe || cost_ns <= burst_ns(terms) - missing_ns);
    cell->full_ns = fits ? full_ns + cost_ns : full_ns;
    return fits;
}

static bool take_from(struct rate_limiter *limiter, struct rate_bucket bucket, uint64_t now_ns,
                      struct charge charge, struct rate_standing *out_standing)
{
    struct part *parts = atomic_load_explicit(&limiter->active, memory_order_acquire);
    if (parts == NULL) {
        *out_standing = (struct rate_standing){0};
        return true;
    }
    uint64_t hash = hash_of(limiter, bucket);
    struct part *part = &parts[hash % PARTS];
    pthread_mutex_lock(&part->lock);
    struct cell *cell = find(part->sets[hash / PARTS % SETS], hash);
    const struct terms terms = part->terms;
    bool taken = take(&terms, cell, now_ns, charge);
    uint64_t full_ns = cell->full_ns;
    pthread_mutex_unlock(&part->lock);
    *out_standing = standing_of(&terms, full_ns - now_ns);
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
