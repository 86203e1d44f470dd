/* Reads all of a part, page by page and user by user, and holds what it says in two places against
 * each other: whoever has verified a part has looked at each of its bytes. */
#include "infrastructure/activity_store_local/part.h"

#include <stdlib.h>

static enum status differs(const char *what, struct error *err)
{
    return error_set(err, STATUS_CORRUPT, 0, "the part contradicts itself: %s", what);
}

/* One row, found again by its id and behind the row before it. */
static enum status verify_row(struct part_view *view, uint32_t row, const struct activity *before,
                              const struct activity *activity, struct error *err)
{
    uint32_t found;
    enum status status = part_view_find_id(view, activity->id, &found, err);
    if (status == STATUS_NOT_FOUND) {
        return differs("an id is not in its index", err);
    }
    if (status == STATUS_OK && found != row) {
        return differs("an id stands twice", err);
    }
    if (status == STATUS_OK && row > 0 &&
        activity_key_compare(activity_key_of(before), activity_key_of(activity)) >= 0) {
        return differs("its rows are not in order", err);
    }
    return status;
}

static enum status verify_rows(struct part_view *view, const struct part_footer *footer,
                               struct error *err)
{
    enum status status = STATUS_OK;
    struct activity before = {0};
    char before_id[PAGE_ID_BYTES];
    struct arena arena;
    arena_init(&arena, (size_t)256 << 20);
    for (uint32_t i = 0; status == STATUS_OK && i < footer->row_count; i++) {
        struct part_row row;
        arena_reset(&arena);
        status = part_view_row(view, i, &arena, &row, err);
        if (status == STATUS_OK) {
            status = verify_row(view, i, &before, &row.activity, err);
        }
        if (status == STATUS_OK) {
            memcpy(before_id, row.activity.id.data, row.activity.id.len);
            before = row.activity;
            before.id.data = before_id;
        }
    }
    arena_deinit(&arena);
    return status;
}

/* The rows of one user, written into `rows`, which must be the user's in the pages, too. */
static enum status verify_user(struct part_view *view, uint32_t number, uint32_t *rows,
                               uint32_t *out_count, struct error *err)
{
    char space[NAME_BYTES_MAX];
    struct str text;
    struct part_user user;
    enum status status = part_view_user_text(view, number, space, &text, err);
    if (status == STATUS_OK) {
        status = part_view_find_user(view, text, &user, err);
    }
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && user.number != number)) {
        return differs("a user is not where it belongs", err);
    }
    if (status == STATUS_OK) {
        status = part_view_user_rows(view, &user, rows, err);
        *out_count = user.found.count;
    }
    for (uint32_t i = 0; status == STATUS_OK && i < *out_count; i++) {
        const struct page *page;
        status = part_view_page(view, rows[i], &page, err);
        if (status == STATUS_OK && page_user(page, rows[i] % PAGE_ROWS) != number) {
            status = differs("a row is in the list of another user", err);
        }
    }
    return status;
}

static enum status verify_users(struct part_view *view, const struct part_footer *footer,
                                struct error *err)
{
    uint32_t *rows = malloc(footer->row_count * sizeof *rows);
    if (rows == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to verify a part");
    }
    enum status status = STATUS_OK;
    uint64_t total = 0;
    for (uint32_t user = 0; status == STATUS_OK && user < footer->user_count; user++) {
        uint32_t count = 0;
        status = verify_user(view, user, rows, &count, err);
        total += count;
    }
    free(rows);
    if (status == STATUS_OK && total != footer->row_count) {
        status = differs("not every row is in a list", err);
    }
    return status;
}

enum status part_verify(struct part *part, struct error *err)
{
    CLEANUP(part_view_free) struct part_view *view = NULL;
    enum status status = part_view_new(part, &view, err);
    if (status == STATUS_OK) {
        status = verify_rows(view, part_footer(part), err);
    }
    return status == STATUS_OK ? verify_users(view, part_footer(part), err) : status;
}
