#include "infrastructure/activity_store_local/part_asked.h"

/* Sets the number of an action; false when the part does not know it. */
static bool find_action(const struct part_footer *footer, struct str text, uint32_t *out_number)
{
    uint32_t low = 0;
    uint32_t high = footer->action_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = str_compare(footer->actions[middle].text, text);
        if (order == 0) {
            *out_number = middle;
            return true;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return false;
}

/* The bits of all actions that are asked for. Of those that are not, 64 at most are named, so that
 * all bits have been seen after some thousand actions. */
static uint64_t bits_of_asked(const struct part_footer *footer, const struct part_asked *asked)
{
    bool by_name = asked->sense == ONE_OF;
    uint32_t count = by_name ? asked->action_count : footer->action_count;
    uint64_t bits = 0;
    for (uint32_t i = 0; i < count && bits != UINT64_MAX; i++) {
        uint32_t number = by_name ? asked->actions[i] : i;
        bits |= part_asked_wants_action(asked, number) ? UINT64_C(1) << number % 64 : 0;
    }
    return bits;
}

void part_ask_actions(const struct part_footer *footer, const struct activity_filter *filter,
                      struct part_asked *asked)
{
    struct name_choice choice;
    name_choice_make(&filter->actions, &filter->excluded.actions, &choice);
    for (size_t i = 0; i < choice.count; i++) {
        uint32_t number;
        if (find_action(footer, choice.names[i], &number)) {
            asked->actions[asked->action_count++] = number;
        }
    }
    asked->sense = name_choice_sense(&choice, asked->action_count);
    asked->action_bits = asked->sense == ANY_NAME ? 0 : bits_of_asked(footer, asked);
}

/* The rows from `from_ms` up to `to_ms`. */
static enum status ask_times(struct part_view *view, const struct activity_filter *filter,
                             struct part_span *out_rows, struct error *err)
{
    struct part_span rows = {0};
    enum status status = part_view_lower_bound(
        view, (struct activity_key){.timestamp_ms = filter->from_ms}, &rows.low, err);
    if (status == STATUS_OK) {
        status = part_view_lower_bound(view, (struct activity_key){.timestamp_ms = filter->to_ms},
                                       &rows.high, err);
    }
    if (status == STATUS_OK) {
        *out_rows = rows;
    }
    return status;
}

/* Leaves of the rows those behind the key in the order. */
static enum status cut_after(struct part_view *view, const struct part_question *question,
                             struct part_span *rows, struct error *err)
{
    uint32_t edge;
    if (question->order == ORDER_OLDEST_FIRST) {
        enum status status = part_view_upper_bound(view, *question->after, &edge, err);
        rows->low = status == STATUS_OK && edge > rows->low ? edge : rows->low;
        return status;
    }
    enum status status = part_view_lower_bound(view, *question->after, &edge, err);
    rows->high = status == STATUS_OK && edge < rows->high ? edge : rows->high;
    return status;
}

enum status part_ask(struct part_view *view, const struct part_question *question,
                     struct part_asked *out_asked, struct error *err)
{
    struct part_asked asked = {0};
    part_ask_actions(part_footer(part_view_part(view)), question->filter, &asked);
    bool possible = part_asked_may_match(&asked);
    enum status status = STATUS_OK;
    if (possible) {
        status = ask_times(view, question->filter, &asked.rows, err);
    }
    if (status == STATUS_OK && possible && question->after != NULL) {
        status = cut_after(view, question, &asked.rows, err);
    }
    if (status == STATUS_OK) {
        /* Times or a key that exclude each other leave an end before the beginning. */
        asked.rows.high = asked.rows.high < asked.rows.low ? asked.rows.low : asked.rows.high;
        *out_asked = asked;
    }
    return status;
}

bool part_asked_wants_action(const struct part_asked *asked, uint32_t action)
{
    bool named = false;
    for (uint32_t i = 0; !named && i < asked->action_count; i++) {
        named = asked->actions[i] == action;
    }
    return asked->sense == ANY_NAME || named == (asked->sense == ONE_OF);
}
