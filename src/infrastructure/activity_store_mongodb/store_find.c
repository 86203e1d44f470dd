/* Pages and single activities. */
#include "domain/page_builder.h"
#include "infrastructure/activity_store_mongodb/answer_rows.h"
#include "infrastructure/activity_store_mongodb/filter_document.h"

enum { STREAM_BATCH_ROWS = 1000 };

/* Documents of a query. */
struct find_request {
    struct buffer query;
    struct buffer options;
};

static void request_init(struct find_request *request)
{
    buffer_init(&request->query, REQUEST_BYTES_MAX);
    buffer_init(&request->options, REQUEST_BYTES_MAX);
}

static void request_deinit(struct find_request *request)
{
    buffer_deinit(&request->query);
    buffer_deinit(&request->options);
}

/* By id ------------------------------------------------------------------------------------- */

/* The string, and the ObjectId that is shown like it: {_id: {$in: […]}}. */
static void write_id_query(struct find_request *request, struct str id)
{
    uint8_t bytes[DOCUMENT_OBJECT_ID_BYTES];
    size_t query = document_begin(&request->query);
    if (filter_document_read_object_id(id, bytes)) {
        size_t member = document_open(&request->query, DOCUMENT_OBJECT, STR("_id"));
        size_t list = document_open(&request->query, DOCUMENT_ARRAY, STR("$in"));
        document_put_str(&request->query, STR("0"), id);
        document_put_object_id(&request->query, STR("1"), bytes);
        document_end(&request->query, list);
        document_end(&request->query, member);
    } else {
        document_put_str(&request->query, STR("_id"), id);
    }
    document_end(&request->query, query);
    size_t options = document_begin(&request->options);
    document_end(&request->options, options);
}

/* A string comes before an ObjectId, whichever the server gives first. */
static enum status take_by_id(struct answer_rows *stream, struct arena *arena,
                              struct activity *out_activity, struct error *err)
{
    struct activity activity;
    const bson_t *document;
    bool found = false;
    enum status status;
    while ((status = answer_rows_next_document(stream, &document, err)) == STATUS_OK) {
        bson_iter_t id;
        bool is_string = bson_iter_init_find(&id, document, "_id") && BSON_ITER_HOLDS_UTF8(&id);
        if ((found && !is_string) ||
            activity_reader_read(&stream->reader, document, &activity) != STATUS_OK) {
            continue;
        }
        if (!activity_copy(arena, &activity, out_activity)) {
            return error_set(err, STATUS_NO_MEMORY, 0,
                             "the activity does not fit the memory of a query");
        }
        found = true;
    }
    if (status == STATUS_NOT_FOUND && !found) {
        return error_set(err, status, 0, "there is no activity with this id");
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status store_get(struct mongodb_store *store, struct str id, struct arena *arena,
                      struct activity *out_activity, struct error *err)
{
    struct answer_rows stream;
    struct find_request request;
    struct activity activity;
    enum status status = answer_rows_open(&stream, store, 0, err);
    if (status != STATUS_OK) {
        return status;
    }
    request_init(&request);
    write_id_query(&request, id);
    status = answer_rows_find(&stream, &request.query, &request.options, err);
    if (status == STATUS_OK) {
        status = take_by_id(&stream, arena, &activity, err);
    }
    if (status == STATUS_OK) {
        *out_activity = activity;
    }
    request_deinit(&request);
    answer_rows_close(&stream);
    return status;
}

/* Pages ------------------------------------------------------------------------------------- */

static void put_sort(enum activity_order order, struct buffer *options)
{
    int32_t direction = order == ORDER_OLDEST_FIRST ? 1 : -1;
    size_t sort = document_open(options, DOCUMENT_OBJECT, STR("sort"));
    document_put_i32(options, STR("timestamp"), direction);
    document_put_i32(options, STR("_id"), direction);
    document_end(options, sort);
    size_t projection = document_open(options, DOCUMENT_OBJECT, STR("projection"));
    document_put_i32(options, STR("source"), 0);
    document_end(options, projection);
}

/* Who passes over rows and counts them: the server where it can, which takes one answer without a
 * cursor that stays open; we where rows must be looked at first. */
static void put_limits(const struct activity_page_request *request, bool by_server,
                       struct buffer *options)
{
    if (!by_server) {
        document_put_i32(options, STR("batchSize"), STREAM_BATCH_ROWS);
        return;
    }
    size_t limit = request->limit < INT32_MAX ? request->limit + 1 : INT32_MAX;
    size_t skip = request->skip < INT64_MAX ? request->skip : INT64_MAX;
    document_put_i64(options, STR("limit"), (int64_t)limit);
    document_put_i32(options, STR("batchSize"), (int32_t)limit);
    if (skip > 0) {
        document_put_i64(options, STR("skip"), (int64_t)skip);
    }
}

static enum status write_page_query(struct find_request *made, const struct answer_rows *stream,
                                    const struct activity_page_request *request,
                                    const struct filter_after *after, bool by_server)
{
    buffer_clear(&made->query);
    buffer_clear(&made->options);
    size_t query = document_begin(&made->query);
    filter_document_append(&request->filter, after, &made->query);
    document_end(&made->query, query);
    size_t options = document_begin(&made->options);
    put_sort(request->order, &made->options);
    put_limits(request, by_server, &made->options);
    enum status status =
        answer_rows_append_time_left(stream->store, stream->deadline_ns, &made->options, NULL);
    document_end(&made->options, options);
    return status;
}

static enum status take_rows(struct answer_rows *stream, struct page_builder *builder,
                             bool skips_itself, struct error *err)
{
    for (;;) {
        struct activity row;
        enum status status = answer_rows_next(stream, &builder->request->filter, &row, err);
        if (status != STATUS_OK) {
            return status == STATUS_NOT_FOUND ? STATUS_OK : status;
        }
        if (skips_itself && page_builder_skips(builder)) {
            continue;
        }
        switch (page_builder_take(builder, &row)) {
        case PAGE_BUILDER_FULL:
            return STATUS_OK;
        case PAGE_BUILDER_NO_MEMORY:
            return error_set(err, STATUS_NO_MEMORY, 0,
                             "the page does not fit the memory of a query; ask for fewer rows");
        case PAGE_BUILDER_TAKEN:
            break;
        }
    }
}

/* Which kind of id the key has, asked of the server where its text may be either. */
static enum status find_after(struct answer_rows *stream, struct find_request *request,
                              struct filter_after *after, struct error *err)
{
    uint8_t bytes[DOCUMENT_OBJECT_ID_BYTES];
    const bson_t *document;
    if (!filter_document_read_object_id(after->key.id, bytes)) {
        return STATUS_OK;
    }
    write_id_query(request, after->key.id);
    enum status status = answer_rows_find(stream, &request->query, &request->options, err);
    after->is_object_id = true;
    while (status == STATUS_OK &&
           (status = answer_rows_next_document(stream, &document, err)) == STATUS_OK) {
        bson_iter_t id;
        if (bson_iter_init_find(&id, document, "_id") && BSON_ITER_HOLDS_UTF8(&id)) {
            after->is_object_id = false;
        }
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* One question, and where documents that are no activities took places of the page, another one
 * that counts for itself. */
static enum status fill_page(struct answer_rows *stream, struct find_request *made,
                             struct page_builder *builder, const struct filter_after *after,
                             struct error *err)
{
    const struct activity_page_request *request = builder->request;
    bool by_server = !activity_filter_asks_metadata(&request->filter);
    for (;;) {
        enum status status = write_page_query(made, stream, request, after, by_server);
        if (status != STATUS_OK) {
            return activity_store_timed_out(err);
        }
        status = answer_rows_find(stream, &made->query, &made->options, err);
        if (status == STATUS_OK) {
            status = take_rows(stream, builder, !by_server, err);
        }
        bool was_short = by_server && !builder->page.more && stream->seen > request->limit;
        if (status != STATUS_OK || !was_short) {
            return status;
        }
        by_server = false;
        page_builder_init(builder, request, builder->arena);
    }
}

enum status store_find(struct mongodb_store *store, const struct activity_page_request *request,
                       struct arena *arena, struct activity_page *out_page, struct error *err)
{
    struct answer_rows stream;
    struct find_request made;
    struct page_builder builder;
    struct filter_after after = {.order = request->order};
    enum status status = activity_store_check_deadline(store->clock, request->deadline_ns, err);
    if (status == STATUS_OK) {
        status = answer_rows_open(&stream, store, request->deadline_ns, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    request_init(&made);
    page_builder_init(&builder, request, arena);
    if (request->after != NULL) {
        after.key = *request->after;
        status = find_after(&stream, &made, &after, err);
    }
    if (status == STATUS_OK) {
        status = fill_page(&stream, &made, &builder, request->after == NULL ? NULL : &after, err);
    }
    if (status == STATUS_OK) {
        *out_page = builder.page;
    }
    request_deinit(&made);
    answer_rows_close(&stream);
    return status;
}
