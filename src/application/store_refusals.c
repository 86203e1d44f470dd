#include "application/store_refusals.h"

#include "application/activity_json.h"

enum {
    GROUP_ROWS_MAX = 256, /* listed with one call, which may be one write to a disk */
    GROUP_TEXT_BYTES = 1 << 20,
    TEXT_BYTES_MAX = 64 << 20 /* far above the largest activity */
};

/* Rows on their way into the list. */
struct group {
    struct refusal refusals[GROUP_ROWS_MAX];
    size_t text_ends[GROUP_ROWS_MAX];
    size_t count;
    struct buffer texts;
};

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to keep refused activities");
}

static void add_row(struct group *group, const struct logged_activity *row, const char *reason)
{
    activity_json_append(&group->texts, &row->activity);
    group->refusals[group->count] = (struct refusal){
        .position = row->position,
        .key = row->activity.user_id,
        .reason =
            reason[0] == '\0' ? STR("the store does not take this activity") : str_from(reason),
        .logged_at_ms = row->activity.received_at_ms,
    };
    group->text_ends[group->count++] = group->texts.len;
}

static bool is_full(const struct group *group)
{
    return group->count == GROUP_ROWS_MAX || group->texts.len >= GROUP_TEXT_BYTES;
}

/* The texts stand still only when all of them are written. */
static enum status list_group(const struct keep_refusals *keeper, struct uuid log_id,
                              struct group *group, struct error *err)
{
    if (group->texts.failed != STATUS_OK) {
        return no_memory(err);
    }
    size_t begin = 0;
    for (size_t i = 0; i < group->count; i++) {
        group->refusals[i].raw =
            (struct str){group->texts.data + begin, group->text_ends[i] - begin};
        begin = group->text_ends[i];
    }
    enum status status = keep_refusals_add(keeper, log_id, group->refusals, group->count, err);
    group->count = 0;
    buffer_clear(&group->texts);
    return status;
}

enum status store_refusals_list(const struct keep_refusals *keeper,
                                const struct activity_batch *batch, const enum verdict *verdicts,
                                const char *reason, struct error *err)
{
    struct group group = {.count = 0};
    enum status status = STATUS_OK;
    buffer_init(&group.texts, TEXT_BYTES_MAX);
    for (size_t i = 0; status == STATUS_OK && i < batch->count; i++) {
        if (verdicts[i] == VERDICT_REFUSED) {
            add_row(&group, &batch->rows[i], reason);
        }
        if (is_full(&group)) {
            status = list_group(keeper, batch->log_id, &group, err);
        }
    }
    if (status == STATUS_OK) {
        status = list_group(keeper, batch->log_id, &group, err);
    }
    buffer_deinit(&group.texts);
    return status;
}
