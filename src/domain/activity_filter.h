#pragma once
/*
 * Which activities somebody asks for. All conditions must hold; of several users or actions one
 * must match; an empty list matches everything. Slices and arrays are borrowed. Any thread.
 */
#include "base/macros.h"
#include "base/status.h"
#include "domain/activity.h"
#include "domain/metadata_filter.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FILTER_USERS_MAX = 64, FILTER_ACTIONS_MAX = 64 };

struct activity_filter {
    const struct str *user_ids; /* at most FILTER_USERS_MAX, each once */
    size_t user_id_count;
    const struct str *actions; /* at most FILTER_ACTIONS_MAX, each once */
    size_t action_count;
    int64_t from_ms;                        /* inclusive; TIMESTAMP_MS_MIN when open */
    int64_t to_ms;                          /* exclusive; TIMESTAMP_MS_MAX + 1 when open */
    const struct metadata_filter *metadata; /* NULL: whatever it is */
};

/* Adds a user or an action to a list that has room for `max`, unless it is there; TOO_LARGE. The
 * text is borrowed. */
MUST_USE enum status activity_filter_add(struct str *list, size_t max, size_t *count,
                                         struct str value);

/* Everything. */
struct activity_filter activity_filter_all(void);

bool activity_filter_matches(const struct activity_filter *filter, const struct activity *activity);

/* Whether the metadata of each row must be looked at: no index and no sum knows it. */
static inline bool activity_filter_asks_metadata(const struct activity_filter *filter)
{
    return filter->metadata != NULL && filter->metadata->value_count > 0;
}

/* What is left to be checked of a row when everything else matches. */
static inline bool activity_filter_matches_metadata(const struct activity_filter *filter,
                                                    struct str metadata)
{
    return !activity_filter_asks_metadata(filter) ||
           metadata_filter_matches(filter->metadata, metadata);
}

/* The same for the same conditions in any order of users, actions and metadata, and stable over
 * processes and releases: a cursor carries it to be used with its own filter only. 64-bit FNV-1a,
 * summed over the values of a list. */
uint64_t activity_filter_hash(const struct activity_filter *filter);
