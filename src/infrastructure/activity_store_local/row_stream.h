#pragma once
/*
 * The rows of one head or one part that match a request, one by one in its order: what the walk
 * over a snapshot merges. One thread at a time.
 */
#include "domain/page_builder.h"
#include "infrastructure/activity_store_local/part_cursor.h"
#include "infrastructure/activity_store_local/snapshot.h"

/* What all streams of a walk have in common; borrowed. */
struct row_stream_request {
    const struct activity_page_request *page;
    const struct clock *clock;
};

struct row_stream {
    const struct row_stream_request *request;
    int64_t bound_ms; /* no row of it comes before this time in the order; to begin late */
    bool begun;
    struct activity_key key; /* of the row it stands at */

    struct head *head;  /* or NULL */
    struct arena arena; /* of the rows fetched from the head */
    struct activity_page fetched;
    size_t at; /* in them */
    char last_id[ACTIVITY_ID_BYTES_MAX];

    const struct snapshot_part *part; /* or NULL */
    struct part_view *view;
    struct hidden_users *hidden; /* those whom the cursor passes over; NULL: those of `part` only */
    struct part_cursor *cursor;
};

void row_stream_init_head(struct row_stream *stream, const struct row_stream_request *request,
                          struct head *head);

/* False when the part can have no row that matches. */
bool row_stream_init_part(struct row_stream *stream, const struct row_stream_request *request,
                          const struct snapshot_part *part);
void row_stream_deinit(struct row_stream *stream);

/* Goes to the next row; the first call goes to the first one. NOT_FOUND (and `err` as it was) at
 * the end. TIMED_OUT, NO_MEMORY, CORRUPT, what the disk says. */
MUST_USE enum status row_stream_next(struct row_stream *stream, struct error *err);

/* Puts the row it stands at on the page; `out_full` when the page has no room for it. */
MUST_USE enum status row_stream_take(struct row_stream *stream, struct page_builder *builder,
                                     bool *out_full, struct error *err);
