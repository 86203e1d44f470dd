#pragma once
/*
 * Rows of a query, one after the other as the server gives them, with the deadline of whoever asks.
 * One thread at a time.
 */
#include "infrastructure/activity_store_mongodb/activity_document.h"
#include "infrastructure/activity_store_mongodb/mongodb_store.h"

struct row_stream {
    struct mongodb_store *store;
    uint64_t deadline_ns;
    mongoc_client_t *connection;
    mongoc_collection_t *collection;
    mongoc_cursor_t *cursor;
    struct activity_reader reader;
    size_t seen; /* documents so far, be they activities or not */
};

/* Appends maxTimeMS, what is left until the deadline, to the options of a query. TIMED_OUT: there
 * is nothing left. */
MUST_USE enum status row_stream_append_time_left(const struct mongodb_store *store,
                                                 uint64_t deadline_ns, struct buffer *options,
                                                 struct error *err);

/* Connects; nothing to close when it fails. */
MUST_USE enum status row_stream_open(struct row_stream *stream, struct mongodb_store *store,
                                     uint64_t deadline_ns, struct error *err);

/* The documents are a query and its options; those of the pipeline an array of stages. */
MUST_USE enum status row_stream_find(struct row_stream *stream, const struct buffer *query,
                                     const struct buffer *options, struct error *err);
MUST_USE enum status row_stream_aggregate(struct row_stream *stream, const struct buffer *pipeline,
                                          const struct buffer *options, struct error *err);

/* The next document, which lives until the one after it; NOT_FOUND at the end, without words. */
MUST_USE enum status row_stream_next_document(struct row_stream *stream,
                                              const bson_t **out_document, struct error *err);

/* The next activity that matches the filter's conditions on metadata. NOT_FOUND at the end. */
MUST_USE enum status row_stream_next(struct row_stream *stream,
                                     const struct activity_filter *filter,
                                     struct activity *out_activity, struct error *err);

void row_stream_close(struct row_stream *stream);
