#pragma once
/*
 * An activity as a document of MongoDB, and back:
 *
 *     {_id: "018f…", userId: "ann", action: "click", timestamp: Date, receivedAt: Date,
 *      source: {log: "<uuid>", partition: 0, offset: NumberLong(7)},
 *      metadata: {…}, metadataText: "{…}"}
 *
 * metadataText is there only where metadata alone would not give the same text back
 * (metadata_document.h). `source` is the place in the event log that the activity was stored from:
 * a batch that is put again knows its own rows by it.
 *
 * Documents of other writers are read, too. _id may be an ObjectId, shown by its 24 hexadecimal
 * digits; userId and action may be numbers or ObjectIds. receivedAt, where missing, is the
 * timestamp, and metadata is {}. Other types within metadata are shown as document_json.h says. A
 * document without a userId, action or Date as timestamp, or with another type of _id, is no
 * activity and in no answer. One thread at a time.
 */
#include "domain/activity_batch.h"
#include "infrastructure/activity_store_mongodb/metadata_document.h"

#include <bson/bson.h>

/* Appends the members of a document for the row, between its document_begin and document_end.
 * `log_text` is the log's id, UUID_TEXT_BYTES. */
void activity_document_append(struct metadata_scratch *scratch, const struct logged_activity *row,
                              const char *log_text, struct buffer *out_document);

/* Reads one document after the other. */
struct activity_reader {
    struct buffer names;    /* id, user and action where they are no strings */
    struct buffer metadata; /* where it is written from the document */
};

struct activity_source {
    bool known; /* false: another writer's */
    struct uuid log_id;
    struct position position;
};

void activity_reader_init(struct activity_reader *reader);
void activity_reader_deinit(struct activity_reader *reader);

/* The texts lie in the document or the reader until the next one is read. NOT_FOUND: it is no
 * activity. NO_MEMORY. */
MUST_USE enum status activity_reader_read(struct activity_reader *reader, const bson_t *document,
                                          struct activity *out_activity);

struct activity_source activity_document_source(const bson_t *document);
