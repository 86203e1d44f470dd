#pragma once
/*
 * Fills a page with the rows that match a request, as they come in its order: passes over those
 * that are skipped, and knows when the page is full. For stores. One thread at a time.
 */
#include "domain/activity_page.h"

struct page_builder {
    const struct activity_page_request *request;
    struct arena *arena; /* of rows and texts */
    struct activity_page page;
    size_t capacity;  /* of page.rows */
    size_t skip_left; /* matching rows still to be passed over */
    size_t bytes;     /* of the rows so far */
};

enum page_builder_answer {
    PAGE_BUILDER_TAKEN,
    PAGE_BUILDER_FULL, /* the page is complete without the row */
    PAGE_BUILDER_NO_MEMORY
};

void page_builder_init(struct page_builder *builder, const struct activity_page_request *request,
                       struct arena *arena);

/* Whether the next matching row is passed over; then it counts as passed. */
static inline bool page_builder_skips(struct page_builder *builder)
{
    if (builder->skip_left == 0) {
        return false;
    }
    builder->skip_left--;
    return true;
}

/* Whether the page has all the rows that were asked for; asked when another one is there. */
static inline bool page_builder_is_complete(struct page_builder *builder)
{
    if (builder->page.count < builder->request->limit) {
        return false;
    }
    builder->page.more = true;
    return true;
}

/* Puts a copy of the next row on the page, its texts into the arena. */
enum page_builder_answer page_builder_take(struct page_builder *builder,
                                           const struct activity *row);
