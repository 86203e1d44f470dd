#pragma once
/*
 * The content codings that a body may come in (RFC 9110 section 8.4.1). Any thread.
 */
#include "base/str.h"

enum http_coding {
    HTTP_CODING_IDENTITY,
    HTTP_CODING_GZIP,
    HTTP_CODING_DEFLATE,
    HTTP_CODING_ZSTD,
    HTTP_CODING_COUNT /* none of these */
};

/* What a client may say in Content-Encoding, for the field Accept-Encoding of a 415. */
#define HTTP_CODINGS_ACCEPTED "gzip, deflate, zstd"

/* By the value of Content-Encoding, {NULL, 0} without one; HTTP_CODING_COUNT: not understood, or
 * several. */
enum http_coding http_coding_read(struct str value);
