#pragma once
/*
 * BSON as JSON text, for metadata: the other way of metadata_document.h, and for what other writers
 * put there. Types that JSON lacks are shown as what people would write: a date as ISO text, an
 * ObjectId as its hexadecimal digits, a UUID as its text, other bytes in base64url, a Decimal128 as
 * its number; what has no value to show (a regular expression, not a number) is null. Any thread.
 */
#include "base/buffer.h"

#include <bson/bson.h>

/* Appends the value that the iterator stands at. */
void document_json_append_value(const bson_iter_t *at, struct buffer *out_json);

/* Appends the text of an id, user or action: a string as it is, numbers and ObjectIds as above.
 * False when it is something else, or no text. */
bool document_json_append_name(const bson_iter_t *at, struct buffer *out_text);
