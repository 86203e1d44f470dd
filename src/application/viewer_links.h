#pragma once
/*
 * The port of links for viewers: tokens that let somebody read one user's own activities for a
 * while, without a key. Nothing is kept of a token: it says itself whose it is and until when, and
 * a signature says that it was made here. Readers as in key_ring.h.
 */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/macros.h"
#include "base/status.h"

#include <stdint.h>

enum { VIEWER_LINK_SECONDS_MAX = 30 * 24 * 60 * 60 };

/* Tokens begin so; keys do not. */
#define VIEWER_LINK_PREFIX "utl_"

struct viewer_link {
    struct str user_id;
    int64_t expires_at_s; /* since 1970 */
};

struct viewer_links;

struct viewer_links_operations {
    enum status (*issue)(struct viewer_links *links, unsigned reader,
                         const struct viewer_link *link, struct buffer *out_token);
    enum status (*check)(struct viewer_links *links, unsigned reader, struct str token,
                         struct arena *arena, struct viewer_link *out_link);
};

/* Embedded first in every adapter. */
struct viewer_links {
    const struct viewer_links_operations *operations;
};

/* Appends the token. NO_MEMORY. */
MUST_USE static inline enum status viewer_links_issue(struct viewer_links *links, unsigned reader,
                                                      const struct viewer_link *link,
                                                      struct buffer *out_token)
{
    return links->operations->issue(links, reader, link, out_token);
}

/* What a token says that was made here, however long ago; its text is in `arena`. NOT_FOUND: it
 * was not. NO_MEMORY. */
MUST_USE static inline enum status viewer_links_check(struct viewer_links *links, unsigned reader,
                                                      struct str token, struct arena *arena,
                                                      struct viewer_link *out_link)
{
    return links->operations->check(links, reader, token, arena, out_link);
}
