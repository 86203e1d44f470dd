#include "domain/activity.h"

bool activity_same_content(const struct activity *a, const struct activity *b,
                           bool compare_timestamp)
{
    return str_equal(a->user_id, b->user_id) && str_equal(a->action, b->action) &&
           (!compare_timestamp || a->timestamp_ms == b->timestamp_ms) &&
           str_equal(a->metadata, b->metadata);
}

static bool time_was_filled_in(const struct activity *activity)
{
    return activity->timestamp_ms == activity->received_at_ms;
}

bool activity_is_repetition(const struct activity *stored, const struct activity *arrived)
{
    bool compare_timestamp = !time_was_filled_in(stored) && !time_was_filled_in(arrived);
    return activity_same_content(stored, arrived, compare_timestamp);
}
