#include "infrastructure/activity_store_tracing/activity_store_tracing.h"

#include "base/call_trace.h"

#include <stdlib.h>

struct tracing_store {
    struct activity_store store;
    struct activity_store *inner;
    const struct logger *logger;
};

static struct tracing_store *store_of(struct activity_store *store)
{
    return CONTAINER_OF(store, struct tracing_store, store);
}

static struct call_trace trace_begin(const struct tracing_store *self)
{
    return call_trace_begin(self->logger, self->logger->clock);
}

static size_t count_excluded(const struct activity_exclusions *excluded)
{
    return excluded->user_ids.count + excluded->actions.count +
           metadata_filter_value_count(excluded->metadata);
}

static void trace_filter(struct call_trace *trace, const struct activity_filter *filter)
{
    call_trace_number(trace, "users", (int64_t)filter->user_ids.count);
    call_trace_number(trace, "actions", (int64_t)filter->actions.count);
    call_trace_number(trace, "from_ms", filter->from_ms);
    call_trace_number(trace, "to_ms", filter->to_ms);
    call_trace_number(trace, "excluded", (int64_t)count_excluded(&filter->excluded));
    call_trace_number(trace, "metadata", (int64_t)metadata_filter_value_count(filter->metadata));
}

static void trace_verdicts(struct call_trace *trace, const enum verdict *verdicts, size_t count)
{
    static const char *const names[VERDICT_COUNT] = {
        [VERDICT_STORED] = "stored",     [VERDICT_DUPLICATE] = "duplicate",
        [VERDICT_CONFLICT] = "conflict", [VERDICT_REDELIVERED] = "redelivered",
        [VERDICT_REFUSED] = "refused",   [VERDICT_ERASED] = "erased",
    };
    int64_t sums[VERDICT_COUNT] = {0};
    for (size_t i = 0; i < count; i++) {
        sums[verdicts[i]]++;
    }
    for (size_t i = 0; i < VERDICT_COUNT; i++) {
        call_trace_number(trace, names[i], sums[i]);
    }
}

static enum status tracing_put_batch(struct activity_store *store,
                                     const struct activity_batch *batch, enum verdict *out_verdicts,
                                     struct error *err)
{
    struct tracing_store *self = store_of(store);
    struct call_trace trace = trace_begin(self);
    enum status status = activity_store_put_batch(self->inner, batch, out_verdicts, err);
    call_trace_number(&trace, "rows", (int64_t)batch->count);
    if (status == STATUS_OK) {
        trace_verdicts(&trace, out_verdicts, batch->count);
    }
    call_trace_end(&trace, "activity_store put_batch", status);
    return status;
}

static enum status tracing_durable_positions(struct activity_store *store, struct uuid log_id,
                                             struct position_set *out_positions, struct error *err)
{
    struct tracing_store *self = store_of(store);
    struct call_trace trace = trace_begin(self);
    char text[UUID_TEXT_BYTES];
    uuid_format(log_id, text);
    enum status status = activity_store_durable_positions(self->inner, log_id, out_positions, err);
    call_trace_text(&trace, "log", (struct str){.data = text, .len = sizeof text});
    call_trace_number(&trace, "partitions", (int64_t)out_positions->count);
    call_trace_end(&trace, "activity_store durable_positions", status);
    return status;
}

static enum status tracing_accounts(struct activity_store *store, struct coverage *out_accounts,
                                    struct error *err)
{
    struct tracing_store *self = store_of(store);
    struct call_trace trace = trace_begin(self);
    enum status status = activity_store_accounts(self->inner, out_accounts, err);
    call_trace_number(&trace, "logs", (int64_t)out_accounts->count);
    call_trace_end(&trace, "activity_store accounts", status);
    return status;
}

static enum status tracing_sync(struct activity_store *store, struct error *err)
{
    struct tracing_store *self = store_of(store);
    struct call_trace trace = trace_begin(self);
    enum status status = activity_store_sync(self->inner, err);
    call_trace_end(&trace, "activity_store sync", status);
    return status;
}

static enum status tracing_find(struct activity_store *store,
                                const struct activity_page_request *request, struct arena *arena,
                                struct activity_page *out_page, struct error *err)
{
    struct tracing_store *self = store_of(store);
    struct call_trace trace = trace_begin(self);
    enum status status = activity_store_find(self->inner, request, arena, out_page, err);
    trace_filter(&trace, &request->filter);
    call_trace_text(&trace, "order",
                    request->order == ORDER_OLDEST_FIRST ? STR("oldest") : STR("newest"));
    call_trace_number(&trace, "limit", (int64_t)request->limit);
    call_trace_number(&trace, "skip", (int64_t)request->skip);
    call_trace_number(&trace, "found", status == STATUS_OK ? (int64_t)out_page->count : 0);
    call_trace_end(&trace, "activity_store find", status);
    return status;
}

static enum status tracing_get(struct activity_store *store, struct str id, struct arena *arena,
                               struct activity *out_activity, struct error *err)
{
    struct tracing_store *self = store_of(store);
    struct call_trace trace = trace_begin(self);
    enum status status = activity_store_get(self->inner, id, arena, out_activity, err);
    call_trace_text(&trace, "id", id);
    call_trace_end(&trace, "activity_store get", status);
    return status;
}

static enum status tracing_count(struct activity_store *store, const struct activity_filter *filter,
                                 uint64_t deadline_ns, uint64_t *out_count, struct error *err)
{
    struct tracing_store *self = store_of(store);
    struct call_trace trace = trace_begin(self);
    enum status status = activity_store_count(self->inner, filter, deadline_ns, out_count, err);
    trace_filter(&trace, filter);
    call_trace_number(&trace, "counted", status == STATUS_OK ? (int64_t)*out_count : 0);
    call_trace_end(&trace, "activity_store count", status);
    return status;
}

static enum status tracing_tally(struct activity_store *store,
                                 const struct activity_tally_request *request, struct arena *arena,
                                 struct activity_tally *out_tally, struct error *err)
{
    struct tracing_store *self = store_of(store);
    struct call_trace trace = trace_begin(self);
    enum status status = activity_store_tally(self->inner, request, arena, out_tally, err);
    trace_filter(&trace, &request->filter);
    call_trace_text(&trace, "by", str_from(activity_grouping_name(request->grouping)));
    call_trace_number(&trace, "limit", (int64_t)request->limit);
    call_trace_number(&trace, "groups", status == STATUS_OK ? (int64_t)out_tally->count : 0);
    call_trace_end(&trace, "activity_store tally", status);
    return status;
}

/* The user's name stays out of the log: it is what is to be forgotten. */
static enum status tracing_erase(struct activity_store *store, struct str user_id,
                                 int64_t erased_at_ms, struct activity_erasure *out_erasure,
                                 struct error *err)
{
    struct tracing_store *self = store_of(store);
    struct call_trace trace = trace_begin(self);
    enum status status = activity_store_erase(self->inner, user_id, erased_at_ms, out_erasure, err);
    call_trace_number(&trace, "erased_at_ms", erased_at_ms);
    call_trace_number(&trace, "erased", status == STATUS_OK ? (int64_t)out_erasure->erased : 0);
    call_trace_end(&trace, "activity_store erase", status);
    return status;
}

static enum status tracing_expire(struct activity_store *store, int64_t before_ms,
                                  uint64_t *out_expired, struct error *err)
{
    struct tracing_store *self = store_of(store);
    struct call_trace trace = trace_begin(self);
    enum status status = activity_store_expire(self->inner, before_ms, out_expired, err);
    call_trace_number(&trace, "before_ms", before_ms);
    call_trace_number(&trace, "expired", status == STATUS_OK ? (int64_t)*out_expired : 0);
    call_trace_end(&trace, "activity_store expire", status);
    return status;
}

static void tracing_describe(struct activity_store *store, struct activity_store_state *out_state)
{
    const struct tracing_store *self = store_of(store);
    struct call_trace trace = trace_begin(self);
    activity_store_describe(self->inner, out_state);
    call_trace_number(&trace, "activities", (int64_t)out_state->activities);
    call_trace_number(&trace, "bytes", (int64_t)out_state->bytes);
    call_trace_end(&trace, "activity_store describe", STATUS_OK);
}

static void tracing_free(struct activity_store *store)
{
    struct tracing_store *self = store_of(store);
    struct call_trace trace = trace_begin(self);
    activity_store_free(self->inner);
    call_trace_end(&trace, "activity_store free", STATUS_OK);
    free(self);
}

static const struct activity_store_operations tracing_operations = {
    .put_batch = tracing_put_batch,
    .durable_positions = tracing_durable_positions,
    .accounts = tracing_accounts,
    .sync = tracing_sync,
    .find = tracing_find,
    .get = tracing_get,
    .count = tracing_count,
    .tally = tracing_tally,
    .erase = tracing_erase,
    .expire = tracing_expire,
    .describe = tracing_describe,
    .free = tracing_free,
};

enum status activity_store_tracing_new(struct activity_store *inner, const struct logger *logger,
                                       struct activity_store **out_store, struct error *err)
{
    struct tracing_store *self = malloc(sizeof *self);
    if (self == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "no memory for tracing the activity store");
    }
    *self = (struct tracing_store){
        .store.operations = &tracing_operations,
        .inner = inner,
        .logger = logger,
    };
    *out_store = &self->store;
    return STATUS_OK;
}
