#pragma once
/*
 * The body of one request while it arrives: one run of bytes with zeros behind it, as the JSON
 * reader wants it. It grows with what has really come, not with what Content-Length promises, and
 * all bodies of a server share one bound. Loop thread only; the bound is shared by all loops.
 */
#include "base/macros.h"
#include "base/memory_budget.h"
#include "base/status.h"

#include <stddef.h>

enum { HTTP_BODY_PADDING = 16 };

struct http_body {
    struct memory_budget *memory;
    char *data;
    size_t len;
    size_t capacity; /* without the padding */
    size_t charged;  /* bytes of the shared bound that this body holds */
};

void http_body_init(struct http_body *body, struct memory_budget *memory);

/* Empties it and gives its share back; keeps a small run of memory for the next request. */
void http_body_reset(struct http_body *body);
void http_body_deinit(struct http_body *body);

/* BUSY: the shared bound is reached; NO_MEMORY. `expected` is how long the body may become, as far
 * as is known. */
MUST_USE enum status http_body_append(struct http_body *body, const char *data, size_t len,
                                      size_t expected);

/* Puts the zeros behind the bytes; also an empty body gets them. */
MUST_USE enum status http_body_finish(struct http_body *body);
