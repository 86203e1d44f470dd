#pragma once
/*
 * For tests of the live tail: a log and a store in memory, the tail on both, and ears that keep
 * account of what they were told. Nothing here allocates after live_bed_open, so that tests may
 * make allocations fail meanwhile. Appending: one thread at a time, which may be another one than
 * that of the ears.
 */
#include "application/event_log.h"
#include "application/live_tail.h"
#include "domain/activity_store.h"

#include <pthread.h>
#include <stdatomic.h>

enum { LIVE_NUMBERS_MAX = 20000, LIVE_USERS = 7, LIVE_ID_BYTES = 256 };

struct live_bed {
    struct event_log *log;
    struct activity_store *store;
    struct live_tail_config config;
    struct live_tail *tail;
    struct append_listener appended;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    size_t results;
    uint64_t next; /* number of the next activity */
};

/* Log and store, without a tail. */
void live_bed_open(struct live_bed *bed, size_t listeners_max);

/* The tail, as bed->config says. */
MUST_USE enum status live_bed_start(struct live_bed *bed, struct error *err);

/* Takes one that was not started. */
void live_bed_close(struct live_bed *bed);

/* So many more, each at most `at_once` in one append; returns when they are durable. Without memory
 * it tries again. */
void live_bed_append(struct live_bed *bed, uint64_t count, size_t at_once);

/* Activity `number` is of user `number % LIVE_USERS` and was received at that many ms. */
struct str live_bed_user(uint64_t number);

/* Erases all that this user did up to now, and lets the tail forget it. */
void live_bed_erase(struct live_bed *bed, uint64_t user);

/* What the log dropped up to now can no longer be followed. */
void live_bed_drop(struct live_bed *bed);

/* --- ears --- */

struct ear {
    struct live_listener listener;
    pthread_mutex_t mutex; /* guards `woken` */
    pthread_cond_t changed;
    bool woken;
    atomic_bool released;

    unsigned char times[LIVE_NUMBERS_MAX]; /* that each was told */
    uint64_t told;
    uint64_t last; /* number; meaningless before the first */
    bool disordered;
    uint64_t missed; /* the sum of all gaps */
    unsigned gaps;
    unsigned gaps_of_unknown;
    unsigned heartbeats;
    char gap_reason[16]; /* of the last; "slow": told by the queue itself */
    char last_id[LIVE_ID_BYTES];
};

/* One that hears everything from now on. */
void ear_init(struct ear *ear);

/* One that comes back with the id of an event, which is well-formed. */
void ear_init_behind(struct ear *ear, const char *id);

/* Takes all that is there. */
void ear_take(struct ear *ear);

/* Until it is let in or refused. */
enum live_state ear_await_state(struct ear *ear);

/* Takes what comes until the activity behind which there is `end` was told or is missed for
 * certain; false when nothing more comes, as the ear's state says. Fails the test when that takes
 * 20 seconds. */
bool ear_await(struct ear *ear, uint64_t end);

/* Leaves and waits until nobody has the ear any more. */
void ear_leave(struct live_bed *bed, struct ear *ear);

/* How many of these it was not told, but for the activities of `without_user` (LIVE_USERS: of
 * nobody). */
uint64_t ear_count_untold(const struct ear *ear, uint64_t begin, uint64_t end,
                          uint64_t without_user);

/* Fails the test unless it was told exactly these, each once and in order, and no gap. */
void ear_assert_told_exactly(const struct ear *ear, uint64_t begin, uint64_t end);
