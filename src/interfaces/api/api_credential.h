#pragma once
/*
 * How a client shows its key: `Authorization: Bearer KEY` (RFC 6750), or Basic with the key as the
 * password and any user name (RFC 7617); viewers as `?token=`, too, since a link has no fields. Any
 * thread.
 */
#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>

enum { API_CREDENTIAL_BYTES_MAX = 2048 }; /* the token of the longest user fits */

/* What the field shows, which the request must have once ({NULL, 0} otherwise); it lies in the
 * field or in `scratch`. False: nothing can be read there. */
bool api_credential_read(struct str authorization, char scratch[API_CREDENTIAL_BYTES_MAX],
                         struct str *out_credential);

/* The value of `token` in a raw query; {NULL, 0}: there is none. */
struct str api_credential_token(struct str query);

/* The query without any `token`, in `arena`; {NULL, 0} when nothing is left. False: no memory. */
bool api_credential_without_token(struct str query, struct arena *arena, struct str *out_query);
