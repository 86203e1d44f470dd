#pragma once
/*
 * Rows of a query, one after the other as the server gives them, with the deadline of whoever asks.
 * One thread at a time.
 */
#include "infrastructure/activity_store_mongodb/activity_document.h"
#include "infrastructure/activity_store_mongodb/mongodb_store.h"

struct answer_rows {
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
MUST_USE enum status answer_rows_append_time_left(const struct mongodb_store *store,
                                                  uint64_t deadline_ns, struct buffer *options,
                                                  struct error *err);

/* Connects; nothing to close when it fails. */
MUST_USE enum status answer_rows_open(struct answer_rows *stream, struct mongodb_store *store,
                                      uint64_t deadline_ns, struct error *err);

/* The documents are a query and its options; those of the pipeline an array of stages. */
MUST_USE enum status answer_rows_find(struct answer_rows *stream, const struct buffer *query,
                                      const struct buffer *options, struct error *err);
MUST_USE enum status answer_rows_aggregate(struct answer_rows *stream,
                                           const struct buffer *pipeline,
                                           const struct buffer *options, struct error *err);

/* The next document, which lives until the one after it; NOT_FOUND at the end, without words. */
MUST_USE enum status answer_rows_next_document(struct answer_rows *stream,
                                               const bson_t **out_document, struct error *err);

/* The next activity that matches the filter's conditions on metadata. NOT_FOUND at the end. */
MUST_USE enum status answer_rows_next(struct answer_rows *stream,
                                      const struct activity_filter *filter,
                                      struct activity *out_activity, struct error *err);

void answer_rows_close(struct answer_rows *stream);
