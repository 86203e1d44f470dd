#pragma once
/*
 * How many activities match, counted in groups: for each action, user, hour or day one number.
 * Any thread.
 */
#include "base/arena.h"
#include "domain/activity_filter.h"

enum activity_grouping {
    GROUP_BY_ACTION,
    GROUP_BY_USER,
    GROUP_BY_HOUR,
    GROUP_BY_DAY,
    GROUPING_COUNT
};

/* The choices, for people. */
#define ACTIVITY_GROUPINGS "action, user, hour or day"

struct activity_tally_request {
    struct activity_filter filter;
    enum activity_grouping grouping;
    size_t limit;         /* groups in the answer, >= 1 */
    size_t groups_max;    /* groups that may be counted at once, >= 1; they take memory */
    uint64_t deadline_ns; /* of the monotonic clock; 0: none */
};

struct activity_group {
    struct str name;  /* the action or user; {NULL, 0} for an hour or day */
    int64_t start_ms; /* of the hour or day in UTC; 0 for an action or user */
    uint64_t count;   /* >= 1 */
};

/* Actions and users with the largest count first, and of equal ones by the bytes of their names;
 * hours and days oldest first. */
struct activity_tally {
    struct activity_group *groups; /* in the arena that the caller gave, as their names are */
    size_t count;
    bool more; /* there are groups behind the last one */
};

static inline bool activity_grouping_is_by_time(enum activity_grouping grouping)
{
    return grouping == GROUP_BY_HOUR || grouping == GROUP_BY_DAY;
}

/* "action", "user", "hour", "day". Static. */
const char *activity_grouping_name(enum activity_grouping grouping);

/* False when the text names none. */
bool activity_grouping_parse(struct str text, enum activity_grouping *out_grouping);

/* When the hour or day of the time began, in UTC; below 1970, too. */
int64_t activity_grouping_start_ms(enum activity_grouping grouping, int64_t timestamp_ms);

/* Whether `a` comes before `b` in the order of a tally. */
bool activity_group_comes_first(const struct activity_group *a, const struct activity_group *b);
