#pragma once
/*
 * Imports into this process's own event log, by the use case that POST has, too; the worker moves
 * on from there. A log that is full for a moment is waited for. One thread, besides the log's own.
 */
#include "application/import_target.h"
#include "application/record_activities.h"
#include "application/store_activities.h"

struct import_target_local_config {
    const char *name;                   /* for people: "the folder ./data" */
    struct record_activities *recorder; /* borrowed, as all of these */
    struct store_activities *worker;    /* runs on a thread of its own */
    const struct activity_rules *rules;
    const struct clock *clock;
    struct import_notices *notices;
    size_t line_bytes_max;
    uint64_t give_up_ms; /* so long nothing may get on */
};

/* NO_MEMORY. */
MUST_USE enum status import_target_local_new(const struct import_target_local_config *config,
                                             struct import_target **out_target, struct error *err);
