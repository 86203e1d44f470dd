#pragma once
/*
 * An event log that fails as planned and is otherwise the one behind it: for tests of what stands
 * in front of a log. A failing call does not reach the log behind, but a failing completion tells
 * of an append that did. Threads: as event_log.h says; the functions here from any thread.
 */
#include "application/event_log.h"
#include "base/failure_plan.h"

#include <stdbool.h>

enum event_log_call {
    EVENT_LOG_APPEND,
    EVENT_LOG_COMPLETION, /* the result of an append, one by one */
    EVENT_LOG_POLL,
    EVENT_LOG_SEEK,
    EVENT_LOG_COMMIT,
    EVENT_LOG_END_POSITION,
    EVENT_LOG_CALL_COUNT
};

/* Owns `inner` once it returns OK. NO_MEMORY. */
MUST_USE enum status event_log_failing_new(struct event_log *inner, struct event_log **out_log,
                                           struct error *err);

/* Replaces the plan: `call` of each failure is one of event_log_call, and counts from now. */
void event_log_failing_plan(struct event_log *log, const struct planned_failure *failures,
                            size_t count);

/* While on, results are kept back; turning it off hands them over, on the caller's thread. Freeing
 * the log does so, too. */
void event_log_failing_hold(struct event_log *log, bool hold);
