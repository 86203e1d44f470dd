#include "application/find_activities.h"

#include "base/assert.h"
#include "base/clock.h"

void find_activities_init(struct find_activities *finder,
                          const struct find_activities_config *config)
{
    finder->config = *config;
}

static enum status read_cursor(const struct find_activities_question *question,
                               struct activity_cursor *out_cursor, struct error *err)
{
    if (question->page != 0) {
        return error_set(err, STATUS_INVALID, 0,
                         "page and cursor exclude each other; go on with the cursor alone");
    }
    struct activity_cursor cursor;
    enum status status = activity_cursor_decode(question->cursor, &cursor, err);
    if (status != STATUS_OK) {
        return status;
    }
    if (cursor.filter_hash != activity_filter_hash(&question->filter) ||
        cursor.order != question->order) {
        return error_set(err, STATUS_INVALID, 0,
                         "this cursor belongs to another filter or order; repeat the parameters it "
                         "was answered for, or begin without it");
    }
    *out_cursor = cursor;
    return STATUS_OK;
}

static enum status rows_to_skip(const struct find_activities_question *question, size_t *out_skip,
                                struct error *err)
{
    if (question->page == 0) {
        *out_skip = 0;
        return STATUS_OK;
    }
    if (question->page > FIND_PAGED_ROWS_MAX / question->limit) {
        return error_set(err, STATUS_INVALID, 0,
                         "page times limit may be at most %d; go on with nextCursor as cursor "
                         "instead, which costs the same at any depth",
                         FIND_PAGED_ROWS_MAX);
    }
    *out_skip = (question->page - 1) * question->limit;
    return STATUS_OK;
}

static void write_next_cursor(const struct find_activities_question *question,
                              const struct activity_page *page, struct buffer *out_text)
{
    if (!page->more || page->count == 0) {
        return;
    }
    const struct activity *last = &page->rows[page->count - 1];
    struct activity_cursor cursor = {
        .order = question->order,
        .filter_hash = activity_filter_hash(&question->filter),
        .timestamp_ms = last->timestamp_ms,
        .id_len = last->id.len,
    };
    memcpy(cursor.id, last->id.data, last->id.len);
    activity_cursor_encode(&cursor, out_text);
}

/* Where the page begins: behind rows to skip, or behind the cursor's row, which `cursor` and
 * `after` hold for the request. */
static enum status set_start(const struct find_activities_question *question,
                             struct activity_page_request *request, struct activity_cursor *cursor,
                             struct activity_key *after, struct error *err)
{
    enum status status = rows_to_skip(question, &request->skip, err);
    if (status != STATUS_OK || question->cursor.data == NULL) {
        return status;
    }
    status = read_cursor(question, cursor, err);
    if (status == STATUS_OK) {
        *after = (struct activity_key){cursor->timestamp_ms, {cursor->id, cursor->id_len}};
        request->after = after;
    }
    return status;
}

/* Page numbers count in steps of the limit: after a short page the next number would pass over
 * rows, so it is refused rather than answered wrongly. */
static enum status check_whole(const struct find_activities *finder,
                               const struct find_activities_question *question,
                               const struct activity_page *page, struct error *err)
{
    return question->page == 0 || !page->cut_short
               ? STATUS_OK
               : error_set(err, STATUS_TOO_LARGE, 0,
                           "this page has more than %zu bytes; ask for a smaller limit or go on by "
                           "cursor",
                           finder->config.page_bytes_max);
}

/* A page that has everything is its own count, and agrees with itself whatever arrives meanwhile.
 */
static enum status count_all(const struct find_activities *finder,
                             const struct activity_page_request *request,
                             struct find_activities_answer *out_answer, struct error *err)
{
    const struct activity_page *page = &out_answer->page;
    if (request->skip == 0 && request->after == NULL && !page->more) {
        out_answer->count = page->count;
        return STATUS_OK;
    }
    return activity_store_count(finder->config.store, &request->filter, request->deadline_ns,
                                &out_answer->count, err);
}

enum status find_activities_page(const struct find_activities *finder,
                                 const struct find_activities_question *question,
                                 struct arena *arena, struct find_activities_answer *out_answer,
                                 struct error *err)
{
    ASSERT(question->limit >= 1 && question->limit <= FIND_LIMIT_MAX);
    struct activity_page_request request = {
        .filter = question->filter,
        .order = question->order,
        .limit = question->limit,
        .bytes_max = finder->config.page_bytes_max,
        .deadline_ns =
            question->asked_ns + (uint64_t)finder->config.deadline_ms * NANOSECONDS_PER_MILLISECOND,
    };
    struct activity_cursor cursor;
    struct activity_key after;
    enum status status = set_start(question, &request, &cursor, &after, err);
    if (status == STATUS_OK) {
        status = activity_store_find(finder->config.store, &request, arena, &out_answer->page, err);
    }
    if (status == STATUS_OK) {
        status = check_whole(finder, question, &out_answer->page, err);
    }
    if (status == STATUS_OK && question->counts) {
        status = count_all(finder, &request, out_answer, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    write_next_cursor(question, &out_answer->page, &out_answer->next_cursor);
    return out_answer->next_cursor.failed == STATUS_OK
               ? STATUS_OK
               : error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for the cursor");
}

enum status find_activities_one(const struct find_activities *finder, struct str id,
                                struct arena *arena, struct activity *out_activity,
                                struct error *err)
{
    return activity_store_get(finder->config.store, id, arena, out_activity, err);
}
