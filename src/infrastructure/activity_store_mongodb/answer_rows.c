#include "infrastructure/activity_store_mongodb/answer_rows.h"

enum status answer_rows_append_time_left(const struct mongodb_store *store, uint64_t deadline_ns,
                                         struct buffer *options, struct error *err)
{
    if (deadline_ns == 0) {
        return STATUS_OK;
    }
    uint64_t now_ns = clock_monotonic_ns(store->clock);
    if (now_ns >= deadline_ns) {
        return activity_store_timed_out(err);
    }
    uint64_t left_ms = (deadline_ns - now_ns) / NANOSECONDS_PER_MILLISECOND + 1;
    document_put_i64(options, STR("maxTimeMS"), left_ms < INT32_MAX ? (int64_t)left_ms : INT32_MAX);
    return STATUS_OK;
}

enum status answer_rows_open(struct answer_rows *stream, struct mongodb_store *store,
                             uint64_t deadline_ns, struct error *err)
{
    *stream = (struct answer_rows){.store = store, .deadline_ns = deadline_ns};
    enum status status = mongodb_client_take(store->client, &stream->connection, err);
    if (status != STATUS_OK) {
        return status;
    }
    stream->collection = mongoc_client_get_collection(
        stream->connection, mongodb_client_database(store->client), store->collection);
    activity_reader_init(&stream->reader);
    return STATUS_OK;
}

static void end_cursor(struct answer_rows *stream)
{
    if (stream->cursor != NULL) {
        mongoc_cursor_destroy(stream->cursor);
        stream->cursor = NULL;
    }
    stream->seen = 0;
}

enum status answer_rows_find(struct answer_rows *stream, const struct buffer *query,
                             const struct buffer *options, struct error *err)
{
    bson_t query_view;
    bson_t options_view;
    enum status status = mongodb_client_view(query, &query_view, err);
    if (status == STATUS_OK) {
        status = mongodb_client_view(options, &options_view, err);
    }
    if (status == STATUS_OK) {
        end_cursor(stream);
        stream->cursor =
            mongoc_collection_find_with_opts(stream->collection, &query_view, &options_view, NULL);
    }
    return status;
}

enum status answer_rows_aggregate(struct answer_rows *stream, const struct buffer *pipeline,
                                  const struct buffer *options, struct error *err)
{
    bson_t pipeline_view;
    bson_t options_view;
    enum status status = mongodb_client_view(pipeline, &pipeline_view, err);
    if (status == STATUS_OK) {
        status = mongodb_client_view(options, &options_view, err);
    }
    if (status == STATUS_OK) {
        end_cursor(stream);
        stream->cursor = mongoc_collection_aggregate(stream->collection, MONGOC_QUERY_NONE,
                                                     &pipeline_view, &options_view, NULL);
    }
    return status;
}

/* What the cursor's end means. A query that the server gave up has the words of the deadline. */
static enum status why_ended(struct answer_rows *stream, struct error *err)
{
    bson_error_t failure;
    if (!mongoc_cursor_error(stream->cursor, &failure)) {
        return STATUS_NOT_FOUND;
    }
    enum status status = mongodb_client_fail(&failure, "did not answer a query", err);
    if (status == STATUS_TIMED_OUT) {
        return activity_store_timed_out(err);
    }
    /* A query of ours that the server does not understand does not come from the client. */
    return status == STATUS_INVALID ? error_set(err, STATUS_UNAVAILABLE, 0,
                                                "MongoDB refused a query: %s", failure.message)
                                    : status;
}

enum status answer_rows_next_document(struct answer_rows *stream, const bson_t **out_document,
                                      struct error *err)
{
    enum status status =
        activity_store_check_deadline(stream->store->clock, stream->deadline_ns, err);
    if (status != STATUS_OK) {
        return status;
    }
    if (!mongoc_cursor_next(stream->cursor, out_document)) {
        return why_ended(stream, err);
    }
    stream->seen++;
    return STATUS_OK;
}

enum status answer_rows_next(struct answer_rows *stream, const struct activity_filter *filter,
                             struct activity *out_activity, struct error *err)
{
    for (;;) {
        const bson_t *document;
        enum status status = answer_rows_next_document(stream, &document, err);
        if (status != STATUS_OK) {
            return status;
        }
        status = activity_reader_read(&stream->reader, document, out_activity);
        if (status == STATUS_NO_MEMORY) {
            return error_set(err, status, 0, "there is no memory to read a document of MongoDB");
        }
        if (status == STATUS_OK &&
            activity_filter_matches_metadata(filter, out_activity->metadata)) {
            return STATUS_OK;
        }
    }
}

void answer_rows_close(struct answer_rows *stream)
{
    end_cursor(stream);
    activity_reader_deinit(&stream->reader);
    mongoc_collection_destroy(stream->collection);
    mongodb_client_give(stream->store->client, stream->connection);
}
