#pragma once
/*
 * The rules about header fields that decide where a request ends and whom it is for (RFC 9112
 * sections 3.2, 6 and 7). The parser library checks some of them; what is decisive for request
 * smuggling is checked here as well, on the fields as the handlers see them. Any thread.
 */
#include "interfaces/http/http_fault.h"
#include "interfaces/http/http_message.h"

#include <stdbool.h>
#include <stdint.h>

struct http_framing {
    bool has_content_length;
    bool chunked;
    bool expects_continue;
    uint64_t content_length; /* 0 without one */
};

/* A fault of framing says why in *out_reason. */
enum http_fault http_framing_read(const struct http_request *request, bool http_1_0,
                                  struct http_framing *out_framing, const char **out_reason);
