#pragma once
/*
 * The JSON notation of activities: read from requests and files, written into answers. Reading is
 * strict (unknown members, wrong types, duplicate keys, malformed text are told by member) and
 * happens in place: strings are unescaped inside the text they came in, so the slices of what was
 * read point into it. Parser: yyjson, which refuses malformed UTF-8 and lone surrogates.
 *
 * A reader belongs to one thread at a time.
 */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "domain/activity.h"
#include "domain/activity_rules.h"
#include "domain/rejection.h"

#include <stdbool.h>

enum {
    ACTIVITY_JSON_PADDING_BYTES = 16, /* must follow a text: zeros, or the rest of its array */
    ACTIVITY_JSON_DEPTH_MAX = 256     /* the most that metadata_depth_max may be set to */
};

/* What a client sent; the members it left out are filled in when the activity is recorded. */
struct activity_draft {
    struct activity activity; /* id.data is NULL when none was sent */
    bool has_timestamp;
    bool has_received_at; /* only where the reader lets it stand in the text */
};

struct activity_json_reader {
    const struct activity_rules *rules;
    size_t activity_bytes_max; /* of the JSON text of one activity */
    bool takes_received_at; /* off at first: a client does not say when this service accepted it */
    struct buffer metadata; /* the metadata being written */
    void *pool;             /* parser memory for ordinary activities */
};

/* `rules` is borrowed. NO_MEMORY. */
MUST_USE enum status activity_json_reader_init(struct activity_json_reader *reader,
                                               const struct activity_rules *rules,
                                               size_t activity_bytes_max);
void activity_json_reader_deinit(struct activity_json_reader *reader);

/* The text of one activity and what reading it needs. */
struct activity_json_text {
    char *data; /* overwritten; ACTIVITY_JSON_PADDING_BYTES must follow it */
    size_t len; /* bytes */
    int64_t now_ms;
    struct arena *arena; /* what the draft points into besides `data` */
};

/* Reads one activity. The draft's slices live as long as the text and the arena. INVALID or
 * TOO_LARGE: every fault found is in `rejection`. NO_MEMORY. */
MUST_USE enum status activity_json_read(struct activity_json_reader *reader,
                                        const struct activity_json_text *text,
                                        struct activity_draft *out_draft,
                                        struct rejection *rejection);

/* The items of a JSON array, found one by one without parsing the whole. Lives on the stack. */
struct activity_json_array {
    char *text;
    size_t len;
    size_t next;  /* offset of what follows the last item */
    size_t count; /* items found so far */
};

/* True when the first character that is not white space is "[". */
bool activity_json_is_array(const char *text, size_t len);

void activity_json_array_init(struct activity_json_array *array, char *text, size_t len);

/* Finds the next item. NOT_FOUND: the array is complete and nothing but white space follows it.
 * INVALID: this is no JSON array, `err` says at which byte. An item that is found has balanced
 * brackets and quotes; whether it is JSON is found when it is read. */
MUST_USE enum status activity_json_array_next(struct activity_json_array *array, char **out_item,
                                              size_t *out_len, struct error *err);

/* Appends {"id","userId","action","timestamp" and leaves the object open. */
void activity_json_append_start(struct buffer *buffer, const struct activity *activity);

/* Appends {"id","userId","action","timestamp","metadata"}, the shape of every answer. */
void activity_json_append(struct buffer *buffer, const struct activity *activity);
