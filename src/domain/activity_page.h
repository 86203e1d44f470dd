#pragma once
/*
 * A page of activities in the order of their keys, and the cursor that leads to the next one.
 *
 * A cursor names the last row that was seen (keyset paging), so it stays right while activities
 * come and go. Its text is base64url of:
 *
 *     version 1 | order 1 | filter hash 8 | timestamp 8 | id 1..128 | CRC-32C 4
 *
 * in bytes, little-endian. It is not secret and not signed: it can only ask what its holder could
 * ask anyway; the checksum catches typing errors and cut texts. One thread at a time.
 */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "domain/activity.h"
#include "domain/activity_filter.h"
#include "domain/activity_rules.h"

enum activity_order { ORDER_NEWEST_FIRST, ORDER_OLDEST_FIRST };

struct activity_page_request {
    struct activity_filter filter;
    enum activity_order order;
    size_t limit; /* rows, >= 1 */
    size_t skip;  /* rows passed over first, for page numbers */
    const struct activity_key
        *after;           /* only rows behind this one in the order; NULL: from the start */
    size_t bytes_max;     /* stop before the texts of the rows pass this; the first row
                             always comes */
    uint64_t deadline_ns; /* of the monotonic clock; 0: none */
};

struct activity_page {
    struct activity *rows; /* in the arena that the caller gave */
    size_t count;
    bool more;      /* there are matching rows behind the last one */
    bool cut_short; /* bytes_max ended the page before the limit did */
};

struct activity_cursor {
    enum activity_order order;
    uint64_t filter_hash;
    int64_t timestamp_ms;
    size_t id_len;
    char id[ACTIVITY_ID_BYTES_MAX];
};

void activity_cursor_encode(const struct activity_cursor *cursor, struct buffer *out_text);

/* INVALID with a sentence for the client when the text is no cursor. */
MUST_USE enum status activity_cursor_decode(struct str text, struct activity_cursor *out_cursor,
                                            struct error *err);
