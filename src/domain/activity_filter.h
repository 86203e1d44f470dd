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

enum { FILTER_NAMES_MAX = 64 };

/* Users or actions, each once; at most FILTER_NAMES_MAX in a filter. */
struct name_list {
    const struct str *items;
    size_t count;
};

/* Activities of one of these users, with one of these actions, or with one of these values in their
 * metadata. Where a path leads to nothing, no value is: such activities are not excluded. */
struct activity_exclusions {
    struct name_list user_ids;
    struct name_list actions;
    const struct metadata_filter *metadata; /* NULL: none by metadata */
};

struct activity_filter {
    struct name_list user_ids;
    struct name_list actions;
    int64_t from_ms;                        /* inclusive; TIMESTAMP_MS_MIN when open */
    int64_t to_ms;                          /* exclusive; TIMESTAMP_MS_MAX + 1 when open */
    const struct metadata_filter *metadata; /* NULL: whatever it is */
    struct activity_exclusions excluded;
};

/* Whether the name is one of the list, compared byte by byte. */
bool name_list_has(const struct name_list *list, struct str name);

/* Adds a name unless it is there; the items are in `room` from then on, which has place for `max`.
 * TOO_LARGE. The text is borrowed. */
MUST_USE enum status name_list_add(struct name_list *list, struct str *room, size_t max,
                                   struct str name);

/* What one member of a row must be: any name, one of some, or none of some. */
enum name_sense { ANY_NAME, ONE_OF, NONE_OF };

/* What a filter says of one member, as one condition. */
struct name_choice {
    enum name_sense sense;
    struct str names[FILTER_NAMES_MAX];
    size_t count; /* 0 with ONE_OF: nothing matches */
};

/* What is excluded is taken off the names that are wanted, and counts by itself where none is. */
void name_choice_make(const struct name_list *wanted, const struct name_list *excluded,
                      struct name_choice *out_choice);

/* What a choice means where only `known` of its names occur at all. */
enum name_sense name_choice_sense(const struct name_choice *choice, size_t known);

/* Everything. */
struct activity_filter activity_filter_all(void);

bool activity_filter_matches(const struct activity_filter *filter, const struct activity *activity);

/* Whether anything depends on the action of a row. */
static inline bool activity_filter_asks_actions(const struct activity_filter *filter)
{
    return filter->actions.count > 0 || filter->excluded.actions.count > 0;
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
