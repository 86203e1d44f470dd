#pragma once
/*
 * What activities are counted by, as people name it. Any thread.
 */
#include "base/error.h"
#include "domain/activity_tally.h"

/* The choices, for people. */
#define COUNT_GROUPINGS "action, user, minute, hour, day, time (with interval) or metadata.<path>"

struct count_grouping {
    enum activity_grouping kind; /* GROUPING_COUNT: none was named */
    struct metadata_path path;   /* of GROUP_BY_METADATA */
    int64_t interval_ms;         /* of GROUP_BY_TIME; 0: none was named */
    struct str text;             /* as it was named, borrowed */
};

/* "hour" or "metadata.cart.coupon", but no interval. INVALID: `err` says what there is. */
MUST_USE enum status count_grouping_read(struct str text, struct count_grouping *grouping,
                                         struct error *err);

/* "90s", "15m", "6h" or "7d", at most a thousand years. INVALID: `err` says what to write. */
MUST_USE enum status count_grouping_read_interval(struct str text, struct count_grouping *grouping,
                                                  struct error *err);

/* When all was read: whether there is a grouping, and an interval just where one is needed. */
MUST_USE enum status count_grouping_check(const struct count_grouping *grouping, struct error *err);
