#pragma once
/*
 * Answers how many activities there are in groups. Any thread but an event loop's, since a store
 * may read from disk.
 */
#include "application/count_grouping.h"
#include "base/buffer.h"
#include "domain/activity_store.h"

enum {
    COUNT_LIMIT_DEFAULT = 100,
    COUNT_LIMIT_MAX = 10000,
    COUNT_GROUPS_MAX = 1000000 /* held in memory for one question */
};

struct count_activities_config {
    struct activity_store *store; /* borrowed */
    unsigned deadline_ms;         /* for one question, from when it was asked */
};

struct count_activities {
    struct count_activities_config config;
};

struct count_activities_question {
    struct activity_filter filter;
    struct count_grouping grouping; /* checked */
    size_t limit;                   /* groups, 1..COUNT_LIMIT_MAX */
    uint64_t asked_ns; /* on the monotonic clock; waiting for its turn is part of its time */
};

void count_activities_init(struct count_activities *counter,
                           const struct count_activities_config *config);

/* TOO_LARGE: there are more than COUNT_GROUPS_MAX groups, with a sentence for the client.
 * TIMED_OUT, UNAVAILABLE, NO_MEMORY as the store says. Groups live in `arena`. */
MUST_USE enum status count_activities_in_groups(const struct count_activities *counter,
                                                const struct count_activities_question *question,
                                                struct arena *arena,
                                                struct activity_tally *out_tally,
                                                struct error *err);

/* {"key":"login","count":12}; the key of an hour or day is the time when it began. */
void count_activities_append_json(struct buffer *json, const struct activity_group *group);
