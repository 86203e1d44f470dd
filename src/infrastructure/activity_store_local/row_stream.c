#include "infrastructure/activity_store_local/row_stream.h"

#include "infrastructure/activity_store_local/part_exclude.h"

enum { FETCH_ROWS_MIN = 16, FETCH_ROWS_MAX = 512 };

#define FETCH_BYTES_MAX   ((size_t)1 << 20)
#define FETCH_ARENA_BYTES ((size_t)8 << 20) /* one row more, and what the array of rows outgrew */

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, 0,
                     "the page does not fit the memory of a query; ask for fewer rows");
}

void row_stream_init_head(struct row_stream *stream, const struct row_stream_request *request,
                          struct head *head)
{
    bool newest = request->page->order == ORDER_NEWEST_FIRST;
    *stream = (struct row_stream){
        .request = request, .head = head, .bound_ms = newest ? INT64_MAX : INT64_MIN};
    arena_init(&stream->arena, FETCH_ARENA_BYTES);
}

static int64_t lower_of(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t higher_of(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

bool row_stream_init_part(struct row_stream *stream, const struct row_stream_request *request,
                          const struct snapshot_part *part)
{
    const struct activity_page_request *page = request->page;
    const struct part_range *times = &part_footer(stored_part_reader(part->stored))->timestamps;
    bool newest = page->order == ORDER_NEWEST_FIRST;
    int64_t first_ms = higher_of(times->first_ms, page->filter.from_ms);
    int64_t last_ms = lower_of(times->last_ms, page->filter.to_ms - 1);
    if (page->after != NULL && newest) {
        last_ms = lower_of(last_ms, page->after->timestamp_ms);
    }
    if (page->after != NULL && !newest) {
        first_ms = higher_of(first_ms, page->after->timestamp_ms);
    }
    *stream = (struct row_stream){
        .request = request, .part = part, .bound_ms = newest ? last_ms : first_ms};
    return first_ms <= last_ms;
}

void row_stream_deinit(struct row_stream *stream)
{
    part_cursor_free(stream->cursor);
    hidden_users_unref(stream->hidden);
    if (stream->view != NULL) {
        stored_part_give_view(stream->part->stored, stream->view);
    }
    if (stream->head != NULL) {
        arena_deinit(&stream->arena);
    }
}

/* Heads ------------------------------------------------------------------------------------- */

static size_t rows_to_fetch(const struct activity_page_request *page)
{
    size_t wanted = page->limit + page->skip + 1;
    if (wanted < FETCH_ROWS_MIN) {
        return FETCH_ROWS_MIN;
    }
    return wanted < FETCH_ROWS_MAX ? wanted : FETCH_ROWS_MAX;
}

/* Fetches the rows behind the one it stands at. Some at once, so that the head is asked seldom and
 * its lock held briefly. */
static enum status fetch(struct row_stream *stream, struct error *err)
{
    struct activity_page_request request = *stream->request->page;
    struct activity_key after = {.timestamp_ms = stream->key.timestamp_ms,
                                 .id = {stream->last_id, stream->key.id.len}};
    if (stream->begun) {
        memcpy(stream->last_id, stream->key.id.data, stream->key.id.len);
        request.after = &after;
    }
    request.limit = rows_to_fetch(&request);
    request.skip = 0;
    request.bytes_max = FETCH_BYTES_MAX;
    arena_reset(&stream->arena);
    enum status status = shared_table_find(&stream->head->shared, stream->request->clock, &request,
                                           &stream->arena, &stream->fetched);
    stream->at = 0;
    stream->begun = true;
    if (status == STATUS_TIMED_OUT) {
        return activity_store_timed_out(err);
    }
    return status == STATUS_NO_MEMORY ? no_memory(err) : status;
}

static enum status next_of_head(struct row_stream *stream, struct error *err)
{
    bool fetched_all = stream->begun && !stream->fetched.more;
    if (stream->begun) {
        stream->at++;
    }
    if (stream->at >= stream->fetched.count && !fetched_all) {
        enum status status = fetch(stream, err);
        if (status != STATUS_OK) {
            return status;
        }
    }
    if (stream->at >= stream->fetched.count) {
        return STATUS_NOT_FOUND;
    }
    stream->key = activity_key_of(&stream->fetched.rows[stream->at]);
    return STATUS_OK;
}

/* Parts ------------------------------------------------------------------------------------- */

static enum status begin_part(struct row_stream *stream, struct error *err)
{
    const struct activity_page_request *page = stream->request->page;
    struct part_question question = {
        .filter = &page->filter,
        .order = page->order,
        .after = page->after,
        .hidden = stream->part->hidden,
        .clock = stream->request->clock,
        .deadline_ns = page->deadline_ns,
    };
    stream->begun = true;
    enum status status = stored_part_take_view(stream->part->stored, &stream->view, err);
    if (status == STATUS_OK) {
        status = part_exclude_users(stream->view, &question, &stream->hidden, err);
    }
    return status == STATUS_OK ? part_cursor_new(stream->view, &question, &stream->cursor, err)
                               : status;
}

static enum status next_of_part(struct row_stream *stream, struct error *err)
{
    enum status status = stream->begun ? STATUS_OK : begin_part(stream, err);
    if (status == STATUS_OK) {
        status = part_cursor_next(stream->cursor, err);
    }
    if (status == STATUS_OK) {
        stream->key = part_cursor_key(stream->cursor);
    }
    return status;
}

/* Either ------------------------------------------------------------------------------------ */

enum status row_stream_next(struct row_stream *stream, struct error *err)
{
    return stream->head != NULL ? next_of_head(stream, err) : next_of_part(stream, err);
}

static enum status look(struct row_stream *stream, struct activity *out_row, struct error *err)
{
    struct part_row row;
    if (stream->head != NULL) {
        *out_row = stream->fetched.rows[stream->at];
        return STATUS_OK;
    }
    enum status status = part_view_look(stream->view, part_cursor_row(stream->cursor), &row, err);
    if (status == STATUS_OK) {
        *out_row = row.activity;
    }
    return status;
}

enum status row_stream_take(struct row_stream *stream, struct page_builder *builder, bool *out_full,
                            struct error *err)
{
    struct activity row;
    if (page_builder_is_complete(builder)) { /* without reading the row */
        *out_full = true;
        return STATUS_OK;
    }
    enum status status = look(stream, &row, err);
    if (status != STATUS_OK) {
        return status;
    }
    enum page_builder_answer answer = page_builder_take(builder, &row);
    *out_full = answer == PAGE_BUILDER_FULL;
    return answer == PAGE_BUILDER_NO_MEMORY ? no_memory(err) : STATUS_OK;
}
