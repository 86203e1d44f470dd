#pragma once
/*
 * Token buckets of keys and addresses, and what clients are told of them: the fields RateLimit and
 * RateLimit-Policy as in draft-ietf-httpapi-ratelimit-headers-10 (lists of structured fields, RFC
 * 9651), and Retry-After with a 429. Part of api_access. Loop thread only.
 */
#include "interfaces/api/api_access.h"

/* Take one from the bucket of the client's address, or of the caller's key; false: there is none,
 * and the call is answered. */
bool api_limits_enter_address(const struct api_call *call, struct api_caller *caller,
                              uint64_t now_ns);
bool api_limits_enter_key(const struct api_call *call, struct api_caller *caller, uint64_t now_ns);

/* Puts what was taken, and by which limit, into the fields of whichever answer comes; without
 * limits nothing. */
void api_limits_tell(struct http_exchange *exchange, struct api_caller *caller);
