#pragma once
/*
 * Links for viewers (application/viewer_links.h) that are signed with a secret:
 *
 *     utl_<base64url of: version 1 | expires at, seconds since 1970, 8 | user id | HMAC-SHA-256 32>
 *
 * The HMAC is over all that stands before it, with a key that is derived from the secret for this
 * purpose only. Numbers are in network order. Every process with the same secret takes the links
 * of the others; with another secret all links that were made end.
 */
#include "application/viewer_links.h"
#include "base/error.h"
#include "base/random.h"

enum { VIEWER_SECRET_BYTES_MIN = 32, VIEWER_SECRET_BYTES_MAX = 4096 };

/* With the secret in the file, without white space around it, for so many readers. INVALID: others
 * may read the file, or it is too short or too long. NOT_FOUND, UNAVAILABLE, NO_MEMORY. */
MUST_USE enum status viewer_link_hmac_new(const char *path, unsigned readers,
                                          struct viewer_links **out_links, struct error *err);

/* Makes a file with a random secret, for nobody else to read, unless there is one. UNAVAILABLE,
 * NO_SPACE. */
MUST_USE enum status viewer_link_make_secret(const char *path, const struct random *random,
                                             struct error *err);

/* Takes NULL. Nobody reads any more. */
void viewer_link_hmac_free(struct viewer_links *links);
CLEANUP_FUNCTION(struct viewer_links *, viewer_link_hmac_free)
