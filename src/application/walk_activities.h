#pragma once
/*
 * All activities that match, page by page in bounded memory, whatever their number. Each page is
 * asked for by itself, behind the last row that was seen, so a walk holds nothing in the store;
 * what comes or goes meanwhile behind its place is seen as it is then. One thread at a time, never
 * an event loop's.
 */
#include "domain/activity_store.h"

struct walk_activities {
    struct activity_store *store;
    struct activity_page_request request; /* of the next page; its limit and its deadline may be
                                             changed between two pages */
    struct activity_key place;            /* the last row that was seen */
    char place_id[ACTIVITY_ID_BYTES_MAX];
    bool ended;
};

/* The store and what the filter points to are borrowed. */
void walk_activities_init(struct walk_activities *walk, struct activity_store *store,
                          const struct activity_page_request *request);

/* Rows live in `arena`; there are none at the end. Statuses as activity_store_find. */
MUST_USE enum status walk_activities_next(struct walk_activities *walk, struct arena *arena,
                                          struct activity_page *out_page, struct error *err);
