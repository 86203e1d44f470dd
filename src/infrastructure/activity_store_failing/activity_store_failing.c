#include "infrastructure/activity_store_failing/activity_store_failing.h"

#include "base/assert.h"

#include <stdatomic.h>
#include <stdlib.h>

struct failing_store {
    struct activity_store store;
    struct activity_store *inner;
    struct failure_plan plan;
    atomic_uint_fast64_t calls[STORE_CALL_COUNT];
};

static struct failing_store *store_of(struct activity_store *store)
{
    return CONTAINER_OF(store, struct failing_store, store);
}

static const char *const call_names[STORE_CALL_COUNT] = {
    [STORE_PUT_BATCH] = "put_batch", [STORE_DURABLE_POSITIONS] = "durable_positions",
    [STORE_ACCOUNTS] = "accounts",   [STORE_SYNC] = "sync",
    [STORE_FIND] = "find",           [STORE_GET] = "get",
    [STORE_COUNT] = "count",         [STORE_TALLY] = "tally",
    [STORE_ERASE] = "erase",         [STORE_EXPIRE] = "expire",
};

/* OK: the call goes on to the store behind. */
static enum status begin(struct failing_store *self, enum activity_store_call call,
                         struct error *err)
{
    atomic_fetch_add(&self->calls[call], 1);
    enum status status = failure_plan_count_call(&self->plan, call);
    return status == STATUS_OK
               ? STATUS_OK
               : error_set(err, status, 0, "%s failed as planned", call_names[call]);
}

static enum status failing_put_batch(struct activity_store *store,
                                     const struct activity_batch *batch, enum verdict *out_verdicts,
                                     struct error *err)
{
    struct failing_store *self = store_of(store);
    enum status status = begin(self, STORE_PUT_BATCH, err);
    return status != STATUS_OK ? status
                               : activity_store_put_batch(self->inner, batch, out_verdicts, err);
}

static enum status failing_durable_positions(struct activity_store *store, struct uuid log_id,
                                             struct position_set *out_positions, struct error *err)
{
    struct failing_store *self = store_of(store);
    enum status status = begin(self, STORE_DURABLE_POSITIONS, err);
    return status != STATUS_OK
               ? status
               : activity_store_durable_positions(self->inner, log_id, out_positions, err);
}

static enum status failing_accounts(struct activity_store *store, struct coverage *out_accounts,
                                    struct error *err)
{
    struct failing_store *self = store_of(store);
    enum status status = begin(self, STORE_ACCOUNTS, err);
    return status != STATUS_OK ? status : activity_store_accounts(self->inner, out_accounts, err);
}

static enum status failing_sync(struct activity_store *store, struct error *err)
{
    struct failing_store *self = store_of(store);
    enum status status = begin(self, STORE_SYNC, err);
    return status != STATUS_OK ? status : activity_store_sync(self->inner, err);
}

static enum status failing_find(struct activity_store *store,
                                const struct activity_page_request *request, struct arena *arena,
                                struct activity_page *out_page, struct error *err)
{
    struct failing_store *self = store_of(store);
    enum status status = begin(self, STORE_FIND, err);
    return status != STATUS_OK ? status
                               : activity_store_find(self->inner, request, arena, out_page, err);
}

static enum status failing_get(struct activity_store *store, struct str id, struct arena *arena,
                               struct activity *out_activity, struct error *err)
{
    struct failing_store *self = store_of(store);
    enum status status = begin(self, STORE_GET, err);
    return status != STATUS_OK ? status
                               : activity_store_get(self->inner, id, arena, out_activity, err);
}

static enum status failing_count(struct activity_store *store, const struct activity_filter *filter,
                                 uint64_t deadline_ns, uint64_t *out_count, struct error *err)
{
    struct failing_store *self = store_of(store);
    enum status status = begin(self, STORE_COUNT, err);
    return status != STATUS_OK
               ? status
               : activity_store_count(self->inner, filter, deadline_ns, out_count, err);
}

static enum status failing_tally(struct activity_store *store,
                                 const struct activity_tally_request *request, struct arena *arena,
                                 struct activity_tally *out_tally, struct error *err)
{
    struct failing_store *self = store_of(store);
    enum status status = begin(self, STORE_TALLY, err);
    return status != STATUS_OK ? status
                               : activity_store_tally(self->inner, request, arena, out_tally, err);
}

static enum status failing_erase(struct activity_store *store, struct str user_id,
                                 int64_t erased_at_ms, struct activity_erasure *out_erasure,
                                 struct error *err)
{
    struct failing_store *self = store_of(store);
    enum status status = begin(self, STORE_ERASE, err);
    return status != STATUS_OK
               ? status
               : activity_store_erase(self->inner, user_id, erased_at_ms, out_erasure, err);
}

static enum status failing_expire(struct activity_store *store, int64_t before_ms,
                                  uint64_t *out_expired, struct error *err)
{
    struct failing_store *self = store_of(store);
    enum status status = begin(self, STORE_EXPIRE, err);
    return status != STATUS_OK ? status
                               : activity_store_expire(self->inner, before_ms, out_expired, err);
}

static void failing_describe(struct activity_store *store, struct activity_store_state *out_state)
{
    activity_store_describe(store_of(store)->inner, out_state);
}

static void failing_free(struct activity_store *store)
{
    struct failing_store *self = store_of(store);
    activity_store_free(self->inner);
    failure_plan_deinit(&self->plan);
    free(self);
}

static const struct activity_store_operations failing_operations = {
    .put_batch = failing_put_batch,
    .durable_positions = failing_durable_positions,
    .accounts = failing_accounts,
    .sync = failing_sync,
    .find = failing_find,
    .get = failing_get,
    .count = failing_count,
    .tally = failing_tally,
    .erase = failing_erase,
    .expire = failing_expire,
    .describe = failing_describe,
    .free = failing_free,
};

enum status activity_store_failing_new(struct activity_store *inner,
                                       struct activity_store **out_store, struct error *err)
{
    struct failing_store *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "no memory for the failing store");
    }
    failure_plan_init(&self->plan);
    self->store.operations = &failing_operations;
    self->inner = inner;
    *out_store = &self->store;
    return STATUS_OK;
}

void activity_store_failing_plan(struct activity_store *store,
                                 const struct planned_failure *failures, size_t count)
{
    ASSERT(store->operations == &failing_operations);
    failure_plan_set(&store_of(store)->plan, failures, count);
}

uint64_t activity_store_failing_calls(struct activity_store *store, enum activity_store_call call)
{
    ASSERT(store->operations == &failing_operations);
    return atomic_load(&store_of(store)->calls[call]);
}
