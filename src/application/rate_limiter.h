#pragma once
/*
 * How much somebody may ask for in a time: a token bucket for each key or address, which refills by
 * so many a second up to its burst. Kept as the one time at which the bucket is full again (the
 * generic cell rate algorithm: ITU-T I.371, annex A), so a full bucket needs no memory at all.
 *
 * A request is let in while there is a whole token in the bucket. What more it turns out to cost is
 * taken afterwards, also below zero, so that in the long run nobody gets more than the rate, and a
 * request larger than the burst is possible; but nothing more is taken from a bucket in debt.
 *
 * Memory is fixed: RATE_LIMITER_BUCKETS of them in sets of eight, in parts with a lock each, that a
 * keyed hash spreads. A bucket that has no place takes the one of its set that is the fullest,
 * which loses the least.
 *
 * The limit may become another one, or none, while others ask. It stands in each part, below the
 * lock that a request takes anyway, and a part's buckets are reckoned anew together with it: what
 * was taken out of a bucket stays taken. Any thread, but one at a time reserves and sets.
 */
#include "base/macros.h"
#include "base/random.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RATE_LIMITER_BUCKETS = 128 * 1024,
    RATE_LIMIT_PER_SECOND_MAX = 10 * 1000 * 1000,
    RATE_LIMIT_BURST_MAX = 1000 * 1000 * 1000
};

struct rate_limit {
    uint64_t per_second; /* 1..RATE_LIMIT_PER_SECOND_MAX; 0: there is no limit */
    uint64_t burst;      /* 1..RATE_LIMIT_BURST_MAX */
};

/* How a bucket stands. */
struct rate_standing {
    struct rate_limit limit; /* by which it was asked; without one the rest is zero */
    uint64_t remaining;      /* whole tokens */
    uint64_t full_in_s;      /* until as many are there as can be, rounded up */
    uint64_t wait_s;         /* until there is one, rounded up; 0: there is */
};

struct rate_limiter;

/* Without a limit, and then it is small. NO_MEMORY. */
MUST_USE enum status rate_limiter_new(const struct random *random,
                                      struct rate_limiter **out_limiter);

/* Takes NULL. */
void rate_limiter_free(struct rate_limiter *limiter);
CLEANUP_FUNCTION(struct rate_limiter *, rate_limiter_free)

/* Makes the buckets, unless they are there, so that a limit can be set. NO_MEMORY. */
MUST_USE enum status rate_limiter_reserve(struct rate_limiter *limiter);

/* What was taken out of a bucket at most empties a smaller one; what is owed stays owed, in tokens.
 * A limit that is turned off and on again finds its buckets as they would have filled meanwhile.
 * With memory reserved, unless there shall be no limit; `now_ns` as below. */
void rate_limiter_set_limit(struct rate_limiter *limiter, struct rate_limit limit, uint64_t now_ns);

/* A per_second of 0: none, as of NULL. */
struct rate_limit rate_limiter_limit(const struct rate_limiter *limiter);

/* Whether there is a limit, which costs nearly nothing to ask; likewise. */
bool rate_limiter_is_on(const struct rate_limiter *limiter);

/* The bucket of whoever has these two numbers together. */
struct rate_bucket {
    uint64_t high;
    uint64_t low;
};

/* Takes one, if there is one, or no limit; `now_ns` on a clock that never steps. */
bool rate_limiter_enter(struct rate_limiter *limiter, struct rate_bucket bucket, uint64_t now_ns,
                        struct rate_standing *out_standing);

/* Takes `more` than the one that entering took; false, and nothing is taken, when the bucket is in
 * debt. */
bool rate_limiter_charge(struct rate_limiter *limiter, struct rate_bucket bucket, uint64_t now_ns,
                         uint64_t more, struct rate_standing *out_standing);
