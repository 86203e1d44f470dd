#include "infrastructure/activity_store_local/part_by_hours.h"

#include "base/assert.h"
#include "base/timestamp.h"
#include "infrastructure/activity_store_local/part_asked.h"

#include <stdlib.h>

/* Hours since 1970, from `first` up to `end`; none where that is not behind it. */
struct hours {
    int64_t first;
    int64_t end;
};

/* A row of a hidden user that the footer counts. */
struct gone_row {
    uint32_t action;
    uint32_t hour;
};

struct counting {
    struct part_view *view;
    const struct part_footer *footer;
    const struct part_question *question;
    struct part_hour_listener *listener;
    struct part_asked asked; /* its actions only */
    struct hours whole;      /* hours of which every row has a time that is asked for */
    struct gone_row *gone;   /* by action and hour */
    uint32_t gone_count;
};

/* Rows one by one --------------------------------------------------------------------------- */

static enum status add_row(const struct counting *counting, const struct page *page, uint32_t at,
                           struct error *err)
{
    const struct part_hour_rows row = {
        .action = page_action(page, at), .timestamp_ms = page->timestamps[at], .count = 1};
    if (row.action >= counting->footer->action_count) {
        return part_corrupt(part_view_part(counting->view),
                            "a row has an action that the part does not know", err);
    }
    return counting->listener->add(counting->listener, &row, err);
}

/* Rows with a time from `from_ms` up to `to_ms`, which lies within what the question asks for. */
static enum status walk_rows(const struct counting *counting, int64_t from_ms, int64_t to_ms,
                             struct error *err)
{
    CLEANUP(part_cursor_free) struct part_cursor *cursor = NULL;
    struct activity_filter filter = *counting->question->filter;
    struct part_question question = *counting->question;
    const struct page *page;
    uint32_t at;
    filter.from_ms = from_ms;
    filter.to_ms = to_ms;
    question.filter = &filter;
    question.order = ORDER_OLDEST_FIRST;
    question.after = NULL;
    enum status status = from_ms < to_ms ? STATUS_OK : STATUS_NOT_FOUND;
    if (status == STATUS_OK) {
        status = part_cursor_new(counting->view, &question, &cursor, err);
    }
    while (status == STATUS_OK) {
        status = part_cursor_next_in_page(cursor, &page, &at, err);
        if (status == STATUS_OK) {
            status = add_row(counting, page, at, err);
        }
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* Rows of hidden users ---------------------------------------------------------------------- */

static int compare_numbers(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

static int compare_gone(const void *a, const void *b)
{
    const struct gone_row *left = a;
    const struct gone_row *right = b;
    if (left->action != right->action) {
        return left->action < right->action ? -1 : 1;
    }
    return (left->hour > right->hour) - (left->hour < right->hour);
}

/* The numbers of all rows of hidden users, ascending, into room for as many as they have. */
static enum status list_hidden(const struct counting *counting, uint32_t *out_rows,
                               struct error *err)
{
    const struct part_question *question = counting->question;
    const struct hidden_users *hidden = question->hidden;
    uint32_t listed = 0;
    for (uint32_t i = 0; i < hidden->count; i++) {
        struct part_user user;
        enum status status =
            activity_store_check_deadline(question->clock, question->deadline_ns, err);
        if (status == STATUS_OK) {
            status = part_view_user(counting->view, hidden->users[i].number, &user, err);
        }
        if (status == STATUS_OK && user.found.count != hidden->users[i].rows) {
            status = part_corrupt(part_view_part(counting->view),
                                  "a user has another number of rows than before", err);
        }
        if (status == STATUS_OK) {
            status = part_view_user_rows(counting->view, &user, out_rows + listed, err);
        }
        if (status != STATUS_OK) {
            return status;
        }
        listed += user.found.count;
    }
    qsort(out_rows, listed, sizeof *out_rows, compare_numbers);
    return STATUS_OK;
}

/* Notes a row that the footer counts among what is asked for. */
static enum status note_gone(struct counting *counting, uint32_t row, struct error *err)
{
    const struct page *page;
    enum status status = part_view_page(counting->view, row, &page, err);
    if (status != STATUS_OK) {
        return status;
    }
    uint32_t action = page_action(page, row % PAGE_ROWS);
    int64_t hour = page->timestamps[row % PAGE_ROWS] / MS_PER_HOUR;
    if (part_asked_wants_action(&counting->asked, action) && hour >= counting->whole.first &&
        hour < counting->whole.end) {
        counting->gone[counting->gone_count++] =
            (struct gone_row){.action = action, .hour = (uint32_t)hour};
    }
    return STATUS_OK;
}

static enum status find_gone(struct counting *counting, uint32_t *rows, struct error *err)
{
    const struct part_question *question = counting->question;
    uint32_t row_count = counting->footer->row_count;
    enum status status = list_hidden(counting, rows, err);
    for (uint64_t i = 0; status == STATUS_OK && i < question->hidden->rows; i++) {
        const struct part_page *pages = part_directory(part_view_part(counting->view))->pages;
        if (rows[i] >= row_count) {
            return part_corrupt(part_view_part(counting->view), "a list ends behind the rows", err);
        }
        const struct part_page *page = &pages[rows[i] / PAGE_ROWS];
        if (page->last_ms / MS_PER_HOUR < counting->whole.first ||
            page->first_ms / MS_PER_HOUR >= counting->whole.end) {
            continue;
        }
        status = activity_store_check_deadline(question->clock, question->deadline_ns, err);
        if (status == STATUS_OK) {
            status = note_gone(counting, rows[i], err);
        }
    }
    if (status == STATUS_OK && counting->gone_count > 0) {
        qsort(counting->gone, counting->gone_count, sizeof *counting->gone, compare_gone);
    }
    return status;
}

/* Learns which rows the footer counts in vain. */
static enum status learn_gone(struct counting *counting, struct error *err)
{
    size_t count = (size_t)hidden_users_rows(counting->question->hidden);
    if (count == 0) {
        return STATUS_OK;
    }
    uint32_t *rows = malloc(count * sizeof *rows);
    counting->gone = malloc(count * sizeof *counting->gone);
    enum status status =
        rows != NULL && counting->gone != NULL
            ? find_gone(counting, rows, err)
            : error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for hidden rows");
    free(rows);
    return status;
}

/* The first hidden row of the action. */
static uint32_t first_gone(const struct counting *counting, uint32_t action)
{
    uint32_t low = 0;
    uint32_t high = counting->gone_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (counting->gone[middle].action < action) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Whole hours ------------------------------------------------------------------------------- */

/* An hour of the part's own is whole, too, when the question's times cover all that the part has
 * of it. */
static struct hours whole_hours(const struct part_footer *footer,
                                const struct activity_filter *filter)
{
    const struct part_range *times = &footer->timestamps;
    int64_t first = filter->from_ms / MS_PER_HOUR + (filter->from_ms % MS_PER_HOUR > 0);
    int64_t end = filter->to_ms / MS_PER_HOUR;
    return (struct hours){
        .first = filter->from_ms <= times->first_ms ? times->first_ms / MS_PER_HOUR : first,
        .end = filter->to_ms > times->last_ms ? times->last_ms / MS_PER_HOUR + 1 : end,
    };
}

/* The first of the action's hours that is not before this one. */
static uint32_t find_hour(const struct part_action *action, int64_t hour)
{
    uint32_t low = 0;
    uint32_t high = action->hour_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (action->hours[middle].hour < hour) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static enum status add_action(const struct counting *counting, uint32_t number, struct error *err)
{
    const struct part_action *action = &counting->footer->actions[number];
    uint32_t gone = first_gone(counting, number);
    enum status status = STATUS_OK;
    for (uint32_t i = find_hour(action, counting->whole.first);
         status == STATUS_OK && i < action->hour_count &&
         action->hours[i].hour < counting->whole.end;
         i++) {
        const struct part_hour *hour = &action->hours[i];
        struct part_hour_rows rows = {
            .action = number, .timestamp_ms = hour->hour * MS_PER_HOUR, .count = hour->count};
        while (rows.count > 0 && gone < counting->gone_count &&
               counting->gone[gone].action == number && counting->gone[gone].hour == hour->hour) {
            rows.count--;
            gone++;
        }
        if (rows.count > 0) {
            status = counting->listener->add(counting->listener, &rows, err);
        }
    }
    bool left = gone < counting->gone_count && counting->gone[gone].action == number;
    return status == STATUS_OK && left
               ? part_corrupt(part_view_part(counting->view),
                              "the footer counts fewer rows than there are", err)
               : status;
}

static enum status add_whole_hours(const struct counting *counting, struct error *err)
{
    const struct part_asked *asked = &counting->asked;
    bool by_name = asked->sense == ONE_OF;
    uint32_t count = by_name ? asked->action_count : counting->footer->action_count;
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        uint32_t number = by_name ? asked->actions[i] : i;
        if (part_asked_wants_action(asked, number)) {
            status = add_action(counting, number, err);
        }
    }
    return status;
}

/* Whether a look at each row of the whole hours would read no more pages than one at each hidden
 * row. */
static enum status rows_are_shorter(const struct counting *counting, bool *out_shorter,
                                    struct error *err)
{
    uint64_t hidden = hidden_users_rows(counting->question->hidden);
    struct activity_key first = {.timestamp_ms = counting->whole.first * MS_PER_HOUR};
    struct activity_key end = {.timestamp_ms = counting->whole.end * MS_PER_HOUR};
    uint32_t low = 0;
    uint32_t high = 0;
    if (hidden == 0) {
        *out_shorter = false;
        return STATUS_OK;
    }
    enum status status = part_view_lower_bound(counting->view, first, &low, err);
    if (status == STATUS_OK) {
        status = part_view_lower_bound(counting->view, end, &high, err);
    }
    *out_shorter = high <= low || page_count_of(high - low) <= hidden;
    return status;
}

static enum status count_hours(struct counting *counting, struct error *err)
{
    const struct activity_filter *filter = counting->question->filter;
    const struct hours *whole = &counting->whole;
    bool shorter = true;
    enum status status = STATUS_OK;
    if (whole->first < whole->end) {
        status = rows_are_shorter(counting, &shorter, err);
    }
    if (status == STATUS_OK && shorter) {
        return walk_rows(counting, filter->from_ms, filter->to_ms, err);
    }
    if (status == STATUS_OK) {
        status = walk_rows(counting, filter->from_ms, whole->first * MS_PER_HOUR, err);
    }
    if (status == STATUS_OK) {
        status = learn_gone(counting, err);
    }
    if (status == STATUS_OK) {
        status = add_whole_hours(counting, err);
    }
    return status == STATUS_OK ? walk_rows(counting, whole->end * MS_PER_HOUR, filter->to_ms, err)
                               : status;
}

enum status part_by_hours(struct part_view *view, const struct part_question *question,
                          struct part_hour_listener *listener, struct error *err)
{
    ASSERT(part_hours_know(question->filter));
    const struct part_footer *footer = part_footer(part_view_part(view));
    struct counting counting = {.view = view,
                                .footer = footer,
                                .question = question,
                                .listener = listener,
                                .whole = whole_hours(footer, question->filter)};
    part_ask_actions(footer, question->filter, &counting.asked);
    enum status status = activity_store_check_deadline(question->clock, question->deadline_ns, err);
    bool possible = part_asked_may_match(&counting.asked) &&
                    question->filter->from_ms < question->filter->to_ms &&
                    question->filter->from_ms <= footer->timestamps.last_ms &&
                    question->filter->to_ms > footer->timestamps.first_ms;
    if (status == STATUS_OK && possible) {
        status = count_hours(&counting, err);
    }
    free(counting.gone);
    return status;
}
