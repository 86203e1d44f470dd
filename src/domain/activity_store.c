#include "domain/activity_store.h"

#include "base/assert.h"

static bool reports(enum status status, const struct error *err)
{
    return status == STATUS_OK || err == NULL || err->status == status;
}

enum status activity_store_put_batch(struct activity_store *store,
                                     const struct activity_batch *batch, enum verdict *out_verdicts,
                                     struct error *err)
{
    ASSERT(batch->count == 0 || (batch->rows != NULL && out_verdicts != NULL));
    ASSERT(batch->next != NULL);
    enum status status = store->operations->put_batch(store, batch, out_verdicts, err);
    ASSERT(reports(status, err));
    return status;
}

enum status activity_store_durable_positions(struct activity_store *store, struct uuid log_id,
                                             struct position_set *out_positions, struct error *err)
{
    enum status status = store->operations->durable_positions(store, log_id, out_positions, err);
    ASSERT(reports(status, err));
    return status;
}

enum status activity_store_accounts(struct activity_store *store, struct coverage *out_accounts,
                                    struct error *err)
{
    enum status status = store->operations->accounts(store, out_accounts, err);
    ASSERT(reports(status, err));
    return status;
}

enum status activity_store_sync(struct activity_store *store, struct error *err)
{
    enum status status = store->operations->sync(store, err);
    ASSERT(reports(status, err));
    return status;
}

static bool is_within_bounds(const struct activity_filter *filter)
{
    return filter->user_ids.count <= FILTER_NAMES_MAX &&
           filter->actions.count <= FILTER_NAMES_MAX &&
           filter->excluded.user_ids.count <= FILTER_NAMES_MAX &&
           filter->excluded.actions.count <= FILTER_NAMES_MAX;
}

enum status activity_store_find(struct activity_store *store,
                                const struct activity_page_request *request, struct arena *arena,
                                struct activity_page *out_page, struct error *err)
{
    ASSERT(request->limit >= 1 && request->bytes_max >= 1);
    ASSERT(is_within_bounds(&request->filter));
    struct activity_page page = {0};
    enum status status = store->operations->find(store, request, arena, &page, err);
    ASSERT(reports(status, err));
    if (status == STATUS_OK) {
        ASSERT(page.count <= request->limit && (!page.cut_short || page.more));
        *out_page = page;
    }
    return status;
}

enum status activity_store_get(struct activity_store *store, struct str id, struct arena *arena,
                               struct activity *out_activity, struct error *err)
{
    ASSERT(id.len >= 1);
    enum status status = store->operations->get(store, id, arena, out_activity, err);
    ASSERT(reports(status, err));
    ASSERT(status != STATUS_OK || str_equal(out_activity->id, id));
    return status;
}

enum status activity_store_count(struct activity_store *store, const struct activity_filter *filter,
                                 uint64_t deadline_ns, uint64_t *out_count, struct error *err)
{
    enum status status = store->operations->count(store, filter, deadline_ns, out_count, err);
    ASSERT(reports(status, err));
    return status;
}

enum status activity_store_tally(struct activity_store *store,
                                 const struct activity_tally_request *request, struct arena *arena,
                                 struct activity_tally *out_tally, struct error *err)
{
    ASSERT(request->limit >= 1 && request->groups_max >= 1);
    ASSERT(request->grouping < GROUPING_COUNT);
    ASSERT(request->grouping != GROUP_BY_TIME || request->interval_ms >= 1);
    ASSERT(request->grouping != GROUP_BY_METADATA || request->path != NULL);
    ASSERT(is_within_bounds(&request->filter));
    struct activity_tally tally = {0};
    enum status status = store->operations->tally(store, request, arena, &tally, err);
    ASSERT(reports(status, err));
    if (status == STATUS_OK) {
        ASSERT(tally.count <= request->limit && tally.count <= request->groups_max);
        ASSERT(!tally.more || tally.count == request->limit);
        *out_tally = tally;
    }
    return status;
}

enum status activity_store_erase(struct activity_store *store, struct str user_id,
                                 int64_t erased_at_ms, struct activity_erasure *out_erasure,
                                 struct error *err)
{
    ASSERT(user_id.len >= 1);
    enum status status = store->operations->erase(store, user_id, erased_at_ms, out_erasure, err);
    ASSERT(status != STATUS_OK || out_erasure->recorded == (out_erasure->record.number > 0));
    ASSERT(reports(status, err));
    return status;
}

enum status activity_store_expire(struct activity_store *store, int64_t before_ms,
                                  uint64_t *out_expired, struct error *err)
{
    enum status status = store->operations->expire(store, before_ms, out_expired, err);
    ASSERT(reports(status, err));
    return status;
}

enum status activity_store_timed_out(struct error *err)
{
    return error_set(err, STATUS_TIMED_OUT, 0,
                     "the query took longer than it may; ask for less, such as a shorter time or "
                     "fewer users");
}

enum status activity_store_check_deadline(const struct clock *clock, uint64_t deadline_ns,
                                          struct error *err)
{
    bool passed = deadline_ns != 0 && clock_monotonic_ns(clock) >= deadline_ns;
    return passed ? activity_store_timed_out(err) : STATUS_OK;
}

enum status activity_store_refuse_tally(enum status status, size_t groups_max, struct error *err)
{
    if (status == STATUS_TIMED_OUT) {
        return activity_store_timed_out(err);
    }
    if (status == STATUS_TOO_LARGE) {
        return error_set(err, status, 0,
                         "there are more than %zu groups to count; narrow the filter, such as to a "
                         "shorter time or fewer users",
                         groups_max);
    }
    return error_set(err, status, 0, "there is no memory to count so many groups");
}

void activity_store_describe(struct activity_store *store, struct activity_store_state *out_state)
{
    *out_state = (struct activity_store_state){0}; /* adapters fill in what they know */
    store->operations->describe(store, out_state);
    ASSERT(out_state->kind != NULL);
}

void activity_store_free(struct activity_store *store)
{
    if (store != NULL) {
        store->operations->free(store);
    }
}
