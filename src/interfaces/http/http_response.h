#pragma once
/*
 * An answer as bytes: status line, fields, body. Any thread.
 */
#include "base/buffer.h"
#include "interfaces/http/http_message.h"

#include <stdint.h>

enum http_persistence {
    HTTP_PERSISTENCE_DEFAULT, /* of HTTP/1.1: the connection stays, nothing is said */
    HTTP_PERSISTENCE_KEEP,    /* said to a client of HTTP/1.0 that asked for it */
    HTTP_PERSISTENCE_CLOSE
};

enum http_body_framing {
    HTTP_BODY_WHOLE,   /* with its length */
    HTTP_BODY_CHUNKED, /* what follows the head comes in chunks */
    HTTP_BODY_TO_CLOSE /* or ends with the connection */
};

struct http_response_frame {
    struct str date; /* IMF-fixdate */
    enum http_persistence persistence;
    enum http_body_framing framing;
    bool without_body; /* the answer to HEAD: all fields, no body */
};

enum { HTTP_DATE_BYTES = 29 }; /* "Sun, 06 Nov 1994 08:49:37 GMT" */

/* As many bytes as it has at most, for who makes room first. */
size_t http_response_bytes_max(const struct http_response *response,
                               const struct http_response_frame *frame);

/* A field with a control character in its value is left out: nothing may forge a line. */
void http_response_render(const struct http_response *response,
                          const struct http_response_frame *frame, struct buffer *out_bytes);

/* Writes exactly HTTP_DATE_BYTES characters (RFC 9110 section 5.6.7). */
void http_date_format(uint64_t wall_ns, char out_text[HTTP_DATE_BYTES]);
