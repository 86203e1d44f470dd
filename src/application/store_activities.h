#pragma once
/*
 * The worker: moves activities from the event log into the store, batch by batch, and tells the log
 * what the store made durable. It resumes from the store's own positions, so a crash at any moment
 * neither loses nor doubles. A store or log that is down is retried with growing, jittered pauses;
 * what nobody can repair by waiting stops the worker with a reason.
 *
 * What is in the log and no activity, or one that the store will never take, goes to the refused
 * list before the log may forget it; a list that is down is waited for like a store.
 *
 * It also lets old activities expire: when it starts, when it has caught up, and every so often.
 * What arrives and is older than the retention already, or comes again out of the log after a
 * crash, is stored like everything else and goes the next time.
 *
 * run and step belong to one thread; stop and describe may be called from any.
 */
#include "application/event_log.h"
#include "application/keep_refusals.h"
#include "application/minute_counts.h"
#include "application/tracer.h"
#include "base/clock.h"
#include "base/logger.h"
#include "base/random.h"
#include "domain/activity_store.h"

#include <pthread.h>
#include <stdatomic.h>

/* Hears how far the worker got: below the positions everything is in the store's answers. Embedded
 * in its owner; called on the worker's thread, and must not block. */
struct progress_listener {
    void (*raised)(struct progress_listener *listener, const struct position_set *handled);
};

struct store_activities_config {
    struct event_log *log; /* borrowed, as all of these */
    struct activity_store *store;
    struct refusal_list *refusals;
    struct erasure_lookup *erasures; /* of the store; NULL: nobody is ever erased */
    const struct random *random;
    const struct logger *logger;
    const struct clock *clock;
    struct progress_listener *progress; /* NULL: nobody hears */
    const struct tracer *tracer;        /* NULL: nobody collects spans */
    size_t batch_rows_max;              /* rows in one put_batch */
    unsigned poll_wait_ms;              /* how long an idle worker sleeps at once */
    size_t gather_rows;                 /* behind a batch with fewer rows than this, ... */
    unsigned gather_ms;                 /* ... the next one is given so long to gather */
    unsigned sync_log_percent; /* the store is synced while the log holds more of its maximum */
    unsigned retry_ms_min;     /* first pause after a failure */
    unsigned retry_ms_max;     /* longest pause */
    unsigned retention_days;   /* activities that are older expire; 0: none by their age */
    unsigned expire_every_ms;  /* how often the store is told; 0: never */
};

extern const struct store_activities_config store_activities_config_default;

enum worker_condition {
    WORKER_STARTING, /* has not yet asked the store where to resume */
    WORKER_RUNNING,
    WORKER_RETRYING, /* log or store is down, see reason */
    WORKER_STOPPED,  /* was told to */
    WORKER_FAILED    /* needs a person, see reason */
};

struct store_activities_state {
    enum worker_condition condition;
    char reason[ERROR_MESSAGE_BYTES]; /* "" unless retrying or failed */
    uint64_t verdicts[VERDICT_COUNT]; /* since start */
    uint64_t refused;                 /* by the store or already by the log, since start */
    uint64_t expired;                 /* since start */
    uint64_t pending;                 /* durable in the log and not yet in the store's answers */
    uint64_t lag_ms;                  /* age of the oldest of these, as far as is known; 0: none */
    bool caught_up; /* everything that was in the log at start is in the store's answers */
    int64_t replayed_until_ms; /* what was stored until it had caught up was received before */
};

struct store_activities;

/* NO_MEMORY. */
MUST_USE enum status store_activities_new(const struct store_activities_config *config,
                                          struct store_activities **out_worker, struct error *err);
void store_activities_free(struct store_activities *worker);
CLEANUP_FUNCTION(struct store_activities *, store_activities_free)

/* Works until stop is called (OK, the store is synced and the log told) or until it fails: CORRUPT
 * or what the log or store said. Blocks. */
MUST_USE enum status store_activities_run(struct store_activities *worker, struct error *err);

/* One turn of run, for tests that own time: resume if need be, poll, put, commit. OK also when
 * there was nothing to do. BUSY, UNAVAILABLE, TIMED_OUT, NO_SPACE, NO_MEMORY: the same turn may be
 * tried again and loses nothing. */
MUST_USE enum status store_activities_step(struct store_activities *worker, struct error *err);

/* Whether what failed so may succeed later without anybody's doing. */
bool store_activities_may_pass(enum status status);

/* Ends run soon, also out of a pause. Any thread. */
void store_activities_stop(struct store_activities *worker);

/* Somebody waits: the next batch is not given time to gather. Any thread. */
void store_activities_hurry(struct store_activities *worker);

/* Any thread; never waits for the log or store. */
void store_activities_describe(struct store_activities *worker,
                               struct store_activities_state *out_state);

/* The places of the minutes' counts: stored, duplicate, conflict, refused, erased, redelivered. */
enum { WORKER_COUNTS = 6 };

/* What became of rows and messages in the minutes of the last hour; returns how many minutes. Any
 * thread. */
size_t store_activities_minutes(struct store_activities *worker,
                                struct minute_sums out_sums[MINUTES_KEPT]);
