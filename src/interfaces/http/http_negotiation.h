#pragma once
/*
 * What a request says about the answer that it wants (RFC 9110 sections 12.5.3 and 13.1.2). Any
 * thread.
 */
#include "base/str.h"

/* Whether a body may be sent as gzip: the field names gzip (or "*") with a weight above 0. Without
 * the field nothing is said, so it may not. */
bool http_accepts_gzip(struct str accept_encoding);

/* Whether the value of If-None-Match names this tag, by weak comparison; "*" names every tag. False
 * without the field. */
bool http_etag_matches(struct str if_none_match, struct str etag);
