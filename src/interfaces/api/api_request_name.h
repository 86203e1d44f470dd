#pragma once
/*
 * What requests are called, so that what a client saw can be found in the log: by the client's own
 * X-Request-Id where that is well formed, else by a name that is made here, and told in the answer
 * either way. A request that has ended has a line in the log at level debug, one that failed for a
 * fault of the service at level error: with its method, the template of its route, status, time and
 * name, and neither path nor query, in which users and keys stand. Loop thread only.
 */
#include "base/random.h"
#include "base/str.h"
#include "interfaces/http/http_message.h"

#include <stdbool.h>
#include <stdint.h>

struct api_call;
struct http_exchange;

enum { REQUEST_NAME_BYTES_MAX = 128, REQUEST_NAMES_FRONT_BYTES = 16 };

/* Of one loop: digits that nobody else has in front, and how many names there were. */
struct api_request_names {
    char front[REQUEST_NAMES_FRONT_BYTES];
    uint64_t count;
};

void api_request_names_init(struct api_request_names *names, const struct random *random);

/* 1 to REQUEST_NAME_BYTES_MAX letters, digits and -._:+/=@ of ASCII. */
bool api_request_name_is_valid(struct str name);

/* Gives the exchange its name. */
void api_request_name(const struct api_call *call);

/* "GET"; "other" for what has no name here. Static. */
struct str api_request_method(enum http_method method);

/* As in struct http_handler. */
void api_request_answered(void *context, const struct http_exchange *exchange, int status);
