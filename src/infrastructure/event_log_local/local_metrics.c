/* What logs in local files tell of themselves as metrics. */
#include "base/assert.h"
#include "infrastructure/event_log_local/event_log_local.h"

#include <stddef.h>
#include <string.h>

enum { LOGS_MAX = 2 }; /* the event log, and the spill of another one */

struct told {
    struct str name;
    struct event_log_local_figures figures;
    struct event_log_local_damage damage;
};

/* A family with one sample for each log: the number that stands at `offset` of what is told. */
static void tell_numbers(struct metric_text *text, const struct metric *metric,
                         const struct told *logs, size_t count, size_t offset)
{
    metric_begin(text, metric);
    for (size_t i = 0; i < count; i++) {
        uint64_t number;
        memcpy(&number, (const char *)&logs[i] + offset, sizeof number);
        metric_add(text, METRIC_LABELS({"folder", logs[i].name}), number);
    }
}

static void tell_times(struct metric_text *text, const struct told *logs, size_t count)
{
    static const struct metric commits = {
        "usertrail_log_commit_duration_seconds", METRIC_HISTOGRAM,
        "Commits of a log in local files: writing and syncing what waited."};
    static const struct metric syncs = {"usertrail_log_sync_duration_seconds", METRIC_HISTOGRAM,
                                        "The sync (fdatasync) of each of these commits."};
    metric_begin(text, &commits);
    for (size_t i = 0; i < count; i++) {
        metric_add_histogram(text, METRIC_LABELS({"folder", logs[i].name}),
                             &logs[i].figures.commits);
    }
    metric_begin(text, &syncs);
    for (size_t i = 0; i < count; i++) {
        metric_add_histogram(text, METRIC_LABELS({"folder", logs[i].name}), &logs[i].figures.syncs);
    }
}

#define FIGURE(member) offsetof(struct told, figures.member)
#define DAMAGE(member) offsetof(struct told, damage.member)

static const struct {
    struct metric metric;
    size_t offset;
} numbers[] = {
    {{"usertrail_log_written_bytes_total", METRIC_COUNTER, "Bytes that these commits wrote."},
     FIGURE(bytes_written)},
    {{"usertrail_log_sync_failures_total", METRIC_COUNTER,
      "Syncs that failed; the log then accepts nothing until a restart."},
     FIGURE(failures)},
    {{"usertrail_log_segments", METRIC_GAUGE, "Files that hold commits."}, FIGURE(segments)},
    {{"usertrail_log_segment_bytes", METRIC_GAUGE, "Bytes of commits in them."},
     FIGURE(segment_bytes)},
    {{"usertrail_log_end_offset", METRIC_GAUGE, "Offset of the next activity."},
     FIGURE(end_offset)},
    {{"usertrail_log_queued_appends", METRIC_GAUGE, "Requests that wait for the disk."},
     FIGURE(queued_appends)},
    {{"usertrail_log_queued_bytes", METRIC_GAUGE, "Bytes of them."}, FIGURE(queued_bytes)},
    {{"usertrail_log_damaged_ranges_total", METRIC_COUNTER,
      "Runs of bytes that were not as they had been written."},
     DAMAGE(ranges)},
    {{"usertrail_log_missing_segments_total", METRIC_COUNTER, "Files that ought to be there."},
     DAMAGE(segments_missing)},
    {{"usertrail_log_torn_tails_total", METRIC_COUNTER,
      "Incomplete last commits that were cut; a crash leaves one."},
     DAMAGE(torn_tails)},
};

_Static_assert(sizeof(size_t) == sizeof(uint64_t) && sizeof(int64_t) == sizeof(uint64_t),
               "all of them are read as one type");

void event_log_local_tell_metrics(struct metric_text *text,
                                  const struct event_log_local_named *logs, size_t count)
{
    struct told told[LOGS_MAX];
    ASSERT(count <= LOGS_MAX);
    for (size_t i = 0; i < count; i++) {
        told[i].name = logs[i].name;
        event_log_local_measure(logs[i].log, &told[i].figures);
        event_log_local_describe_damage(logs[i].log, &told[i].damage);
    }
    tell_times(text, told, count);
    for (size_t i = 0; i < ARRAY_LENGTH(numbers); i++) {
        tell_numbers(text, &numbers[i].metric, told, count, numbers[i].offset);
    }
}
