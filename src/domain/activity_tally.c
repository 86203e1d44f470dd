#include "domain/activity_tally.h"

#include "base/assert.h"
#include "base/timestamp.h"

static const char *const names[GROUPING_COUNT] = {
    [GROUP_BY_ACTION] = "action",     [GROUP_BY_USER] = "user",     [GROUP_BY_HOUR] = "hour",
    [GROUP_BY_DAY] = "day",           [GROUP_BY_MINUTE] = "minute", [GROUP_BY_TIME] = "time",
    [GROUP_BY_METADATA] = "metadata",
};

const char *activity_grouping_name(enum activity_grouping grouping)
{
    ASSERT(grouping < GROUPING_COUNT);
    return names[grouping];
}

bool activity_grouping_parse(struct str text, enum activity_grouping *out_grouping)
{
    for (int i = 0; i < GROUPING_COUNT; i++) {
        if (str_equal(text, str_from(names[i]))) {
            *out_grouping = (enum activity_grouping)i;
            return true;
        }
    }
    return false;
}

int64_t activity_tally_interval_ms(const struct activity_tally_request *request)
{
    ASSERT(activity_grouping_is_by_time(request->grouping));
    switch (request->grouping) {
    case GROUP_BY_MINUTE:
        return MS_PER_MINUTE;
    case GROUP_BY_HOUR:
        return MS_PER_HOUR;
    case GROUP_BY_DAY:
        return MS_PER_DAY;
    default:
        return request->interval_ms;
    }
}

int64_t activity_interval_start_ms(int64_t interval_ms, int64_t timestamp_ms)
{
    int64_t since_ms = timestamp_ms % interval_ms;
    return timestamp_ms - since_ms - (since_ms < 0 ? interval_ms : 0);
}

bool activity_group_comes_first(const struct activity_group *a, const struct activity_group *b)
{
    if (a->name.data == NULL) {
        return a->start_ms < b->start_ms;
    }
    return a->count != b->count ? a->count > b->count : str_compare(a->name, b->name) < 0;
}
