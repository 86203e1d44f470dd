#pragma once
/*
 * Errors as clients see them: application/problem+json (RFC 9457), with `message` (the detail
 * again) for older clients and `errors[{pointer, detail}]` for members of an activity. Any thread.
 */
#include "base/buffer.h"
#include "base/str.h"
#include "domain/rejection.h"

struct http_exchange;

struct http_problem {
    int status;
    const char *type;   /* slug: "invalid-activity" is answered as "/problems/invalid-activity" */
    const char *title;  /* the same words for the same type */
    const char *detail; /* what happened here and what to do */
    const struct rejection *rejection; /* NULL: no errors member */
    unsigned retry_after_s;            /* 0: no Retry-After header */
    struct str members; /* further members as JSON text without braces, appended last: "\"a\":1";
                           {NULL, 0}: none */
    bool close;         /* close the connection behind this answer */
};

/* The JSON document alone, as items of a batch answer hold it, too. */
void http_problem_append(const struct http_problem *problem, struct buffer *out_json);

/* Answers the exchange with the problem; `allow` fills the Allow header, NULL: none. Without memory
 * for its words the status and the headers say what there is to say. */
void http_problem_respond(struct http_exchange *exchange, const struct http_problem *problem,
                          const char *allow);
