#include "infrastructure/activity_store_local/part_count.h"

#include "infrastructure/activity_store_local/part_by_hours.h"
#include "infrastructure/activity_store_local/part_cursor.h"

/* Adds up what it hears. */
struct hour_sum {
    struct part_hour_listener listener;
    uint64_t rows;
};

static enum status add_hour(struct part_hour_listener *listener, const struct part_hour_rows *rows,
                            struct error *err)
{
    (void)err;
    CONTAINER_OF(listener, struct hour_sum, listener)->rows += rows->count;
    return STATUS_OK;
}

static enum status count_by_hours(struct part_view *view, const struct part_question *question,
                                  uint64_t *out_count, struct error *err)
{
    struct hour_sum sum = {.listener = {.add = add_hour}};
    enum status status = part_by_hours(view, question, &sum.listener, err);
    if (status == STATUS_OK) {
        *out_count = sum.rows;
    }
    return status;
}

enum status part_count(struct part_view *view, const struct part_question *question,
                       uint64_t *out_count, struct error *err)
{
    bool by_hours =
        part_hours_know(question->filter) && activity_filter_asks_actions(question->filter);
    return by_hours ? count_by_hours(view, question, out_count, err)
                    : part_cursor_count(view, question, out_count, err);
}
