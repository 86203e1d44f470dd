#pragma once
/*
 * Answers what one user did, in short: when first and last, how often, which actions, and in which
 * sessions. A session is a stretch of activities with less than half an hour between two of them.
 *
 * All of it comes from counts in groups, finally by the millisecond, a bounded number of activities
 * at once: no row is kept and no metadata is read, so that the cost is that of the user's rows in
 * the indexes, and memory does not grow with them. What arrives meanwhile may be in one count and
 * not yet in another. Any thread but an event loop's.
 */
#include "base/buffer.h"
#include "domain/activity_store.h"

enum {
    SUMMARY_SESSION_GAP_MINUTES = 30,
    SUMMARY_SESSIONS_DEFAULT = 10,
    SUMMARY_SESSIONS_MAX = 1000, /* in one answer */
    SUMMARY_ACTIONS_MAX = 100    /* likewise; the most frequent ones */
};

struct summarize_user_config {
    struct activity_store *store; /* borrowed */
    unsigned deadline_ms;         /* for one question, from when it was asked */
    size_t window_activities;     /* timestamps in memory at once; 0: the default */
};

struct summarize_user {
    struct summarize_user_config config;
};

struct summarize_user_question {
    struct str user_id;
    size_t limit;      /* sessions, 1..SUMMARY_SESSIONS_MAX */
    struct str cursor; /* {NULL, 0}: from the latest session */
    uint64_t asked_ns; /* on the monotonic clock; waiting for its turn is part of its time */
};

struct user_session {
    int64_t begin_ms; /* its first activity */
    int64_t end_ms;   /* its last one */
    uint64_t activities;
};

struct user_summary {
    int64_t first_seen_ms;
    int64_t last_seen_ms;
    uint64_t activities;
    struct activity_tally actions;
    uint64_t session_count;        /* in all */
    struct user_session *sessions; /* the latest first, behind the cursor */
    size_t sessions_shown;
    struct buffer next_cursor; /* empty at the end; the caller's, initialised by it */
};

void summarize_user_init(struct summarize_user *summarizer,
                         const struct summarize_user_config *config);

/* NOT_FOUND: there is no activity of this user. INVALID: the cursor does not fit, with a sentence
 * for the client. TIMED_OUT, UNAVAILABLE, NO_MEMORY, TOO_LARGE as the store says. Everything lives
 * in `arena`. */
MUST_USE enum status summarize_user_run(const struct summarize_user *summarizer,
                                        const struct summarize_user_question *question,
                                        struct arena *arena, struct user_summary *out_summary,
                                        struct error *err);
