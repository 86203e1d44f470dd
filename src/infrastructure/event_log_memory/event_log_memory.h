#pragma once
/*
 * The event log in memory: the same contract, gone with the process (durability memory). For tests
 * and for trying things out. Completes appends from a thread of its own. Threads: as event_log.h
 * says.
 */
#include "application/event_log.h"
#include "application/log_tail.h"
#include "base/random.h"

#define EVENT_LOG_MEMORY_BYTES_DEFAULT (UINT64_C(256) << 20)

struct event_log_memory_config {
    uint64_t bytes_max;          /* of activities, queued ones included; 0: the default */
    const struct random *random; /* for the log's id */
};

MUST_USE enum status event_log_memory_new(const struct event_log_memory_config *config,
                                          struct event_log **out_log, struct error *err);

/* Tails of this log; lives as long as the log. */
struct log_tail_source *event_log_memory_tails(struct event_log *log);
