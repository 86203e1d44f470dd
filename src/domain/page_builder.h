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
    PAGE_BUILDER_ROOM, /* there is room for the row in *out_slot */
    PAGE_BUILDER_FULL, /* the page is complete without it */
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

/* Asks for a place for the next row, whose texts the caller then copies into the arena. The row
 * counts once page_builder_add was called. */
enum page_builder_answer page_builder_place(struct page_builder *builder,
                                            const struct activity *row, struct activity **out_slot);
void page_builder_add(struct page_builder *builder);
