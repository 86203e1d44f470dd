/*
 * A cursor works in row numbers. They come from the lists of the users that are asked for or, when
 * none is, from the stretch of rows that times and key leave. Pages are read to look at actions and
 * hidden users, and for the key of the row where the cursor stands; blocks of metadata for rows
 * that match in everything else.
 */
#include "infrastructure/activity_store_local/part_cursor.h"

#include "base/assert.h"
#include "infrastructure/activity_store_local/part_asked.h"
#include "infrastructure/activity_store_local/part_rows_of_users.h"

#include <stdlib.h>

enum {
    LOOKS_BETWEEN_DEADLINES = 256,
    NO_PAGE = UINT32_MAX / PAGE_ROWS + 1,
    NO_BLOCK = UINT32_MAX / PAGE_BLOCK_ROWS + 1
};

struct part_cursor {
    struct part_view *view;
    struct part_question question;
    struct part_asked asked; /* its rows: those to come, where no user is asked for */
    bool by_user;
    struct part_rows_of_users users; /* the rows to come of those that are asked for */
    uint32_t looks;                  /* at rows and pages */
    uint32_t page_number;            /* of the page that was asked for last, or NO_PAGE */
    uint32_t block_number;           /* of the block of metadata, or NO_BLOCK */
    bool stands;
    uint32_t row; /* where it stands */
    int64_t timestamp_ms;
    size_t id_len;
    char id[PAGE_ID_BYTES];
};

/* Deadline ---------------------------------------------------------------------------------- */

static enum status check_deadline(const struct part_question *question, struct error *err)
{
    return activity_store_check_deadline(question->clock, question->deadline_ns, err);
}

/* Before each row or page that is looked at; the clock is read at some of them only. */
static enum status count_look(struct part_cursor *cursor, struct error *err)
{
    bool due = cursor->looks++ % LOOKS_BETWEEN_DEADLINES == 0;
    return due ? check_deadline(&cursor->question, err) : STATUS_OK;
}

static enum status page_of_row(struct part_cursor *cursor, uint32_t row,
                               const struct page **out_page, struct error *err)
{
    if (row / PAGE_ROWS != cursor->page_number) {
        enum status status = check_deadline(&cursor->question, err);
        if (status != STATUS_OK) {
            return status;
        }
        cursor->page_number = row / PAGE_ROWS;
    }
    return part_view_page(cursor->view, row, out_page, err);
}

/* Users ------------------------------------------------------------------------------------- */

/* Adds the rows of a user, unless the part does not know the user or nobody may see them. */
static enum status add_user(struct part_cursor *cursor, struct str text, struct error *err)
{
    struct part_user user;
    enum status status = check_deadline(&cursor->question, err);
    if (status == STATUS_OK) {
        status = part_view_find_user(cursor->view, text, &user, err);
    }
    if (status == STATUS_OK && !hidden_users_contain(cursor->question.hidden, user.number)) {
        status = part_rows_of_users_add(&cursor->users, &user, cursor->asked.rows, err);
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status add_users(struct part_cursor *cursor, struct error *err)
{
    const struct activity_filter *filter = cursor->question.filter;
    enum status status = STATUS_OK;
    bool possible = part_span_length(cursor->asked.rows) > 0;
    for (size_t i = 0; possible && status == STATUS_OK && i < filter->user_ids.count; i++) {
        status = add_user(cursor, filter->user_ids.items[i], err);
    }
    return status;
}

enum status part_cursor_new(struct part_view *view, const struct part_question *question,
                            struct part_cursor **out_cursor, struct error *err)
{
    CLEANUP(part_cursor_free) struct part_cursor *cursor = calloc(1, sizeof *cursor);
    if (cursor == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to ask a part");
    }
    cursor->view = view;
    cursor->question = *question;
    cursor->page_number = NO_PAGE;
    cursor->block_number = NO_BLOCK;
    cursor->by_user = question->filter->user_ids.count > 0;
    part_rows_of_users_init(&cursor->users, view, question->order);
    enum status status = check_deadline(question, err);
    if (status == STATUS_OK) {
        status = part_ask(view, question, &cursor->asked, err);
    }
    if (status == STATUS_OK) {
        status = add_users(cursor, err);
    }
    if (status == STATUS_OK) {
        *out_cursor = TAKE(cursor);
    }
    return status;
}

void part_cursor_free(struct part_cursor *cursor)
{
    if (cursor == NULL) {
        return;
    }
    part_rows_of_users_deinit(&cursor->users);
    free(cursor);
}

/* Rows -------------------------------------------------------------------------------------- */

static const struct part_page *directory_page(const struct part_cursor *cursor, uint32_t row)
{
    return &part_directory(part_view_part(cursor->view))->pages[row / PAGE_ROWS];
}

/* How many rows of its page come from this one on in the order. */
static uint32_t rows_of_page(const struct part_cursor *cursor, uint32_t row)
{
    return cursor->question.order == ORDER_OLDEST_FIRST ? PAGE_ROWS - row % PAGE_ROWS
                                                        : row % PAGE_ROWS + 1;
}

/* The next row of the stretch, whether it matches or not; whole pages that hold none of the actions
 * are passed over. */
static enum status take_from_stretch(struct part_cursor *cursor, uint32_t *out_row,
                                     struct error *err)
{
    struct part_span *rows = &cursor->asked.rows;
    while (part_span_length(*rows) > 0) {
        uint32_t row = part_span_first(*rows, cursor->question.order);
        if (part_asked_wants_page(&cursor->asked, directory_page(cursor, row))) {
            part_span_take(rows, cursor->question.order, 1);
            *out_row = row;
            return STATUS_OK;
        }
        part_span_take(rows, cursor->question.order, rows_of_page(cursor, row));
        enum status status = count_look(cursor, err);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_NOT_FOUND;
}

/* Whether users may be hidden among the rows; a list of a hidden user is not even opened. */
static bool may_be_hidden(const struct part_cursor *cursor)
{
    return !cursor->by_user && hidden_users_rows(cursor->question.hidden) > 0;
}

static bool must_look_at_metadata(const struct part_cursor *cursor)
{
    return activity_filter_asks_metadata(cursor->question.filter);
}

static bool must_look(const struct part_cursor *cursor)
{
    return cursor->asked.sense != ANY_NAME || may_be_hidden(cursor) ||
           must_look_at_metadata(cursor);
}

/* The clock is read before each block, since expanding and searching one may take long. */
static enum status look_at_metadata(struct part_cursor *cursor, uint32_t row,
                                    struct str *out_metadata, struct error *err)
{
    if (row / PAGE_BLOCK_ROWS != cursor->block_number) {
        enum status status = check_deadline(&cursor->question, err);
        if (status != STATUS_OK) {
            return status;
        }
        cursor->block_number = row / PAGE_BLOCK_ROWS;
    }
    return part_view_metadata(cursor->view, row, out_metadata, err);
}

static enum status metadata_matches(struct part_cursor *cursor, uint32_t row, bool *out_matches,
                                    struct error *err)
{
    struct str metadata;
    enum status status = look_at_metadata(cursor, row, &metadata, err);
    if (status == STATUS_OK) {
        *out_matches = activity_filter_matches_metadata(cursor->question.filter, metadata);
    }
    return status;
}

static enum status row_matches(struct part_cursor *cursor, uint32_t row, bool *out_matches,
                               struct error *err)
{
    const struct page *page;
    enum status status = count_look(cursor, err);
    if (status != STATUS_OK) {
        return status;
    }
    if (!must_look(cursor)) {
        *out_matches = true;
        return STATUS_OK;
    }
    if (!part_asked_wants_page(&cursor->asked, directory_page(cursor, row))) {
        *out_matches = false;
        return STATUS_OK;
    }
    status = page_of_row(cursor, row, &page, err);
    if (status == STATUS_OK) {
        uint32_t at = row % PAGE_ROWS;
        *out_matches = part_asked_wants_action(&cursor->asked, page_action(page, at)) &&
                       !(may_be_hidden(cursor) &&
                         hidden_users_contain(cursor->question.hidden, page_user(page, at)));
    }
    if (status == STATUS_OK && *out_matches && must_look_at_metadata(cursor)) {
        status = metadata_matches(cursor, row, out_matches, err);
    }
    return status;
}

/* The next row that matches. NOT_FOUND: there is none. */
static enum status find_row(struct part_cursor *cursor, uint32_t *out_row, struct error *err)
{
    enum status status = STATUS_OK;
    bool matches = false;
    while (status == STATUS_OK && !matches) {
        status = cursor->by_user ? part_rows_of_users_take(&cursor->users, out_row, err)
                                 : take_from_stretch(cursor, out_row, err);
        if (status == STATUS_OK) {
            status = row_matches(cursor, *out_row, &matches, err);
        }
    }
    return status;
}

/* Goes to the next row and its page; the key is not there yet. */
static enum status go_on(struct part_cursor *cursor, const struct page **out_page,
                         struct error *err)
{
    cursor->stands = false;
    enum status status = find_row(cursor, &cursor->row, err);
    return status == STATUS_OK ? page_of_row(cursor, cursor->row, out_page, err) : status;
}

enum status part_cursor_next_in_page(struct part_cursor *cursor, const struct page **out_page,
                                     uint32_t *out_at, struct error *err)
{
    enum status status = go_on(cursor, out_page, err);
    if (status == STATUS_OK) {
        *out_at = cursor->row % PAGE_ROWS;
    }
    return status;
}

enum status part_cursor_next_with_metadata(struct part_cursor *cursor, struct str *out_metadata,
                                           struct error *err)
{
    cursor->stands = false;
    enum status status = find_row(cursor, &cursor->row, err);
    return status == STATUS_OK ? look_at_metadata(cursor, cursor->row, out_metadata, err) : status;
}

enum status part_cursor_next(struct part_cursor *cursor, struct error *err)
{
    const struct page *page;
    enum status status = go_on(cursor, &page, err);
    if (status != STATUS_OK) {
        return status;
    }
    char space[PAGE_ID_BYTES];
    uint32_t at = cursor->row % PAGE_ROWS;
    struct str id = page_id(page, at, space);
    memcpy(cursor->id, id.data, id.len);
    cursor->id_len = id.len;
    cursor->timestamp_ms = page->timestamps[at];
    cursor->stands = true;
    return STATUS_OK;
}

uint32_t part_cursor_row(const struct part_cursor *cursor)
{
    ASSERT(cursor->stands);
    return cursor->row;
}

struct activity_key part_cursor_key(const struct part_cursor *cursor)
{
    ASSERT(cursor->stands);
    return (struct activity_key){.timestamp_ms = cursor->timestamp_ms,
                                 .id = {.data = cursor->id, .len = cursor->id_len}};
}

/* Skipping ---------------------------------------------------------------------------------- */

enum status part_cursor_skip(struct part_cursor *cursor, uint64_t count, uint64_t *out_skipped,
                             struct error *err)
{
    uint64_t skipped = 0;
    cursor->stands = false;
    if (!must_look(cursor) && !cursor->by_user) {
        *out_skipped = part_span_take(&cursor->asked.rows, cursor->question.order, count);
        return STATUS_OK;
    }
    if (!must_look(cursor) && part_rows_of_users_can_skip(&cursor->users, count)) {
        *out_skipped = part_rows_of_users_skip(&cursor->users, count);
        return STATUS_OK;
    }
    while (skipped < count) {
        uint32_t row;
        enum status status = find_row(cursor, &row, err);
        if (status == STATUS_NOT_FOUND) {
            break;
        }
        if (status != STATUS_OK) {
            return status;
        }
        skipped++;
    }
    *out_skipped = skipped;
    return STATUS_OK;
}

/* Counting ---------------------------------------------------------------------------------- */

/* The rows of a user within the cursor's stretch. */
static enum status count_rows_of(struct part_cursor *cursor, uint32_t number, uint64_t *out_count,
                                 struct error *err)
{
    struct part_user user;
    enum status status = part_view_user(cursor->view, number, &user, err);
    if (status == STATUS_OK) {
        struct part_rows_of_users alone;
        part_rows_of_users_init(&alone, cursor->view, cursor->question.order);
        status = part_rows_of_users_add(&alone, &user, cursor->asked.rows, err);
        *out_count = part_rows_of_users_left(&alone);
        part_rows_of_users_deinit(&alone);
    }
    return status;
}

static bool is_whole_part(const struct part_cursor *cursor)
{
    return part_span_length(cursor->asked.rows) ==
           part_footer(part_view_part(cursor->view))->row_count;
}

/* The rows of hidden users within the stretch, by their lists. */
static enum status count_hidden(struct part_cursor *cursor, uint64_t *out_count, struct error *err)
{
    const struct hidden_users *hidden = cursor->question.hidden;
    uint64_t total = 0;
    for (uint32_t i = 0; i < hidden->count; i++) {
        uint64_t count = 0;
        enum status status = check_deadline(&cursor->question, err);
        if (status == STATUS_OK) {
            status = count_rows_of(cursor, hidden->users[i].number, &count, err);
        }
        if (status != STATUS_OK) {
            return status;
        }
        total += count;
    }
    *out_count = total;
    return STATUS_OK;
}

static enum status count_visible(struct part_cursor *cursor, uint64_t *out_count, struct error *err)
{
    uint64_t rows = part_span_length(cursor->asked.rows);
    uint64_t hidden = hidden_users_rows(cursor->question.hidden);
    enum status status = is_whole_part(cursor) ? STATUS_OK : count_hidden(cursor, &hidden, err);
    if (status == STATUS_OK && hidden > rows) {
        status = part_corrupt(part_view_part(cursor->view), "users have more rows than it", err);
    }
    if (status == STATUS_OK) {
        *out_count = rows - hidden;
    }
    return status;
}

/* Whether the lists of the hidden users are fewer than the pages that would be read instead. */
static bool lists_are_shorter(const struct part_cursor *cursor)
{
    return is_whole_part(cursor) ||
           cursor->question.hidden->count < page_count_of(part_span_length(cursor->asked.rows));
}

enum status part_cursor_count(struct part_view *view, const struct part_question *question,
                              uint64_t *out_count, struct error *err)
{
    CLEANUP(part_cursor_free) struct part_cursor *cursor = NULL;
    struct part_question all = *question;
    all.after = NULL;
    enum status status = part_cursor_new(view, &all, &cursor, err);
    if (cursor == NULL) {
        return status;
    }
    if (!must_look_at_metadata(cursor) && may_be_hidden(cursor) && lists_are_shorter(cursor)) {
        return count_visible(cursor, out_count, err);
    }
    return part_cursor_skip(cursor, UINT64_MAX, out_count, err);
}
