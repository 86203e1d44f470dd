#pragma once
/*
 * What the transport understands of a request and what it needs of an answer. Everything a request
 * holds lives in its exchange's memory until the exchange is answered. Loop thread only.
 */
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum http_method {
    HTTP_METHOD_GET,
    HTTP_METHOD_HEAD,
    HTTP_METHOD_POST,
    HTTP_METHOD_OPTIONS,
    HTTP_METHOD_DELETE,
    HTTP_METHOD_PUT,
    HTTP_METHOD_PATCH,
    HTTP_METHOD_OTHER /* any other token: answered 405 */
};

/* "GET"; "_OTHER", as OpenTelemetry has it, for what has no name here. Static. */
struct str http_method_name(enum http_method method);

struct http_header {
    struct str name;  /* as sent; compare without case */
    struct str value; /* without surrounding white space */
};

struct http_request {
    enum http_method method;
    struct str path;  /* raw, before "?"; begins with "/" ("*" for OPTIONS *) */
    struct str query; /* raw, behind "?"; {NULL, 0} without one */
    const struct http_header *headers;
    size_t header_count;
    bool has_body; /* Content-Length or Transfer-Encoding was sent */
    char *body;    /* may be written to; 16 zero bytes follow it; NULL before it is complete */
    size_t body_len;
};

/* The value of the first header of that name, {NULL, 0} when there is none. */
struct str http_request_header(const struct http_request *request, struct str name);

struct http_response {
    int status;
    struct str content_type; /* {NULL, 0}: no body, no Content-Type */
    struct str body;         /* copied; left out by the transport for HEAD, Content-Length stays */
    const struct http_header *headers; /* further ones; the transport adds Date, Content-Length,
                                          Connection itself */
    size_t header_count;
    bool close; /* close the connection behind this answer */
};
