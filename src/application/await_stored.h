#pragma once
/*
 * Reading one's own write: waits until what a receipt names is in the store's answers. Nobody's
 * thread is held for that: waits stand in a list, and whoever learns that the store has more tells
 * those that have been waiting for it. That is the worker where it is in this process; where
 * others are in other processes too, a thread that looks into the store for all waits together,
 * as long as there are any. A receipt of a spill is waited for until what it names was moved, and
 * then until that is stored.
 *
 * begin from any thread, also an event loop's; it never waits for log or store. `ended` is called
 * on a thread of the worker's or of this module, and must not block. new, start, stop and free
 * belong to one thread.
 */
#include "application/event_log.h"
#include "application/moved_activities.h"
#include "application/store_activities.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"
#include "domain/activity_store.h"

enum {
    AWAIT_STORED_WAITS_MAX = 2048, /* at once; each keeps a request */
    AWAIT_STORED_MS = 2000,        /* how long one waits */
    AWAIT_STORED_LOOK_MS = 10      /* between two looks into the store */
};

struct await_stored_config {
    struct event_log *log;          /* whose receipts count; borrowed, as the next three */
    struct activity_store *store;   /* looked into; NULL: this process's worker tells everything */
    struct moved_activities *moved; /* of logs whose receipts count, too; NULL: there are none */
    const struct clock *clock;
    size_t waits_max; /* these three as above */
    unsigned wait_ms;
    unsigned look_ms;
};

struct stored_wait;

/* OK: it is stored. TIMED_OUT: not within the time. UNAVAILABLE: the process ends. */
typedef void stored_wait_ended(struct stored_wait *wait, enum status status);

/* Embedded in its owner, zeroed but for `ended`; it must not move until that is called. */
struct stored_wait {
    stored_wait_ended *ended;
    struct uuid log_id;            /* of the log that the positions are of, ... */
    bool waits_to_move;            /* ... which is another one as long as this is true */
    struct position_set positions; /* the highest that are waited for */
    uint64_t deadline_ns;
    struct stored_wait *before; /* in the list, oldest first */
    struct stored_wait *behind;
};

struct await_stored;

/* NO_MEMORY. */
MUST_USE enum status await_stored_new(const struct await_stored_config *config,
                                      struct await_stored **out_waits, struct error *err);

/* Takes NULL. After stop; the worker that tells it is gone. */
void await_stored_free(struct await_stored *waits);
CLEANUP_FUNCTION(struct await_stored *, await_stored_free)

/* For the worker to tell what it put; borrowed until free. */
struct progress_listener *await_stored_listener(struct await_stored *waits);

/* Names the worker that is to hurry when somebody waits; before start. */
void await_stored_set_worker(struct await_stored *waits, struct store_activities *worker);

/* Before the first begin. UNAVAILABLE, NO_MEMORY: the system gives no threads. */
MUST_USE enum status await_stored_start(struct await_stored *waits, struct error *err);

/* Ends all waits, and those that begin later at once. */
void await_stored_stop(struct await_stored *waits);

/* OK and *out_stored: there is nothing to wait for. OK otherwise: `ended` is called exactly once,
 * perhaps before this returns. INVALID: no receipt, or one of another log, with a sentence for the
 * client. BUSY: too many wait. UNAVAILABLE: the process ends. NO_MEMORY. */
MUST_USE enum status await_stored_begin(struct await_stored *waits, struct str receipt,
                                        struct stored_wait *wait, bool *out_stored,
                                        struct error *err);
