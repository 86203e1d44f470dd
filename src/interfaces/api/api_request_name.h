#pragma once
/*
 * What requests are called, so that what a client saw can be found in the log: by the client's own
 * X-Request-Id where that is well formed, else by a name that is made here, and told in the answer
 * either way (api_answered.h). Loop thread only.
 */
#include "base/random.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct api_call;

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
