/* What the store on disk tells of itself as metrics, beside what every store tells. */
#include "base/metric_text.h"
#include "infrastructure/activity_store_local/local_store.h"

static void tell_heads(struct metric_text *text, const struct snapshot *snapshot)
{
    static const struct metric heads = {"usertrail_store_heads", METRIC_GAUGE,
                                        "Heads: tables of recent activities in memory."};
    static const struct metric activities = {"usertrail_store_head_activities", METRIC_GAUGE,
                                             "Activities in heads, not in a part yet."};
    static const struct metric bytes = {"usertrail_store_head_bytes", METRIC_GAUGE,
                                        "Memory that the heads take."};
    struct table_size sum = {0};
    for (size_t i = 0; i < snapshot->head_count; i++) {
        struct table_size size = shared_table_size(&snapshot->heads[i]->shared);
        sum.rows += size.rows;
        sum.bytes += size.bytes;
    }
    metric_tell(text, &heads, snapshot->head_count);
    metric_tell(text, &activities, sum.rows);
    metric_tell(text, &bytes, sum.bytes);
}

static void tell_parts(struct metric_text *text, const struct snapshot *snapshot)
{
    static const struct metric parts = {"usertrail_store_parts", METRIC_GAUGE,
                                        "Parts: files of the store that are written once."};
    static const struct metric activities = {"usertrail_store_part_activities", METRIC_GAUGE,
                                             "Activities in parts."};
    static const struct metric bytes = {"usertrail_store_part_bytes", METRIC_GAUGE,
                                        "Disk that the parts take."};
    struct snapshot_size size = snapshot_parts_size(snapshot);
    metric_tell(text, &parts, snapshot->part_count);
    metric_tell(text, &activities, size.rows);
    metric_tell(text, &bytes, size.bytes);
}

static void tell_histogram(struct metric_text *text, const struct metric *metric,
                           const struct histogram *histogram)
{
    struct histogram_sums sums = {.bounds = &histogram_bounds_requests};
    histogram_sum(histogram, &sums);
    metric_begin(text, metric);
    metric_add_histogram(text, METRIC_NO_LABELS, &sums);
}

static void tell_work(struct metric_text *text, struct local_store *self)
{
    static const struct metric seals = {"usertrail_store_seal_duration_seconds", METRIC_HISTOGRAM,
                                        "Heads that were written as parts."};
    static const struct metric unsealed = {"usertrail_store_seal_failures_total", METRIC_COUNTER,
                                           "Heads that could not be written, and stay."};
    static const struct metric merges = {"usertrail_store_merge_duration_seconds", METRIC_HISTOGRAM,
                                         "Merges of several parts into one."};
    static const struct metric unmerged = {"usertrail_store_merge_failures_total", METRIC_COUNTER,
                                           "Merges that failed, or were cut short by a stop."};
    pthread_mutex_lock(&self->mutex);
    uint64_t seal_failures = self->seal_failures;
    pthread_mutex_unlock(&self->mutex);
    tell_histogram(text, &seals, &self->seals);
    metric_tell(text, &unsealed, seal_failures);
    tell_histogram(text, &merges, &self->merges);
    metric_tell(text, &unmerged, counter_read(&self->merge_failures));
}

void activity_store_local_tell_metrics(struct activity_store *store, struct metric_text *text)
{
    struct local_store *self = CONTAINER_OF(store, struct local_store, store);
    CLEANUP(snapshot_unref) struct snapshot *snapshot = local_store_snapshot(self);
    tell_heads(text, snapshot);
    tell_parts(text, snapshot);
    tell_work(text, self);
}
