#pragma once
/*
 * The sessions of what a filter lets through, the latest first. Asks the store for counts by the
 * millisecond, in windows of time that hold a bounded number of activities: where there are more,
 * coarser counts say where windows end, down to a minute, which has 60,000 milliseconds at most.
 * Any thread but an event loop's.
 */
#include "application/summarize_user.h"

struct session_walk_request {
    struct activity_store *store;  /* borrowed */
    struct activity_filter filter; /* its times are taken for all of time */
    size_t window_activities;      /* >= 1 */
    int64_t gap_ms;       /* two activities with as much between them are in two sessions */
    uint64_t deadline_ns; /* for all of it; 0: none */
};

/* Hears of each session. */
struct session_listener {
    void (*heard)(struct session_listener *listener, const struct user_session *session);
};

/* What the store says. */
MUST_USE enum status session_walk_run(const struct session_walk_request *request,
                                      struct session_listener *listener, struct error *err);
