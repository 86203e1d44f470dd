#pragma once
/*
 * Decodes the content coding of one body (RFC 9110 section 8.4) piece by piece: gzip with any
 * number of members (RFC 1952), deflate in zlib's format (RFC 1950) or bare (RFC 1951), as some
 * clients send it, and zstd with windows of at most 8 MiB (RFC 8878 section 3.1.1.1.2). Its memory
 * is charged to the bound that bodies share. Loop thread only.
 */
#include "base/macros.h"
#include "base/memory_budget.h"
#include "base/status.h"
#include "interfaces/http/http_coding.h"

#include <stdbool.h>
#include <stddef.h>

struct http_decoder;

/* `ratio_max`: how many times its own size a body may become once it is larger than a few reads.
 * NO_MEMORY; BUSY: the bound is reached. */
MUST_USE enum status http_decoder_new(enum http_coding coding, unsigned ratio_max,
                                      struct memory_budget *memory,
                                      struct http_decoder **out_decoder);

/* Decodes from `in` into `out` until one of them is used up; when it is `out`, more may come
 * without any further input. Both counts are set also on failure. INVALID: this is not the coding
 * that was named. TOO_LARGE: it passes the ratio. BUSY, NO_MEMORY as above. */
struct http_decoder_step {
    const char *in;
    size_t in_len;
    char *out;
    size_t out_len;
    size_t used;    /* of `in`; set by the step */
    size_t written; /* to `out`; set by the step */
};

MUST_USE enum status http_decoder_step(struct http_decoder *decoder,
                                       struct http_decoder_step *step);

/* Whether what came so far is complete. */
bool http_decoder_at_end(const struct http_decoder *decoder);

/* Takes NULL. */
void http_decoder_free(struct http_decoder *decoder);
