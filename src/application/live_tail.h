#pragma once
/*
 * Shows activities to those who follow them, in the order of the log, from the moment on that they
 * are durable. Two threads, which rest while nobody listens:
 *
 *     log -- one tail ----> live-tail ---- rows behind `reached` ----> who is up to date
 *     log -- a tail each -> back-fill ---- rows before `reached` ----> who comes back
 *
 * Who comes back names the last event he had. A tail of its own hands him what came since, up to
 * where the common one is and no further, and in the moment in which both are at the same positions
 * he changes over: no row is missing or comes twice. That takes at most backfill_ms_max, then he is
 * told how much he misses. A row of a user who was erased after it was received is not shown: the
 * store is asked about every batch, and an erasure that this process carries out also takes out
 * what still waits in queues (live_tail_forget).
 *
 * An event's id says all positions up to which its reader has seen the log, so it means the same on
 * every server that reads this log.
 *
 * Threads: join, leave and forget from any; forget may wait for the store.
 */
#include "application/live_listener.h"
#include "application/log_tail.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/logger.h"
#include "domain/erasure_lookup.h"

struct live_tail;

struct live_tail_config {
    struct log_tail_source *source; /* borrowed, as all of these */
    struct erasure_lookup *erasures;
    const struct clock *clock;
    const struct logger *logger;
    size_t listeners_max;
    unsigned heartbeat_ms;    /* something is sent at least so often */
    unsigned backfill_ms_max; /* 0: the default */
};

enum { LIVE_TAIL_BACKFILL_MS_DEFAULT = 60 * 1000 };

/* NO_MEMORY, or why the system gives no thread. */
MUST_USE enum status live_tail_new(const struct live_tail_config *config,
                                   struct live_tail **out_tail, struct error *err);

/* Ends all listeners, and calls none of them any more; they may still leave. Takes NULL, and one
 * that was stopped. */
void live_tail_stop(struct live_tail *tail);

/* Takes NULL. No listener may be left. */
void live_tail_free(struct live_tail *tail);
CLEANUP_FUNCTION(struct live_tail *, live_tail_free)

/* The listener is woken when its state is no longer LIVE_JOINS. BUSY: there are too many, or the
 * tail stops; then it was not taken. */
MUST_USE enum status live_tail_join(struct live_tail *tail, struct live_listener *listener);

/* Ends one that joined, and drops its owner's reference. */
void live_tail_leave(struct live_tail *tail, struct live_listener *listener);

/* An erasure of this user was carried out: nothing that was received before is handed out once this
 * returns. */
void live_tail_forget(struct live_tail *tail, struct str user_id, int64_t erased_at_ms);

/* The id of an event as text, and back. INVALID: it is none of this service. NO_MEMORY. */
void live_tail_append_id(struct uuid log_id, const struct position_set *reached,
                         struct buffer *out_text);
MUST_USE enum status live_tail_read_id(struct str text, struct uuid *out_log_id,
                                       struct position_set *out_positions, struct error *err);
