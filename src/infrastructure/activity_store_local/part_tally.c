#include "infrastructure/activity_store_local/part_tally.h"

#include "base/timestamp.h"
#include "infrastructure/activity_store_local/part_by_hours.h"
#include "infrastructure/activity_store_local/part_count.h"

#include <stdlib.h>

struct tallying {
    struct part_hour_listener listener;
    struct part_view *view;
    const struct part_question *question; /* for all rows, oldest first */
    struct tally_table *into;
    enum activity_grouping grouping;
    uint32_t *counts; /* of rows by the number of the action or user; NULL: by time */
    uint32_t count;   /* numbers that there are */
};

static const struct part_footer *footer_of(const struct tallying *tallying)
{
    return part_footer(part_view_part(tallying->view));
}

static enum status check_deadline(const struct tallying *tallying, struct error *err)
{
    return activity_store_check_deadline(tallying->question->clock, tallying->question->deadline_ns,
                                         err);
}

/* Gives words to what the table says. */
static enum status tell(const struct tallying *tallying, enum status status, struct error *err)
{
    return status == STATUS_OK
               ? STATUS_OK
               : activity_store_refuse_tally(status, tallying->into->request->groups_max, err);
}

static enum status add_time(const struct tallying *tallying, int64_t timestamp_ms, uint32_t count,
                            struct error *err)
{
    if (timestamp_ms < TIMESTAMP_MS_MIN || timestamp_ms > TIMESTAMP_MS_MAX) {
        return part_corrupt(part_view_part(tallying->view), "a time is beyond all times", err);
    }
    return tell(tallying, tally_table_add_time(tallying->into, timestamp_ms, count), err);
}

static enum status add_number(const struct tallying *tallying, uint32_t number, uint32_t count,
                              struct error *err)
{
    if (number >= tallying->count) {
        return part_corrupt(part_view_part(tallying->view),
                            "a row has a user or an action that the part does not know", err);
    }
    tallying->counts[number] += count;
    return STATUS_OK;
}

/* By action or time, without users ---------------------------------------------------------- */

static enum status add_hour(struct part_hour_listener *listener, const struct part_hour_rows *rows,
                            struct error *err)
{
    const struct tallying *tallying = CONTAINER_OF(listener, struct tallying, listener);
    return tallying->counts == NULL ? add_time(tallying, rows->timestamp_ms, rows->count, err)
                                    : add_number(tallying, rows->action, rows->count, err);
}

/* By user ------------------------------------------------------------------------------------ */

/* Each of the users that are asked for, by their lists. */
static enum status tally_asked_users(const struct tallying *tallying, struct error *err)
{
    const struct activity_filter *asked = tallying->question->filter;
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < asked->user_ids.count; i++) {
        struct activity_filter filter = *asked;
        struct part_question question = *tallying->question;
        uint64_t count = 0;
        filter.user_ids.items = &asked->user_ids.items[i];
        filter.user_ids.count = 1;
        question.filter = &filter;
        status = part_count(tallying->view, &question, &count, err);
        if (status == STATUS_OK) {
            status = tell(tallying,
                          tally_table_add_name(tallying->into, *filter.user_ids.items, count), err);
        }
    }
    return status;
}

/* All users with all their rows, as their blocks count them. */
static enum status tally_all_users(const struct tallying *tallying, struct error *err)
{
    struct part_users users;
    struct str text;
    enum status status = STATUS_OK;
    part_users_begin(&users, tallying->view);
    while (status == STATUS_OK) {
        uint32_t number = users.next;
        if (number % NAMES_IN_BLOCK == 0) {
            status = check_deadline(tallying, err);
        }
        if (status == STATUS_OK) {
            status = part_users_next(&users, &text, err);
        }
        if (status == STATUS_OK && !hidden_users_contain(tallying->question->hidden, number)) {
            status =
                tell(tallying, tally_table_add_name(tallying->into, text, users.row_count), err);
        }
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static bool covers_part(const struct part_footer *footer, const struct activity_filter *filter)
{
    return filter->from_ms <= footer->timestamps.first_ms &&
           filter->to_ms > footer->timestamps.last_ms;
}

/* Rows one by one ----------------------------------------------------------------------------- */

static enum status add_row(const struct tallying *tallying, const struct page *page, uint32_t at,
                           struct error *err)
{
    if (tallying->counts == NULL) {
        return add_time(tallying, page->timestamps[at], 1, err);
    }
    uint32_t number =
        tallying->grouping == GROUP_BY_USER ? page_user(page, at) : page_action(page, at);
    return add_number(tallying, number, 1, err);
}

static enum status tally_rows(const struct tallying *tallying, struct error *err)
{
    CLEANUP(part_cursor_free) struct part_cursor *cursor = NULL;
    const struct page *page;
    uint32_t at;
    enum status status = part_cursor_new(tallying->view, tallying->question, &cursor, err);
    while (status == STATUS_OK) {
        status = part_cursor_next_in_page(cursor, &page, &at, err);
        if (status == STATUS_OK) {
            status = add_row(tallying, page, at, err);
        }
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* Names of numbers ---------------------------------------------------------------------------- */

static enum status name_actions(const struct tallying *tallying, struct error *err)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < tallying->count; i++) {
        status = tally_table_add_name(tallying->into, footer_of(tallying)->actions[i].text,
                                      tallying->counts[i]);
    }
    return tell(tallying, status, err);
}

static bool any_counted(const struct tallying *tallying, uint32_t begin, uint32_t end)
{
    bool any = false;
    for (uint32_t i = begin; !any && i < end; i++) {
        any = tallying->counts[i] > 0;
    }
    return any;
}

/* Reads the blocks of those users only that have rows here. */
static enum status name_users(const struct tallying *tallying, struct error *err)
{
    struct part_users users;
    struct str text;
    enum status status = STATUS_OK;
    part_users_begin(&users, tallying->view);
    for (uint32_t begin = 0; status == STATUS_OK && begin < tallying->count;
         begin += NAMES_IN_BLOCK) {
        uint32_t left = tallying->count - begin;
        uint32_t end = begin + (left < NAMES_IN_BLOCK ? left : NAMES_IN_BLOCK);
        bool wanted = any_counted(tallying, begin, end);
        status = check_deadline(tallying, err);
        part_users_go_to_block(&users, begin / NAMES_IN_BLOCK);
        for (uint32_t i = begin; wanted && status == STATUS_OK && i < end; i++) {
            status = part_users_next(&users, &text, err);
            if (status == STATUS_OK) {
                status = tell(tallying,
                              tally_table_add_name(tallying->into, text, tallying->counts[i]), err);
            }
        }
    }
    return status;
}

/* By metadata -------------------------------------------------------------------------------- */

static enum status tally_metadata(const struct tallying *tallying, struct error *err)
{
    CLEANUP(part_cursor_free) struct part_cursor *cursor = NULL;
    struct str metadata;
    enum status status = part_cursor_new(tallying->view, tallying->question, &cursor, err);
    while (status == STATUS_OK) {
        status = part_cursor_next_with_metadata(cursor, &metadata, err);
        if (status == STATUS_OK) {
            status = tell(tallying, tally_table_add_metadata(tallying->into, metadata), err);
        }
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* Ways --------------------------------------------------------------------------------------- */

/* Footers count by action and hour. */
static bool hours_know(const struct tallying *tallying)
{
    bool whole_hours = !activity_grouping_is_by_time(tallying->grouping) ||
                       activity_tally_interval_ms(tallying->into->request) % MS_PER_HOUR == 0;
    return part_hours_know(tallying->question->filter) && tallying->grouping != GROUP_BY_USER &&
           whole_hours;
}

static enum status count_numbers(struct tallying *tallying, struct error *err)
{
    return hours_know(tallying)
               ? part_by_hours(tallying->view, tallying->question, &tallying->listener, err)
               : tally_rows(tallying, err);
}

/* Counts by number first, so that each name is looked up once. */
static enum status tally_numbers(struct tallying *tallying, struct error *err)
{
    const struct part_footer *footer = footer_of(tallying);
    bool by_user = tallying->grouping == GROUP_BY_USER;
    tallying->count = by_user ? footer->user_count : footer->action_count;
    tallying->counts = calloc(tallying->count, sizeof *tallying->counts);
    if (tallying->counts == NULL) {
        return tell(tallying, STATUS_NO_MEMORY, err);
    }
    enum status status = count_numbers(tallying, err);
    if (status == STATUS_OK) {
        status = by_user ? name_users(tallying, err) : name_actions(tallying, err);
    }
    free(tallying->counts);
    return status;
}

enum status part_tally(struct part_view *view, const struct part_question *question,
                       struct tally_table *into, struct error *err)
{
    const struct activity_filter *filter = question->filter;
    struct part_question all = *question;
    all.order = ORDER_OLDEST_FIRST;
    all.after = NULL;
    struct tallying tallying = {.listener = {.add = add_hour},
                                .view = view,
                                .question = &all,
                                .into = into,
                                .grouping = into->request->grouping};
    if (activity_grouping_is_by_time(tallying.grouping)) {
        return count_numbers(&tallying, err);
    }
    if (tallying.grouping == GROUP_BY_METADATA) {
        return tally_metadata(&tallying, err);
    }
    if (tallying.grouping == GROUP_BY_USER && filter->user_ids.count > 0) {
        return tally_asked_users(&tallying, err);
    }
    if (tallying.grouping == GROUP_BY_USER && !activity_filter_asks_actions(filter) &&
        !activity_filter_asks_metadata(filter) && covers_part(footer_of(&tallying), filter)) {
        return tally_all_users(&tallying, err);
    }
    return tally_numbers(&tallying, err);
}
