#pragma once
/*
 * What was refused, as a document:
 *
 *     {_id: "<log id>-<partition>-<offset>", log: "<log id>", partition: 0, offset: NumberLong(7),
 *      refusedAt: Date, bytes: NumberLong(n), reason: "…", key: Binary, raw: Binary,
 *      loggedAt: Date, users: ["<userId>"]}
 *
 * `bytes` is what the entry counts; key and loggedAt are there where they are known. `users` are
 * those whose entry it is (refusal_subject.h), perhaps none; a document without that member, as
 * earlier versions wrote them, may be anybody's. Any thread.
 */
#include "application/refusal_list.h"
#include "base/buffer.h"

#include <bson/bson.h>

/* Larger entries find no place in a document of 16 MiB. */
enum { REFUSED_DOCUMENT_BYTES_MAX = 16 * 1024 * 1024 - 64 * 1024 };

/* What the refusal counts: its texts, and about what is stored besides. */
uint64_t refused_document_bytes(const struct refusal *refusal);

/* Appends the members of the document. */
void refused_document_append(struct uuid log_id, const struct refusal *refusal,
                             int64_t refused_at_ms, struct buffer *out_document);

/* The entry, whose texts lie in the document; false when it is none. */
bool refused_document_read(const bson_t *document, struct refusal_entry *out_entry);
