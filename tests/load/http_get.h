// A blocking GET over one keep-alive connection, for the check. Connects again as long as the
// deadline allows, since a service that was just killed may be starting. One thread at a time.
#pragma once

#include "http_response.h"
#include "options.h"

struct http_getter {
    const struct service_address *service;
    const char *fields;  // of every request, each with its CR LF
    int64_t deadline_ns; // give up connecting after this, by the monotonic clock
    int socket;          // -1 while not connected
    struct http_reader reader;
};

// Ends the program when there is no readable answer before the deadline. The answer's body is valid
// until the next call.
void http_get(struct http_getter *getter, const char *target, struct http_response *out_response);
void http_getter_deinit(struct http_getter *getter);
