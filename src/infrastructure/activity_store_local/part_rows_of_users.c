#include "infrastructure/activity_store_local/part_rows_of_users.h"

#include "base/assert.h"

#include <stdlib.h>

struct part_user_rows {
    struct part_list list;
    struct part_span places; /* in the list, of the rows to come */
    uint32_t row;            /* at the first of them, in a heap */
};

static void free_rows(struct part_user_rows *rows)
{
    if (rows == NULL) {
        return;
    }
    part_list_deinit(&rows->list);
    free(rows);
}
CLEANUP_FUNCTION(struct part_user_rows *, free_rows)

void part_rows_of_users_init(struct part_rows_of_users *users, struct part_view *view,
                             enum activity_order order)
{
    *users = (struct part_rows_of_users){.view = view, .order = order};
}

void part_rows_of_users_deinit(struct part_rows_of_users *users)
{
    while (users->count > 0) {
        free_rows(users->users[--users->count]);
    }
}

enum status part_rows_of_users_add(struct part_rows_of_users *users, const struct part_user *user,
                                   struct part_span rows, struct error *err)
{
    ASSERT(users->count < FILTER_NAMES_MAX && !users->is_heap);
    CLEANUP(free_rows) struct part_user_rows *added = calloc(1, sizeof *added);
    if (added == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for the rows of a user");
    }
    struct part_view *view = users->view;
    struct part_span *places = &added->places;
    enum status status = part_view_list_open(view, user, &added->list, err);
    if (status == STATUS_OK) {
        status = part_view_list_below(view, &added->list, rows.low, &places->low, err);
    }
    if (status == STATUS_OK) {
        status = part_view_list_below(view, &added->list, rows.high, &places->high, err);
    }
    if (status == STATUS_OK && part_span_length(*places) > 0) {
        users->users[users->count++] = TAKE(added);
    }
    return status;
}

uint64_t part_rows_of_users_left(const struct part_rows_of_users *users)
{
    uint64_t rows = 0;
    for (uint32_t i = 0; i < users->count; i++) {
        rows += part_span_length(users->users[i]->places);
    }
    return rows;
}

/* Taking ------------------------------------------------------------------------------------ */

static bool comes_first(const struct part_rows_of_users *users, uint32_t a, uint32_t b)
{
    uint32_t left = users->users[a]->row;
    uint32_t right = users->users[b]->row;
    return users->order == ORDER_OLDEST_FIRST ? left < right : left > right;
}

static void sift_down(struct part_rows_of_users *users, uint32_t at)
{
    for (;;) {
        uint32_t first = at;
        for (uint32_t child = 2 * at + 1; child <= 2 * at + 2 && child < users->count; child++) {
            first = comes_first(users, child, first) ? child : first;
        }
        if (first == at) {
            return;
        }
        struct part_user_rows *moved = users->users[at];
        users->users[at] = users->users[first];
        users->users[first] = moved;
        at = first;
    }
}

static void drop_user(struct part_rows_of_users *users, uint32_t at)
{
    free_rows(users->users[at]);
    users->users[at] = users->users[--users->count];
}

static enum status load_row(struct part_rows_of_users *users, struct part_user_rows *rows,
                            struct error *err)
{
    uint32_t place = part_span_first(rows->places, users->order);
    return part_view_list_row(users->view, &rows->list, place, &rows->row, err);
}

/* Not before a row is taken: who only counts or skips needs no chunk for it. */
static enum status make_heap(struct part_rows_of_users *users, struct error *err)
{
    for (uint32_t i = 0; i < users->count; i++) {
        enum status status = load_row(users, users->users[i], err);
        if (status != STATUS_OK) {
            return status;
        }
    }
    for (uint32_t i = users->count / 2; i > 0; i--) {
        sift_down(users, i - 1);
    }
    users->is_heap = true;
    return STATUS_OK;
}

enum status part_rows_of_users_take(struct part_rows_of_users *users, uint32_t *out_row,
                                    struct error *err)
{
    enum status status = users->is_heap ? STATUS_OK : make_heap(users, err);
    if (status != STATUS_OK || users->count == 0) {
        return status != STATUS_OK ? status : STATUS_NOT_FOUND;
    }
    struct part_user_rows *rows = users->users[0];
    uint32_t row = rows->row;
    part_span_take(&rows->places, users->order, 1);
    if (part_span_length(rows->places) == 0) {
        drop_user(users, 0);
    } else {
        status = load_row(users, rows, err);
    }
    if (status == STATUS_OK) {
        sift_down(users, 0);
        *out_row = row;
    }
    return status;
}

/* Skipping ---------------------------------------------------------------------------------- */

bool part_rows_of_users_can_skip(const struct part_rows_of_users *users, uint64_t count)
{
    return users->count <= 1 || part_rows_of_users_left(users) <= count;
}

uint64_t part_rows_of_users_skip(struct part_rows_of_users *users, uint64_t count)
{
    ASSERT(part_rows_of_users_can_skip(users, count));
    uint64_t skipped = 0;
    for (uint32_t i = users->count; i > 0; i--) {
        struct part_span *places = &users->users[i - 1]->places;
        skipped += part_span_take(places, users->order, count - skipped);
        if (part_span_length(*places) == 0) {
            drop_user(users, i - 1);
        }
    }
    users->is_heap = false;
    return skipped;
}
