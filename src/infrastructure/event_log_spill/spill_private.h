#pragma once
/*
 * What the port's functions and the two threads of the spilling log share. One mutex guards the
 * mode and all that follows it; it is never held while another log or a listener is called, but for
 * end_position and describe, which call nobody.
 */
#include "application/forward_activities.h"
#include "infrastructure/event_log_spill/event_log_spill.h"
#include "infrastructure/event_log_spill/held_append.h"
#include "infrastructure/event_log_spill/moved_mark.h"
#include "infrastructure/event_log_spill/set_aside.h"

#include <pthread.h>
#include <stdatomic.h>

enum spill_mode { SPILL_DIRECT, SPILL_GIVING_UP, SPILL_SPILLING, SPILL_RETURNING };

struct event_log_spill {
    struct event_log log;
    struct moved_activities moved;
    struct uuid spill_id;
    int64_t known_from; /* what was moved from here on is known to be in moved_to */
    struct event_log_spill_config config;
    struct append_listener inner_listener; /* hears for all direct appends */
    struct append_listener spill_listener; /* hears for all that are spilled */
    struct forward_activities *forwarder;  /* the mover's */
    struct set_aside set_aside;            /* likewise */
    pthread_t keeper;
    pthread_t mover;
    bool keeper_runs;
    bool mover_runs;
    struct moved_mark mark;
    atomic_size_t submitting; /* callers that are handing an append to the inner log right now;
                                 rises under the mutex */

    pthread_mutex_t mutex;
    pthread_cond_t keep; /* the keeper has something to do */
    pthread_cond_t move; /* likewise the mover */
    pthread_cond_t settled;
    enum spill_mode mode;
    struct held_list held; /* direct: under way in the inner log; else these and behind them what
                              waits */
    struct held_append *waiting;  /* returning: the first one that waits */
    size_t held_bytes;            /* of these and of those on their way into the spill */
    size_t in_inner;              /* appends whose fate the inner log has not told */
    size_t in_spill;              /* likewise the spill */
    int64_t spill_end;            /* behind the newest activity that is durable in the spill */
    int64_t moved_end;            /* all below is durable in the inner log, or set aside */
    struct position_set moved_to; /* in the inner log */
    bool moved_to_lost;           /* there was no memory for some of it */
    uint64_t moved_per_second;
    unsigned idle_steps; /* of the mover in a row, while spilling */
    bool refusing;       /* the spill took nothing the last time */
    bool closing;
    bool mover_ended;
};

/* Nothing is in the spill or on its way there; under the mutex. */
bool spill_is_empty(const struct event_log_spill *spill);

/* The inner log cannot be reached; under the mutex. */
void spill_fail_over(struct event_log_spill *spill);

/* Keeps for the next process that all below `offset` is moved. */
void spill_keep_mark(const struct event_log_spill *spill, int64_t offset);

/* Nothing is under way, nothing waits; under the mutex. */
bool spill_is_settled(const struct event_log_spill *spill);

void spill_hear_inner(struct append_listener *listener, const struct append_result *results,
                      size_t count);
void spill_hear_spill(struct append_listener *listener, const struct append_result *results,
                      size_t count);

/* Gives up and hands over. */
void *spill_run_keeper(void *context);

/* Moves from the spill into the inner log. */
void *spill_run_mover(void *context);
