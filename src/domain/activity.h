#pragma once
/*
 * One thing that one user did. All texts are well-formed UTF-8 and are borrowed: whoever hands an
 * activity over says how long its slices live. Any thread.
 */
#include "base/arena.h"

#include <stdint.h>

struct activity {
    struct str id;          /* 1..128 of [A-Za-z0-9._:-] */
    struct str user_id;     /* kept to the byte */
    struct str action;      /* kept to the byte */
    struct str metadata;    /* a JSON object without insignificant white space, at least "{}" */
    int64_t timestamp_ms;   /* when the user did it; see base/timestamp.h */
    int64_t received_at_ms; /* when this service accepted it */
    struct str trace;       /* of which trace recording it was a part, packed as trace_context.h
                               says; {NULL, 0}: of none that is known. No part of what the user
                               did: a log carries it to the worker, no store keeps it */
};

/* The place of an activity in the order of all answers: by timestamp, then by the bytes of the id.
 * Ids are unique, so this is a total order. */
struct activity_key {
    int64_t timestamp_ms;
    struct str id;
};

static inline struct activity_key activity_key_of(const struct activity *activity)
{
    return (struct activity_key){.timestamp_ms = activity->timestamp_ms, .id = activity->id};
}

/* Below, equal or above 0. */
static inline int activity_key_compare(struct activity_key a, struct activity_key b)
{
    if (a.timestamp_ms != b.timestamp_ms) {
        return a.timestamp_ms < b.timestamp_ms ? -1 : 1;
    }
    return str_compare(a.id, b.id);
}

/* Of all its texts together. */
static inline size_t activity_text_bytes(const struct activity *activity)
{
    return activity->id.len + activity->user_id.len + activity->action.len +
           activity->metadata.len + activity->trace.len;
}

/* A copy whose texts lie in the arena; false when they do not fit. */
bool activity_copy(struct arena *arena, const struct activity *from, struct activity *out_copy);

/* Same content in everything that a client decides: user, action, metadata and, with
 * `compare_timestamp`, the timestamp (which the server may have filled in). */
bool activity_same_content(const struct activity *a, const struct activity *b,
                           bool compare_timestamp);

/* Whether a client says the same again under an id that is stored. One that repeats an activity
 * without a timestamp gets another one from the server, which makes it no other activity. */
bool activity_is_repetition(const struct activity *stored, const struct activity *arrived);
