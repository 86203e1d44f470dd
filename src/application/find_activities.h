#pragma once
/*
 * The way out: answers questions about activities. Turns cursors and page numbers into the store's
 * requests and back. Any thread but an event loop's, since a store may read from disk.
 */
#include "domain/activity_store.h"

enum {
    FIND_LIMIT_DEFAULT = 10,
    FIND_LIMIT_MAX = 1000,
    FIND_PAGED_ROWS_MAX = 100000 /* page * limit; beyond it only cursors go */
};

struct find_activities_config {
    struct activity_store *store; /* borrowed */
    unsigned deadline_ms;         /* for one question, from when it was asked */
    size_t page_bytes_max;        /* texts of one page; a page may end early, its cursor goes on */
};

struct find_activities {
    struct find_activities_config config;
};

struct find_activities_question {
    struct activity_filter filter;
    enum activity_order order;
    size_t limit;      /* 1..FIND_LIMIT_MAX */
    size_t page;       /* 1.. when asked by number; 0: not asked by number */
    struct str cursor; /* {NULL, 0}: from the start */
    bool counts;       /* all matches, too */
    uint64_t asked_ns; /* on the monotonic clock; waiting for its turn is part of its time */
};

struct find_activities_answer {
    struct activity_page page;
    struct buffer next_cursor; /* empty at the end; the caller's, initialised by it */
    uint64_t count; /* of all matches, wherever the page begins; when the question counts */
};

void find_activities_init(struct find_activities *finder,
                          const struct find_activities_config *config);

/* INVALID: cursor or page do not fit, with a sentence for the client. TOO_LARGE: a page asked for
 * by number does not fit in page_bytes_max. TIMED_OUT, UNAVAILABLE, NO_MEMORY as the store says.
 * Rows live in `arena`. */
MUST_USE enum status find_activities_page(const struct find_activities *finder,
                                          const struct find_activities_question *question,
                                          struct arena *arena,
                                          struct find_activities_answer *out_answer,
                                          struct error *err);

/* NOT_FOUND when there is none. */
MUST_USE enum status find_activities_one(const struct find_activities *finder, struct str id,
                                         struct arena *arena, struct activity *out_activity,
                                         struct error *err);
