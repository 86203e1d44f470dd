#pragma once
/*
 * Counts of the last hour, minute by minute: a ring in which each minute takes the place of the one
 * an hour before. In memory only. Any thread; adding takes a lock once a minute.
 */
#include "base/clock.h"
#include "base/macros.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum { MINUTES_KEPT = 60, MINUTE_COUNTS_MAX = 6 };

struct minute_slot {
    _Atomic int64_t minute; /* since 1970; -1: not used yet */
    _Atomic uint64_t counts[MINUTE_COUNTS_MAX];
};

struct minute_counts {
    const struct clock *clock; /* borrowed */
    pthread_mutex_t turning;
    struct minute_slot slots[MINUTES_KEPT];
};

/* What was counted in one minute. */
struct minute_sums {
    int64_t minute; /* since 1970 */
    uint64_t counts[MINUTE_COUNTS_MAX];
};

void minute_counts_init(struct minute_counts *self, const struct clock *clock);
void minute_counts_deinit(struct minute_counts *self);

/* Adds to the counts of this minute, by their places. */
void minute_counts_add(struct minute_counts *self, const uint64_t *added, size_t count);

/* The minutes in which something was counted, the oldest first; returns how many. */
size_t minute_counts_take(struct minute_counts *self, struct minute_sums out_sums[MINUTES_KEPT]);
