#pragma once
/*
 * A decorator that fails on command and otherwise hands everything through, so that tests can show
 * what the rest of the program does with each failure. Takes the inner log over. Threads: as
 * event_log.h says; the functions here from any thread.
 */
#include "application/event_log.h"

#include <stdbool.h>

enum event_log_call {
    EVENT_LOG_CALL_APPEND,
    EVENT_LOG_CALL_COMPLETION, /* the result of an append, one by one */
    EVENT_LOG_CALL_POLL,
    EVENT_LOG_CALL_SEEK,
    EVENT_LOG_CALL_COMMIT,
    EVENT_LOG_CALL_END_POSITION,
    EVENT_LOG_CALL_COUNT
};

struct event_log_fault {
    enum event_log_call call;
    uint64_t nth; /* the call that fails, from 1, counted since the log was made */
    bool from_then_on;
    enum status status; /* never OK */
};

enum { EVENT_LOG_FAULTS_MAX = 16 };

struct event_log_failing_config {
    struct event_log *inner;
    const struct event_log_fault *faults; /* copied */
    size_t fault_count;                   /* at most EVENT_LOG_FAULTS_MAX */
};

/* On failure the inner log stays the caller's. */
MUST_USE enum status event_log_failing_new(const struct event_log_failing_config *config,
                                           struct event_log **out_log, struct error *err);

/* Adds a fault that counts from now. */
void event_log_failing_add(struct event_log *log, const struct event_log_fault *fault);

/* While on, results are kept back; turning it off hands them over, on the caller's thread. Freeing
 * the log does so, too. */
void event_log_failing_hold(struct event_log *log, bool hold);
