#pragma once
/*
 * A decorator that writes one log line for each call of the port: its arguments, its status and how
 * many microseconds it took. For --trace-ports. Takes the inner log over. Threads: as event_log.h
 * says.
 */
#include "application/event_log.h"
#include "base/clock.h"
#include "base/logger.h"

struct event_log_tracing_config {
    struct event_log *inner;
    const struct clock *clock;
    const struct logger *logger;
};

/* On failure the inner log stays the caller's. */
MUST_USE enum status event_log_tracing_new(const struct event_log_tracing_config *config,
                                           struct event_log **out_log, struct error *err);
