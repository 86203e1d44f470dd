#pragma once
/*
 * The request line (RFC 9112 section 3): method, target, version. Any thread.
 */
#include "interfaces/http/http_fault.h"
#include "interfaces/http/http_message.h"

#include <stdbool.h>

enum { HTTP_METHOD_BYTES_MAX = 32 }; /* a longer token is no method of anybody's */

struct http_request_line {
    enum http_method method;
    struct str token; /* the method as sent */
    struct str path;
    struct str query;
    size_t target_len;
    bool http_1_0;
};

/* `line` is without its CRLF; the slices point into it, or to a literal. A fault of framing says
 * why in *out_reason. */
enum http_fault http_request_line_parse(struct str line, struct http_request_line *out_line,
                                        const char **out_reason);

/* Whether what has come of a line can still become a request line. */
bool http_request_line_may_begin(struct str part);

/* `host [":" port]` as in Host and in an absolute target: a name, an IPv4 or a bracketed IPv6
 * address, not empty. */
bool http_authority_is_valid(struct str authority);

/* A token (RFC 9110 section 5.6.2), as methods and field names are. */
bool http_token_is_valid(struct str token);
