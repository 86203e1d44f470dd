#pragma once
/*
 * Metadata from the parser's tree back to text: without insignificant white space, with the
 * shortest spelling of strings, with keys in their order and numbers to the letter. Private to
 * activity_json.
 */
#include "base/buffer.h"
#include "base/macros.h"
#include "base/status.h"
#include "domain/rejection.h"

struct yyjson_val;

/* "an array", "a number", …: what a value is, for the words of a rejection. */
const char *activity_json_kind(struct yyjson_val *value);

/* Where a value that becomes metadata, or a part of it, stands. */
struct activity_json_place {
    const char *pointer; /* to the value, in what a client sent */
    unsigned level;      /* in the metadata, whose object itself is the first */
    unsigned depth_max;  /* of the metadata */
};

/* Appends a value of any kind; what can be wrong with it as below. */
MUST_USE enum status activity_json_write_value(struct yyjson_val *value,
                                               const struct activity_json_place *place,
                                               struct buffer *out_text,
                                               struct rejection *rejection);

/* INVALID: faults are in `rejection` (not an object, too deep, a key twice, NUL in a key).
 * TOO_LARGE: beyond the maximum of `out_text`. NO_MEMORY. */
MUST_USE enum status activity_json_write_metadata(struct yyjson_val *value, unsigned depth_max,
                                                  struct buffer *out_text,
                                                  struct rejection *rejection);
