#pragma once
/*
 * How many activities match, counted in groups: for each action, user, stretch of time or value at
 * a path of metadata one number. Any thread.
 */
#include "base/arena.h"
#include "domain/activity_filter.h"

enum activity_grouping {
    GROUP_BY_ACTION,
    GROUP_BY_USER,
    GROUP_BY_HOUR,
    GROUP_BY_DAY,
    GROUP_BY_MINUTE,
    GROUP_BY_TIME,     /* stretches of any length */
    GROUP_BY_METADATA, /* each value at a path, as metadata_leaf_text writes it, once a row */
    GROUPING_COUNT
};

struct activity_tally_request {
    struct activity_filter filter;
    enum activity_grouping grouping;
    int64_t interval_ms;              /* of GROUP_BY_TIME, >= 1; stretches begin at its multiples */
    const struct metadata_path *path; /* of GROUP_BY_METADATA; borrowed */
    size_t limit;                     /* groups in the answer, >= 1 */
    size_t groups_max;    /* groups that may be counted at once, >= 1; they take memory */
    uint64_t deadline_ns; /* of the monotonic clock; 0: none */
};

struct activity_group {
    struct str name;  /* the action, user or value; {NULL, 0} for a stretch of time */
    int64_t start_ms; /* of the stretch in UTC; 0 for a name */
    uint64_t count;   /* >= 1 */
};

/* Names with the largest count first, and of equal ones by their bytes; stretches of time oldest
 * first. */
struct activity_tally {
    struct activity_group *groups; /* in the arena that the caller gave, as their names are */
    size_t count;
    bool more; /* there are groups behind the last one */
};

static inline bool activity_grouping_is_by_time(enum activity_grouping grouping)
{
    return grouping >= GROUP_BY_HOUR && grouping <= GROUP_BY_TIME;
}

/* "action", "user", "hour", "day", "minute", "time", "metadata". Static. */
const char *activity_grouping_name(enum activity_grouping grouping);

/* False when the text names none. */
bool activity_grouping_parse(struct str text, enum activity_grouping *out_grouping);

/* How long the stretches of a request by time are. */
int64_t activity_tally_interval_ms(const struct activity_tally_request *request);

/* When the stretch of the time began, counted from 1970 in UTC; below 1970, too. */
int64_t activity_interval_start_ms(int64_t interval_ms, int64_t timestamp_ms);

/* Whether `a` comes before `b` in the order of a tally. */
bool activity_group_comes_first(const struct activity_group *a, const struct activity_group *b);
