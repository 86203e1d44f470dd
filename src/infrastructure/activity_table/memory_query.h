#pragma once
/*
 * Answers out of a memory table, a step at a time: a step looks at a bounded number of rows, so
 * that whoever holds the store's lock can give it up between two steps. A step begins behind the
 * last row that the one before looked at, whatever was added or removed in between.
 */
#include "domain/page_builder.h"
#include "infrastructure/activity_table/memory_table.h"
#include "infrastructure/activity_table/tally_table.h"

enum memory_progress {
    MEMORY_DONE,
    MEMORY_PAUSED, /* call again */
    MEMORY_FULL    /* the arena is used up, or the table of groups is */
};

struct memory_query {
    const struct activity_filter *filter;
    enum activity_order order;
    bool resumed; /* `last` names a row */
    int64_t last_ms;
    size_t last_id_len;
    char last_id[UINT8_MAX];
};

struct memory_page_query {
    struct memory_query query;
    struct page_builder builder;
};

struct memory_count_query {
    struct memory_query query;
    uint64_t count;
};

struct memory_tally_query {
    struct memory_query query;
    struct activity_filter filter; /* whose times begin behind the hours that were counted */
    struct tally_table *into;
    uint32_t next_name; /* whose list is counted next */
    enum status failed; /* why it is MEMORY_FULL: TOO_LARGE, NO_MEMORY */
};

void memory_page_query_init(struct memory_page_query *query,
                            const struct activity_page_request *request, struct arena *arena);

/* builder.page is complete when this says MEMORY_DONE. */
enum memory_progress memory_page_query_step(struct memory_page_query *query,
                                            const struct memory_table *table);

void memory_count_query_init(struct memory_count_query *query,
                             const struct activity_filter *filter);

enum memory_progress memory_count_query_step(struct memory_count_query *query,
                                             const struct memory_table *table);

/* Asks what `into` has as its request; must not move. Rows are looked at only where users and
 * actions are asked for, or excluded, at once, one of them in groups of the other, or metadata;
 * otherwise lists are counted by their places. */
void memory_tally_query_init(struct memory_tally_query *query, struct tally_table *into);

enum memory_progress memory_tally_query_step(struct memory_tally_query *query,
                                             const struct memory_table *table);
