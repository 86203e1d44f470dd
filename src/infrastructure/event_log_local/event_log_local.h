#pragma once
/*
 * The event log in local files: durable when fdatasync returned (durability local-disk). One
 * committer thread writes what all event loops append, one commit for all that waits. The files
 * are described in segment_format.h; one process at a time owns the folder.
 *
 * A batch is TOO_LARGE beyond queue_bytes_max or half of log_bytes_max. Threads: as event_log.h
 * says; the functions here from any thread.
 */
#include "application/event_log.h"
#include "application/log_tail.h"
#include "base/clock.h"
#include "base/logger.h"
#include "base/metric_text.h"
#include "base/random.h"
#include "infrastructure/disk/disk.h"

#define EVENT_LOG_LOCAL_SEGMENT_BYTES_DEFAULT (UINT64_C(64) << 20)
#define EVENT_LOG_LOCAL_LOG_BYTES_DEFAULT     (UINT64_C(8) << 30)
#define EVENT_LOG_LOCAL_QUEUE_BYTES_DEFAULT   ((size_t)64 << 20)

enum { EVENT_LOG_LOCAL_LOG_BYTES_MIN = 4096 };

struct event_log_local_config {
    struct disk *disk;
    const char *directory;  /* made when absent; its parent must exist */
    uint64_t segment_bytes; /* reserved at a time; 0: the default; a quarter of log_bytes_max at
                               most. A commit that is larger gets a segment of its own size */
    uint64_t log_bytes_max; /* written and queued; 0: the default. On the disk may stand up to two
                               segments' reserved space more */
    size_t queue_bytes_max; /* waiting for the disk; 0: the default */
    unsigned look_every_ms; /* without an append: writes and syncs something that is none, so that a
                               disk that fails shows before an append needs it; 0: never */
    bool opens_full;        /* also on a disk without room for its first segment: it then refuses
                               until there is; otherwise NO_SPACE */
    const char *called;     /* in words for people, for one that is not the event log; or NULL */
    const char *goes_on_when; /* likewise: what gives room to a full one; or NULL */
    const struct clock *clock;
    const struct random *random;
    const struct logger *logger;
};

/* Opens or makes the log. BUSY: another process has it. CORRUPT: a person must look. INVALID: the
 * configuration. UNAVAILABLE, NO_SPACE, NO_MEMORY: `err` says what failed. */
MUST_USE enum status event_log_local_new(const struct event_log_local_config *config,
                                         struct event_log **out_log, struct error *err);

/* Writes where this process serves into the lock file, for others to find. */
MUST_USE enum status event_log_local_write_address(struct event_log *log, struct str address,
                                                   struct error *err);

/* Tails of this log; lives as long as the log. */
struct log_tail_source *event_log_local_tails(struct event_log *log);

/* What was not as it had been written, since the log was opened. */
struct event_log_local_damage {
    uint64_t ranges;             /* runs of bytes in which nothing valid was found */
    uint64_t activities_missing; /* offsets that were once given out and could not be served */
    uint64_t segments_missing;   /* files that ought to be there */
    uint64_t torn_tails;         /* incomplete last commits that were cut; a crash leaves one */
    uint64_t set_aside;          /* files written to set-aside/ */
};

/* What a log does with its disk, since it was opened, and how full it is. */
struct event_log_local_figures {
    struct histogram_sums commits; /* writing and syncing, of those that went well */
    struct histogram_sums syncs;   /* of these the syncs alone */
    uint64_t bytes_written;        /* by them */
    uint64_t failures;             /* after which nothing is accepted until a restart */
    uint64_t segments;
    uint64_t segment_bytes; /* of commits */
    int64_t end_offset;
    size_t queued_appends;
    size_t queued_bytes;
};

void event_log_local_measure(struct event_log *log, struct event_log_local_figures *out_figures);

/* A log of this process and what it is called where its metrics are told: static. */
struct event_log_local_named {
    struct event_log *log;
    struct str name;
};

/* Tells the metrics of several logs together (base/metric_text.h). */
void event_log_local_tell_metrics(struct metric_text *text,
                                  const struct event_log_local_named *logs, size_t count);

void event_log_local_describe_damage(struct event_log *log,
                                     struct event_log_local_damage *out_damage);
