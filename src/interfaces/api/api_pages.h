#pragma once
/*
 * An answer of any size in bounded memory. One page at a time is read and rendered on a pool thread
 * and then given to the network; the next one is read when the client has taken it. So an answer
 * holds one page, and a client that is slow holds nobody else.
 *
 * What fails before anything was sent is answered as a problem; behind that the answer ends without
 * the mark of a complete one. Loop thread, except where it says otherwise.
 */
#include "interfaces/api/api_private.h"

struct api_pages;

/* Reads the next page, on a pool thread: renders it into `text`, or leaves a status and words; says
 * with the last one that it has ended. */
typedef void api_pages_function(struct api_pages *pages);

struct api_pages_kind {
    size_t bytes;          /* of the structure that embeds the pages */
    size_t text_bytes_max; /* of a page as it is rendered */
    api_pages_function *read;
};

/* Embedded first in the answer of each kind; the exchange's data until it is freed. */
struct api_pages {
    const struct api_pages_kind *kind;
    const struct api_config *config;
    struct arena question;     /* what is asked, until the end */
    struct str query;          /* raw, there; {NULL, 0} without one */
    struct http_response head; /* content type and headers, static */

    struct arena rows;    /* of the page that is read, emptied behind it */
    uint64_t deadline_ns; /* of it, on the monotonic clock */
    struct buffer text;   /* the page */
    bool ended;
    enum status status;
    struct error err;

    bool begun;     /* the answer has a head; for `read`: the first page was sent */
    bool working;   /* a page is being read, by a thread that has this */
    size_t written; /* of the text */
};

/* The structure that embeds the pages comes zeroed; `kind` is static. NULL: there is no memory, and
 * the call is answered so. */
struct api_pages *api_pages_new(const struct api_call *call, const struct api_pages_kind *kind);
void api_pages_free(struct api_pages *pages); /* takes NULL */
CLEANUP_FUNCTION(struct api_pages *, api_pages_free)

/* Sets the answer going; takes the pages. `read` is what came of reading the request: anything but
 * OK is answered at once, in the words of their `err`. */
void api_pages_start(const struct api_call *call, struct api_pages *pages, enum status read);
