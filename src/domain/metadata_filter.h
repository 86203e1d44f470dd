#pragma once
/*
 * Conditions on members of metadata: a path and the values that it may have. Of several values for
 * one path one must be there; of several paths, each.
 *
 * Paths are those of metadata_walk.h.
 *
 * A value is a text, and is there as a string with just this content, as a number of the same value
 * if the text is a JSON number (exactly: base/json_number.h), and as true, false or null if it is
 * that word. An absent member is not null. Any thread.
 */
#include "base/error.h"
#include "base/json_number.h"
#include "base/str.h"
#include "domain/metadata_walk.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    METADATA_PATHS_MAX = 8,
    METADATA_VALUE_BYTES_MAX = 1024, /* of one value */
    METADATA_VALUES_MAX = 64         /* of all paths */
};

struct metadata_value {
    struct str text; /* borrowed */
    size_t path;     /* which one it is for */
    bool is_number;
    struct json_number number; /* if so */
};

/* Zeros are no conditions. */
struct metadata_filter {
    struct metadata_path paths[METADATA_PATHS_MAX];
    size_t path_count;
    struct metadata_value values[METADATA_VALUES_MAX]; /* each at most once for its path */
    size_t value_count;
};

/* NULL is one without conditions. */
static inline size_t metadata_filter_value_count(const struct metadata_filter *filter)
{
    return filter == NULL ? 0 : filter->value_count;
}

/* Adds a condition. Both are UTF-8; the value is borrowed, the path is not. INVALID: `err` names
 * the path and says what to write; the filter is as it was. */
MUST_USE enum status metadata_filter_add(struct metadata_filter *filter, struct str path,
                                         struct str value, struct error *err);

/* Whether all conditions hold for a JSON object without white space, as activities have it. One
 * walk through it for each path. A text that is no JSON matches or not, and is not left. */
bool metadata_filter_matches(const struct metadata_filter *filter, struct str metadata);

/* Whether one value of any path is there, likewise; for filters that say what is excluded. */
bool metadata_filter_finds_any(const struct metadata_filter *filter, struct str metadata);
