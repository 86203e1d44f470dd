#pragma once
/*
 * Links for viewers: who may read a user's activities lets somebody else read them for a while.
 * Loop thread only.
 */
#include "interfaces/api/api_private.h"

enum { API_LINK_BODY_BYTES_MAX = 1024 };

/* The header is complete: bounds the body. */
void api_link_begin(const struct api_call *call);

/* POST of {"expiresIn": seconds}, or of nothing for an hour. */
void api_link_post(const struct api_call *call);

/* How long the link shall last; false: the text says something else. */
bool api_link_read_seconds(struct str body, uint64_t *out_seconds);
