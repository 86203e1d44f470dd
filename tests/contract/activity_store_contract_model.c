#include "activity_store_contract_model.h"

#include "base/assert.h"

static int compare(const struct model *model, struct activity_key a, struct activity_key b)
{
    if (model->fault == FAULT_TIES_REVERSED && a.timestamp_ms == b.timestamp_ms) {
        return -activity_key_compare(a, b);
    }
    return activity_key_compare(a, b);
}

const struct activity *model_get(const struct model *model, struct str id)
{
    for (size_t i = 0; i < model->count; i++) {
        if (str_equal(model->rows[i].id, id)) {
            return &model->rows[i];
        }
    }
    return NULL;
}

static bool is_erased(const struct model *model, const struct activity *activity)
{
    for (size_t i = 0; i < model->tombstone_count; i++) {
        int64_t border_ms = model->tombstones[i].erased_at_ms;
        border_ms += model->fault == FAULT_ERASED_INCLUSIVE ? 1 : 0;
        if (str_equal(model->tombstones[i].user_id, activity->user_id) &&
            activity->received_at_ms < border_ms) {
            return true;
        }
    }
    return false;
}

static void insert(struct model *model, const struct activity *activity)
{
    ASSERT(model->count < MODEL_ROWS_MAX);
    size_t at = model->count++;
    for (; at > 0; at--) {
        if (compare(model, activity_key_of(&model->rows[at - 1]), activity_key_of(activity)) < 0) {
            break;
        }
        model->rows[at] = model->rows[at - 1];
    }
    model->rows[at] = *activity;
}

enum verdict model_put(struct model *model, const struct activity *activity, bool covered)
{
    const struct activity *known = model_get(model, activity->id);
    bool erased = is_erased(model, activity);
    if (covered && (known != NULL || erased)) {
        return VERDICT_REDELIVERED;
    }
    if (erased) {
        return VERDICT_ERASED;
    }
    if (known == NULL) {
        insert(model, activity);
        return VERDICT_STORED;
    }
    bool own_times = known->timestamp_ms != known->received_at_ms &&
                     activity->timestamp_ms != activity->received_at_ms;
    bool same = activity_same_content(known, activity, own_times);
    return same || model->fault == FAULT_CONFLICT_FORGIVEN ? VERDICT_DUPLICATE : VERDICT_CONFLICT;
}

/* As a store would that takes what is absent for null. */
static bool has_no_member(const struct activity_filter *filter, const struct activity *activity)
{
    return metadata_filter_value_count(filter->excluded.metadata) > 0 &&
           str_equal(activity->metadata, STR("{}"));
}

static bool wants(const struct model *model, const struct activity_page_request *request,
                  const struct activity *activity)
{
    struct activity_filter filter = request->filter;
    filter.to_ms += model->fault == FAULT_TO_INCLUSIVE ? 1 : 0;
    filter.excluded.actions.count *= model->fault == FAULT_EXCLUDED_KEPT ? 0 : 1;
    if (!activity_filter_matches(&filter, activity) ||
        (model->fault == FAULT_ABSENT_EXCLUDED && has_no_member(&filter, activity))) {
        return false;
    }
    if (request->after == NULL) {
        return true;
    }
    int order = compare(model, activity_key_of(activity), *request->after);
    order = request->order == ORDER_NEWEST_FIRST ? -order : order;
    return order > 0 || (order == 0 && model->fault == FAULT_AFTER_INCLUSIVE);
}

void model_find(const struct model *model, const struct activity_page_request *request,
                struct model_page *out_page)
{
    size_t skip = request->skip;
    bool newest = request->order == ORDER_NEWEST_FIRST;
    out_page->count = 0;
    out_page->more = false;
    for (size_t i = 0; i < model->count; i++) {
        const struct activity *row = &model->rows[newest ? model->count - 1 - i : i];
        if (!wants(model, request, row)) {
            continue;
        }
        if (skip > 0) {
            skip--;
        } else if (out_page->count == request->limit) {
            out_page->more = true;
            break;
        } else {
            out_page->rows[out_page->count++] = row;
        }
    }
    if (model->fault == FAULT_MORE_AT_THE_END && out_page->count == request->limit) {
        out_page->more = true;
    }
}

uint64_t model_count(const struct model *model, const struct activity_filter *filter)
{
    struct activity_page_request request = {.filter = *filter};
    uint64_t count = 0;
    for (size_t i = 0; i < model->count; i++) {
        count += wants(model, &request, &model->rows[i]) ? 1 : 0;
    }
    return count;
}

static void remove_at(struct model *model, size_t at)
{
    model->count--;
    memmove(&model->rows[at], &model->rows[at + 1], (model->count - at) * sizeof *model->rows);
}

uint64_t model_erase(struct model *model, struct str user_id, int64_t erased_at_ms)
{
    uint64_t erased = 0;
    for (size_t i = model->count; i > 0; i--) {
        if (str_equal(model->rows[i - 1].user_id, user_id)) {
            remove_at(model, i - 1);
            erased++;
        }
    }
    for (size_t i = 0; i < model->tombstone_count; i++) {
        struct model_tombstone *tombstone = &model->tombstones[i];
        if (str_equal(tombstone->user_id, user_id)) {
            bool later = tombstone->erased_at_ms < erased_at_ms;
            tombstone->erased_at_ms = later ? erased_at_ms : tombstone->erased_at_ms;
            return erased;
        }
    }
    ASSERT(model->tombstone_count < MODEL_USERS_MAX);
    model->tombstones[model->tombstone_count++] =
        (struct model_tombstone){.user_id = user_id, .erased_at_ms = erased_at_ms};
    return erased;
}

uint64_t model_expire(struct model *model, int64_t before_ms)
{
    uint64_t expired = 0;
    while (model->count > 0 && model->rows[0].timestamp_ms < before_ms) {
        remove_at(model, 0);
        expired++;
    }
    return expired;
}
