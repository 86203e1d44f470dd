#pragma once
/*
 * The header Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07): a string of structured
 * fields (RFC 9651 section 3.3.3), by which a client calls a request so that it may send it again.
 * Loop thread only.
 */
#include "base/error.h"
#include "base/macros.h"
#include "interfaces/api/api_fields.h"

struct arena;

enum { API_RETRY_KEY_BYTES_MAX = 255 }; /* of the string, without quotes and escapes */

/* The string in the arena; {NULL, 0} when there is no such header. INVALID: `err` says why.
 * NO_MEMORY. */
MUST_USE enum status api_retry_key_read(const struct api_fields *fields, struct arena *arena,
                                        struct str *out_key, struct error *err);
