#pragma once
/*
 * The rows of a part that match a question, counted by action and hour: whole hours come from the
 * footer, which has their counts; rows are looked at only where the question's times begin or end
 * within an hour. What the footer counts of hidden users is taken off by their lists, as long as
 * that reads fewer pages than a look at each row. One thread at a time, for the view.
 */
#include "infrastructure/activity_store_local/part_cursor.h"

/* Rows with one action whose timestamps lie in one hour. */
struct part_hour_rows {
    uint32_t action;      /* number */
    int64_t timestamp_ms; /* some time within the hour */
    uint32_t count;
};

/* Hears of the rows; of one action and hour perhaps several times, in any order. Anything but OK
 * ends it. */
struct part_hour_listener {
    enum status (*add)(struct part_hour_listener *listener, const struct part_hour_rows *rows,
                       struct error *err);
};

/* Whether footers know enough: of neither users nor metadata do they tell anything. Users who are
 * excluded are taken off as hidden ones are. */
static inline bool part_hours_know(const struct activity_filter *filter)
{
    return filter->user_ids.count == 0 && !activity_filter_asks_metadata(filter);
}

/* Order and after of the question are ignored; part_hours_know. CORRUPT, NO_MEMORY, TIMED_OUT,
 * and what the disk says. */
MUST_USE enum status part_by_hours(struct part_view *view, const struct part_question *question,
                                   struct part_hour_listener *listener, struct error *err);
