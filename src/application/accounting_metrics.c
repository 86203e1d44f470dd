/* The sums as metrics. The edge's are of this process, those of logs of all that share the store.
 */
#include "application/accounting.h"

/* The edge ---------------------------------------------------------------------------------- */

void accounting_tell_edge(struct metric_text *text, const struct record_activities *recorder)
{
    static const struct metric received = {"usertrail_received_activities_total", METRIC_COUNTER,
                                           "Activities that requests brought to this process."};
    static const struct metric answered = {"usertrail_answered_activities_total", METRIC_COUNTER,
                                           "Activities of requests by what was answered."};
    static const struct metric resent = {
        "usertrail_resent_activities_total", METRIC_COUNTER,
        "Activities that were sent again out of the refused list."};
    const struct record_counters *counters = &recorder->counters;
    uint64_t rejected_count = atomic_load(&counters->rejected);
    uint64_t accepted_count = atomic_load(&counters->accepted);
    metric_tell(text, &received, atomic_load(&counters->received));
    metric_begin(text, &answered);
    metric_add(text, METRIC_LABELS({"answer", STR("accepted")}), accepted_count);
    metric_add(text, METRIC_LABELS({"answer", STR("rejected")}), rejected_count);
    metric_tell(text, &resent, atomic_load(&counters->resent));
}

/* Logs -------------------------------------------------------------------------------------- */

static size_t told_logs(const struct accounting_sums *sums)
{
    return sums->accounts.count < ACCOUNTING_LOGS_TOLD_MAX ? sums->accounts.count
                                                           : ACCOUNTING_LOGS_TOLD_MAX;
}

static struct str log_name(const struct log_coverage *log, char room[UUID_TEXT_BYTES])
{
    uuid_format(log->log_id, room);
    return (struct str){room, UUID_TEXT_BYTES};
}

static void tell_outcomes(struct metric_text *text, const struct accounting_sums *sums)
{
    static const struct metric outcomes = {
        "usertrail_activities_total", METRIC_COUNTER,
        "Positions of the event log by what became of them, as the store keeps it."};
    metric_begin(text, &outcomes);
    for (size_t i = 0; i < told_logs(sums); i++) {
        const struct log_coverage *log = &sums->accounts.logs[i];
        char room[UUID_TEXT_BYTES];
        struct str name = log_name(log, room);
        for (size_t j = 0; j < OUTCOME_COUNT; j++) {
            struct str outcome = str_from(log_outcome_name((enum log_outcome)j));
            metric_add(text, METRIC_LABELS({"log", name}, {"outcome", outcome}),
                       log->counts.outcomes[j]);
        }
    }
}

typedef int64_t number_of_log(const struct accounting_sums *sums, const struct log_coverage *log);

static int64_t pending_of(const struct accounting_sums *sums, const struct log_coverage *log)
{
    return (int64_t)accounting_pending(sums, log);
}

static int64_t difference_of(const struct accounting_sums *sums, const struct log_coverage *log)
{
    (void)sums;
    return log_coverage_difference(log);
}

static void tell_gauge(struct metric_text *text, const struct metric *metric,
                       const struct accounting_sums *sums, number_of_log *number)
{
    metric_begin(text, metric);
    for (size_t i = 0; i < told_logs(sums); i++) {
        const struct log_coverage *log = &sums->accounts.logs[i];
        char room[UUID_TEXT_BYTES];
        metric_add_signed(text, METRIC_LABELS({"log", log_name(log, room)}), number(sums, log));
    }
}

static void tell_beside(struct metric_text *text, const struct accounting_sums *sums)
{
    static const struct metric foreign = {
        "usertrail_foreign_activities_total", METRIC_COUNTER,
        "Activities that other programs wrote to the event log, among those above."};
    static const struct metric replayed = {
        "usertrail_replayed_activities_total", METRIC_COUNTER,
        "Activities that were stored again beside those above, as by a replay."};
    char room[UUID_TEXT_BYTES];
    metric_begin(text, &foreign);
    for (size_t i = 0; i < told_logs(sums); i++) {
        const struct log_coverage *log = &sums->accounts.logs[i];
        metric_add(text, METRIC_LABELS({"log", log_name(log, room)}), log->counts.foreign);
    }
    metric_begin(text, &replayed);
    for (size_t i = 0; i < told_logs(sums); i++) {
        const struct log_coverage *log = &sums->accounts.logs[i];
        metric_add(text, METRIC_LABELS({"log", log_name(log, room)}), log->counts.replayed);
    }
}

void accounting_tell_metrics(struct metric_text *text, const struct accounting_sums *sums)
{
    static const struct metric pending = {
        "usertrail_pending_activities", METRIC_GAUGE,
        "Positions of the event log that have no outcome yet, as far as this process knows."};
    static const struct metric difference = {
        "usertrail_accounting_difference", METRIC_GAUGE,
        "How far the positions and their outcomes are from adding up."};
    tell_outcomes(text, sums);
    tell_beside(text, sums);
    tell_gauge(text, &pending, sums, pending_of);
    tell_gauge(text, &difference, sums, difference_of);
}
