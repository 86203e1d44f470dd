#pragma once
/*
 * Which activities somebody asks for. All conditions must hold; of several users or actions one
 * must match; an empty list matches everything. What is excluded never matches, whatever else is
 * asked for. Slices and arrays are borrowed. Any thread.
 */
#include "base/macros.h"
#include "base/status.h"
#include "domain/activity.h"
#include "domain/metadata_filter.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FILTER_USERS_MAX = 64, FILTER_ACTIONS_MAX = 64 };

/* Activities of one of these users, with one of these actions, or with one of these values in their
 * metadata. Where a path leads to nothing, no value is: such activities are not excluded. */
struct activity_exclusions {
    const struct str *user_ids; /* at most FILTER_USERS_MAX, each once */
    size_t user_id_count;
    const struct str *actions; /* at most FILTER_ACTIONS_MAX, each once */
    size_t action_count;
    const struct metadata_filter *metadata; /* NULL: none by metadata */
};

struct activity_filter {
    const struct str *user_ids; /* at most FILTER_USERS_MAX, each once */
    size_t user_id_count;
    const struct str *actions; /* at most FILTER_ACTIONS_MAX, each once */
    size_t action_count;
    int64_t from_ms;                        /* inclusive; TIMESTAMP_MS_MIN when open */
    int64_t to_ms;                          /* exclusive; TIMESTAMP_MS_MAX + 1 when open */
    const struct metadata_filter *metadata; /* NULL: whatever it is */
    struct activity_exclusions excluded;
};

bool activity_filter_lists(const struct str *list, size_t count, struct str value);

/* Adds a user or an action to a list that has room for `max`, unless it is there; TOO_LARGE. The
 * text is borrowed. */
MUST_USE enum status activity_filter_add(struct str *list, size_t max, size_t *count,
                                         struct str value);

/* Everything. */
struct activity_filter activity_filter_all(void);

bool activity_filter_matches(const struct activity_filter *filter, const struct activity *activity);

/* Whether anything depends on the action of a row. */
static inline bool activity_filter_asks_actions(const struct activity_filter *filter)
{
    return filter->action_count > 0 || filter->excluded.action_count > 0;
}

/* How many values are looked for in the metadata of each row, be they asked for or excluded. */
static inline size_t activity_filter_metadata_values(const struct activity_filter *filter)
{
    return metadata_filter_value_count(filter->metadata) +
           metadata_filter_value_count(filter->excluded.metadata);
}

/* Whether the metadata of each row must be looked at: no index and no sum knows it. */
static inline bool activity_filter_asks_metadata(const struct activity_filter *filter)
{
    return activity_filter_metadata_values(filter) > 0;
}

/* What is left to be checked of a row when everything else matches. */
bool activity_filter_matches_metadata(const struct activity_filter *filter, struct str metadata);

/* The same for the same conditions in any order of users, actions and metadata, and stable over
 * processes and releases: a cursor carries it to be used with its own filter only. 64-bit FNV-1a,
 * summed over the values of a list. What is excluded comes last, so that a filter without it has
 * the hash that it had before there were exclusions. */
uint64_t activity_filter_hash(const struct activity_filter *filter);
