#include "application/metrics.h"

#include "base/clock.h"

/* The log ----------------------------------------------------------------------------------- */

static void tell_spill(struct metric_text *text, const struct event_log_spill_state *spill)
{
    static const struct metric activities = {
        "usertrail_spill_activities", METRIC_GAUGE,
        "Activities on this machine's disk until the event log can be reached."};
    static const struct metric bytes = {"usertrail_spill_bytes", METRIC_GAUGE,
                                        "What these take of the disk."};
    static const struct metric max = {"usertrail_spill_max_bytes", METRIC_GAUGE,
                                      "What they may take."};
    static const struct metric accepting = {"usertrail_spill_accepting", METRIC_GAUGE,
                                            "1: it would take activities now."};
    metric_tell(text, &activities, spill->activities);
    metric_tell(text, &bytes, spill->bytes);
    metric_tell(text, &max, spill->bytes_max);
    metric_tell(text, &accepting, spill->accepting == STATUS_OK);
}

void metrics_tell_log(struct metric_text *text, struct event_log *log)
{
    static const struct metric accepting = {"usertrail_event_log_accepting", METRIC_GAUGE,
                                            "1: the event log takes activities now."};
    static const struct metric bytes = {"usertrail_event_log_bytes", METRIC_GAUGE,
                                        "What the event log holds; 0 where it cannot know."};
    static const struct metric max = {"usertrail_event_log_max_bytes", METRIC_GAUGE,
                                      "What it may hold; 0: it has no limit of its own."};
    static const struct metric missing = {
        "usertrail_event_log_missing_activities_total", METRIC_COUNTER,
        "Activities that had a position and could not be read, since the start."};
    struct event_log_state state = {0};
    event_log_describe(log, &state);
    metric_tell(text, &accepting, state.accepting == STATUS_OK);
    metric_tell(text, &bytes, state.bytes);
    metric_tell(text, &max, state.bytes_max);
    metric_tell(text, &missing, state.missing);
    if (state.spill.configured) {
        tell_spill(text, &state.spill);
    }
}

/* The store --------------------------------------------------------------------------------- */

void metrics_tell_store(struct metric_text *text, struct activity_store *store, bool answers)
{
    static const struct metric answering = {"usertrail_store_answering", METRIC_GAUGE,
                                            "1: the store answered when it was asked last."};
    static const struct metric activities = {"usertrail_store_activities", METRIC_GAUGE,
                                             "Activities that are stored."};
    static const struct metric bytes = {"usertrail_store_bytes", METRIC_GAUGE,
                                        "Disk and memory that they take."};
    struct activity_store_state state = {0};
    metric_tell(text, &answering, answers);
    if (answers) {
        activity_store_describe(store, &state);
        metric_tell(text, &activities, state.activities);
        metric_tell(text, &bytes, state.bytes);
    }
}

void metrics_tell_refusals(struct metric_text *text, struct refusal_list *list)
{
    static const struct metric entries = {"usertrail_refused_entries", METRIC_GAUGE,
                                          "Entries of the refused list."};
    static const struct metric bytes = {"usertrail_refused_bytes", METRIC_GAUGE,
                                        "What the list takes."};
    static const struct metric max = {"usertrail_refused_max_bytes", METRIC_GAUGE,
                                      "What it may take."};
    static const struct metric dropped = {
        "usertrail_refused_dropped_entries_total", METRIC_COUNTER,
        "Entries that had to go since the start because the list was full."};
    struct refusal_list_state state = {0};
    refusal_list_describe(list, &state);
    metric_tell(text, &entries, state.listed);
    metric_tell(text, &bytes, state.bytes);
    metric_tell(text, &max, state.bytes_max);
    metric_tell(text, &dropped, state.dropped);
}

/* The worker -------------------------------------------------------------------------------- */

static void tell_condition(struct metric_text *text, const struct store_activities_state *state)
{
    static const struct metric condition = {"usertrail_worker_state", METRIC_GAUGE,
                                            "1 for the state that the worker is in."};
    static const struct {
        enum worker_condition condition;
        struct str name;
    } conditions[] = {
        {WORKER_STARTING, {"starting", 8}}, {WORKER_RUNNING, {"running", 7}},
        {WORKER_RETRYING, {"retrying", 8}}, {WORKER_STOPPED, {"stopped", 7}},
        {WORKER_FAILED, {"failed", 6}},
    };
    metric_begin(text, &condition);
    for (size_t i = 0; i < ARRAY_LENGTH(conditions); i++) {
        metric_add(text, METRIC_LABELS({"state", conditions[i].name}),
                   state->condition == conditions[i].condition);
    }
}

static void tell_verdicts(struct metric_text *text, const struct store_activities_state *state)
{
    static const struct metric verdicts = {
        "usertrail_worker_verdicts_total", METRIC_COUNTER,
        "What the store said of what this process put into it, redeliveries too."};
    const struct {
        struct str name;
        uint64_t count;
    } counts[] = {
        {STR("stored"), state->verdicts[VERDICT_STORED]},
        {STR("duplicate"), state->verdicts[VERDICT_DUPLICATE]},
        {STR("conflict"), state->verdicts[VERDICT_CONFLICT]},
        {STR("redelivered"), state->verdicts[VERDICT_REDELIVERED]},
        {STR("erased"), state->verdicts[VERDICT_ERASED]},
        {STR("refused"), state->refused},
    };
    metric_begin(text, &verdicts);
    for (size_t i = 0; i < ARRAY_LENGTH(counts); i++) {
        metric_add(text, METRIC_LABELS({"verdict", counts[i].name}), counts[i].count);
    }
}

void metrics_tell_worker(struct metric_text *text, struct store_activities *worker)
{
    static const struct metric lag = {"usertrail_worker_lag_activities", METRIC_GAUGE,
                                      "Positions that this worker has to handle and has not yet."};
    static const struct metric lag_time = {"usertrail_worker_lag_seconds", METRIC_GAUGE,
                                           "Age of the oldest of these; 0: there are none."};
    static const struct metric expired = {
        "usertrail_expired_activities_total", METRIC_COUNTER,
        "Activities that were too old, or too many, and went from the store."};
    struct store_activities_state state = {0};
    store_activities_describe(worker, &state);
    tell_condition(text, &state);
    tell_verdicts(text, &state);
    metric_tell(text, &lag, state.pending);
    metric_tell_seconds(text, &lag_time, state.lag_ms * NANOSECONDS_PER_MILLISECOND);
    metric_tell(text, &expired, state.expired);
}

/* Erasures ---------------------------------------------------------------------------------- */

void metrics_tell_erasures(struct metric_text *text, const struct erase_user *eraser)
{
    static const struct metric erasures = {"usertrail_erasures_total", METRIC_COUNTER,
                                           "Erasures of users that this process was asked for."};
    static const struct metric activities = {"usertrail_erased_activities_total", METRIC_COUNTER,
                                             "Stored activities that these removed."};
    metric_tell(text, &erasures, atomic_load(&eraser->erasures));
    metric_tell(text, &activities, atomic_load(&eraser->activities));
}
