#pragma once
/*
 * Opens what a log's folder holds: finds its id, its segments and its end, cuts a torn tail, and
 * makes sure that the last commit is on the disk. segment_format.h says why this is enough. One
 * thread, before any other touches the log.
 */
#include "base/random.h"
#include "infrastructure/event_log_local/commit_writer.h"
#include "infrastructure/event_log_local/damage_report.h"

struct recovery {
    struct disk *disk;
    const char *directory;
    const struct random *random; /* for the id of a new log */
    const struct logger *logger;
    struct damage_report *report;
};

/* Fills the writer (log id, active segment, sequence, next offset) and its list. On failure the
 * caller abandons both. */
MUST_USE enum status recovery_run(const struct recovery *recovery, struct commit_writer *writer,
                                  struct error *err);
