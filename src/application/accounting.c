#include "application/accounting.h"

#include "base/assert.h"

void accounting_init(struct accounting *self, const struct accounting *parts)
{
    *self = *parts;
    self->since_ms = clock_wall_ms(parts->clock);
}

/* In this order, so that what is counted meanwhile looks as if it were under way. */
static void take_edge(const struct accounting *self, struct accounting_sums *sums)
{
    struct record_counters *counters = &self->recorder->counters;
    sums->edge.rejected = atomic_load(&counters->rejected);
    sums->edge.accepted = atomic_load(&counters->accepted);
    sums->edge.received = atomic_load(&counters->received);
    sums->edge.resent = atomic_load(&counters->resent);
    sums->edge_minute_count = minute_counts_take(&self->recorder->minutes, sums->edge_minutes);
    sums->has_worker = self->worker != NULL;
    if (sums->has_worker) {
        sums->worker_minute_count = store_activities_minutes(self->worker, sums->worker_minutes);
    }
}

static enum status take_log(const struct accounting *self, struct accounting_sums *sums,
                            struct error *err)
{
    struct log_coverage *log;
    enum status status = coverage_log(&sums->accounts, sums->log.log_id, &log);
    if (status == STATUS_OK) {
        status = activity_store_accounts(self->store, &sums->accounts, err);
    } else {
        status = error_set(err, status, 0, "there is no memory for the accounts of logs");
    }
    if (status != STATUS_OK) {
        return status;
    }
    /* Asked last: nothing can have its outcome before it is in the log. */
    status = event_log_end_position(self->log, &sums->ends);
    return status == STATUS_OK
               ? STATUS_OK
               : error_set(err, status, 0, "there is no memory for the positions of the log");
}

enum status accounting_take(const struct accounting *self, struct accounting_sums *out_sums,
                            struct error *err)
{
    *out_sums = (struct accounting_sums){.since_ms = self->since_ms};
    position_set_init(&out_sums->ends);
    coverage_init(&out_sums->accounts);
    event_log_describe(self->log, &out_sums->log);
    take_edge(self, out_sums);
    enum status status = take_log(self, out_sums, err);
    if (status != STATUS_OK) {
        accounting_sums_deinit(out_sums);
    }
    return status;
}

void accounting_sums_deinit(struct accounting_sums *sums)
{
    position_set_deinit(&sums->ends);
    coverage_deinit(&sums->accounts);
}

int64_t accounting_edge_difference(const struct accounting_sums *sums)
{
    return (int64_t)(sums->edge.received - sums->edge.accepted - sums->edge.rejected);
}

uint64_t accounting_pending(const struct accounting_sums *sums, const struct log_coverage *log)
{
    bool in_use = uuid_equal(log->log_id, sums->log.log_id);
    return in_use ? position_set_distance(&log->positions, &sums->ends) : 0;
}

bool accounting_closes(const struct accounting_sums *sums)
{
    bool closes = accounting_edge_difference(sums) == 0;
    for (size_t i = 0; i < sums->accounts.count; i++) {
        closes = closes && log_coverage_difference(&sums->accounts.logs[i]) == 0;
    }
    return closes;
}
