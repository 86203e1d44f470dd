#pragma once
/*
 * Reads a part of an event log again and puts it into the store, for a store that lost something or
 * came later. What is there stays and is not doubled; what was erased does not come back, and
 * neither does what is older than the retention. Coverage is the workers' business: a replay raises
 * no position of the store and commits nothing to the log, so that it may run beside them.
 *
 * One thread; `stopped` may change its answer at any time.
 */
#include "application/event_log.h"
#include "application/keep_refusals.h"
#include "base/clock.h"
#include "base/random.h"
#include "domain/activity_store.h"

enum { REPLAY_POLL_WAIT_MS = 200, REPLAY_RETRY_MS_MIN = 50, REPLAY_RETRY_MS_MAX = 2000 };

struct replay_figures {
    uint64_t done;  /* positions that were read, of ... */
    uint64_t total; /* ... so many between the two ends, activities or not */
    uint64_t activities;
    uint64_t verdicts[VERDICT_COUNT];
    uint64_t poison;  /* messages that are no activities, listed as refused */
    uint64_t too_old; /* older than the retention, not stored */
};

/* Who follows a replay, embedded in its owner. */
struct replay_listener {
    void (*progressed)(struct replay_listener *listener, const struct replay_figures *figures);
    bool (*stopped)(struct replay_listener *listener); /* true: end soon */
};

struct replay_activities_config {
    struct event_log *log; /* borrowed, as all of these; reads every partition for itself */
    struct activity_store *store;
    struct refusal_list *refusals;
    struct erasure_lookup *erasures; /* of the store; NULL: nobody is ever erased */
    const struct random *random;
    const struct clock *clock;
    struct replay_listener *listener;
    const struct position_set *from; /* where each partition begins; others at their beginning */
    const struct position_set *to;   /* behind the last to be read, for each partition read */
    size_t batch_rows_max;
    unsigned retention_days; /* 0: for ever */
    unsigned give_up_ms;     /* without progress for so long, fails with what is in the way */
};

enum replay_end { REPLAY_DONE, REPLAY_STOPPED };

/* OK: how it ended is in `out_end`, and in the figures what it came to; else they say how far it
 * got, and another replay may begin there or anywhere before. UNAVAILABLE, TIMED_OUT, NO_SPACE,
 * NO_MEMORY: what did not pass within give_up_ms. CORRUPT, and what else log or store say. */
MUST_USE enum status replay_activities_run(const struct replay_activities_config *config,
                                           struct replay_figures *out_figures,
                                           enum replay_end *out_end, struct error *err);
