/* Reads all of a part, page by page and user by user, and holds what it says in two places against
 * each other: whoever has verified a part has looked at each of its bytes. */
#include "infrastructure/activity_store_local/part.h"

#include <stdlib.h>

static enum status differs(const char *what, struct error *err)
{
    return error_set(err, STATUS_CORRUPT, 0, "the part contradicts itself: %s", what);
}

/* What is wrong is told; OK when to go on. */
static enum status tell(struct part_faults *faults, enum status status, const struct error *err)
{
    return status == STATUS_CORRUPT && faults->add(faults, err) ? STATUS_OK : status;
}

/* The place of a row in the order of answers. */
struct row_key {
    struct activity_key key;
    char id[PAGE_ID_BYTES];
};

static enum status read_key(struct part_view *view, uint32_t row, struct row_key *out_key,
                            struct error *err)
{
    const struct page *page;
    enum status status = part_view_page(view, row, &page, err);
    if (status == STATUS_OK) {
        char space[PAGE_ID_BYTES];
        struct str id = page_id(page, row % PAGE_ROWS, space);
        memcpy(out_key->id, id.data, id.len);
        out_key->key =
            (struct activity_key){page->timestamps[row % PAGE_ROWS], {out_key->id, id.len}};
    }
    return status;
}

/* One row, found again by its id and behind the row before it. */
static enum status verify_key(struct part_view *view, uint32_t row, const struct row_key *before,
                              const struct row_key *key, struct error *err)
{
    uint32_t found;
    enum status status = part_view_find_id(view, key->key.id, &found, err);
    if (status == STATUS_NOT_FOUND) {
        return differs("an id is not in its index", err);
    }
    if (status == STATUS_OK && found != row) {
        return differs("an id stands twice", err);
    }
    if (status == STATUS_OK && row > 0 && activity_key_compare(before->key, key->key) >= 0) {
        return differs("its rows are not in order", err);
    }
    return status;
}

/* Rows whose page cannot be read are passed over. Metadata and texts are looked at for their own
 * sake: an id is judged also where they are damaged. */
static enum status verify_rows(struct part_view *view, struct part_faults *faults,
                               struct error *err)
{
    uint32_t row_count = part_footer(part_view_part(view))->row_count;
    enum status status = STATUS_OK;
    struct row_key keys[2] = {{.key = {.timestamp_ms = INT64_MIN}}};
    struct arena arena;
    arena_init(&arena, (size_t)256 << 20);
    for (uint32_t i = 0; status == STATUS_OK && i < row_count; i++) {
        struct row_key *before = &keys[i % 2];
        struct row_key *key = &keys[1 - i % 2];
        struct part_row row;
        status = read_key(view, i, key, err);
        if (status == STATUS_CORRUPT) {
            status = tell(faults, status, err);
            i += PAGE_ROWS - 1 - i % PAGE_ROWS;
            continue;
        }
        if (status == STATUS_OK) {
            status = tell(faults, verify_key(view, i, before, key, err), err);
        }
        if (status == STATUS_OK) {
            arena_reset(&arena);
            status = tell(faults, part_view_row(view, i, &arena, &row, err), err);
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

static enum status verify_users(struct part_view *view, struct part_faults *faults,
                                struct error *err)
{
    const struct part_footer *footer = part_footer(part_view_part(view));
    uint32_t *rows = malloc(footer->row_count * sizeof *rows);
    if (rows == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to verify a part");
    }
    enum status status = STATUS_OK;
    uint64_t total = 0;
    bool whole = true;
    for (uint32_t user = 0; status == STATUS_OK && user < footer->user_count; user++) {
        uint32_t count = 0;
        status = verify_user(view, user, rows, &count, err);
        total += count;
        whole = whole && status == STATUS_OK;
        status = tell(faults, status, err);
    }
    free(rows);
    return whole && total != footer->row_count
               ? tell(faults, differs("not every row is in a list", err), err)
               : status;
}

enum status part_verify_all(struct part *part, struct part_faults *faults, struct error *err)
{
    CLEANUP(part_view_free) struct part_view *view = NULL;
    struct error why = {0};
    enum status status = part_view_new(part, &view, &why);
    if (status == STATUS_OK) {
        status = verify_rows(view, faults, &why);
    }
    if (status == STATUS_OK) {
        status = verify_users(view, faults, &why);
    }
    return status == STATUS_OK ? STATUS_OK : error_set(err, status, why.cause, "%s", why.message);
}

static bool stop_at_once(struct part_faults *faults, const struct error *err)
{
    (void)faults;
    (void)err;
    return false;
}

enum status part_verify(struct part *part, struct error *err)
{
    struct part_faults faults = {.add = stop_at_once};
    return part_verify_all(part, &faults, err);
}
