#pragma once
/*
 * What could not be stored, for people: the refused list page by page, newest first. Any thread but
 * an event loop's, since a list may read from disk.
 *
 * A cursor names the last entry that was seen. Its text is base64url of:
 *
 *     'R' | version 1 | refused at 8 | id 1..79 | CRC-32C 4
 *
 * in bytes, little-endian; as secret as that of activity_page.h, which is not at all.
 */
#include "application/refusal_list.h"
#include "base/buffer.h"

enum { LIST_REFUSALS_LIMIT_DEFAULT = 10, LIST_REFUSALS_LIMIT_MAX = 1000 };

struct list_refusals {
    struct refusal_list *list; /* borrowed */
    size_t page_bytes_max;     /* texts of one page; a page may end early, its cursor goes on */
};

struct list_refusals_question {
    size_t limit;      /* 1..LIST_REFUSALS_LIMIT_MAX */
    struct str cursor; /* {NULL, 0}: from the start */
};

struct list_refusals_answer {
    struct refusal_page page;
    struct buffer next_cursor; /* empty at the end; the caller's, initialised by it */
};

/* INVALID: the cursor is none, with a sentence for the client. UNAVAILABLE, NO_MEMORY as the list
 * says. Entries live in `arena`. */
MUST_USE enum status list_refusals_page(const struct list_refusals *lister,
                                        const struct list_refusals_question *question,
                                        struct arena *arena,
                                        struct list_refusals_answer *out_answer, struct error *err);

/* Appends {"id","reason","logId","partition","offset","key","raw","loggedAt","refusedAt"}: what is
 * no UTF-8 becomes "keyBase64" and "rawBase64", what there is none of is null. */
void list_refusals_append_json(struct buffer *buffer, const struct refusal_entry *entry);
