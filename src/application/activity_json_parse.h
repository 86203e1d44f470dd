#pragma once
/*
 * Texts of JSON to the parser's trees, for what reads activities in whatever notation: bounded,
 * numbers left as text, malformed texts told in words. Private to them.
 */
#include "application/activity_json.h"

struct yyjson_doc;

/* Parser memory for activities of up to a few KiB; larger ones get their own for the moment. A
 * value takes 16 bytes and may have one byte of text, and while the parser's array of values grows
 * by half the old one is still there. */
enum {
    ACTIVITY_JSON_POOL_TEXT_BYTES_MAX = 4 * 1024,
    ACTIVITY_JSON_POOL_BYTES = ACTIVITY_JSON_POOL_TEXT_BYTES_MAX * 16 * 3
};

struct activity_json_source {
    char *data; /* overwritten; ACTIVITY_JSON_PADDING_BYTES must follow it */
    size_t len;
    const char *pointer; /* where in an activity it stands; "" is all of it */
    void *pool;          /* ACTIVITY_JSON_POOL_BYTES that no other tree lies in; NULL: none */
};

/* The tree goes with yyjson_doc_free; strings of an object live as long as its text. INVALID: the
 * fault is in `rejection`. NO_MEMORY. */
MUST_USE enum status activity_json_parse(const struct activity_json_source *source,
                                         struct yyjson_doc **out_document,
                                         struct rejection *rejection);

/* Whether one activity may have a text of so many bytes. TOO_LARGE: the fault is in `rejection`. */
MUST_USE enum status activity_json_check_size(const struct activity_json_reader *reader, size_t len,
                                              struct rejection *rejection);
