#include "domain/activity.h"

bool activity_same_content(const struct activity *a, const struct activity *b,
                           bool compare_timestamp)
{
    return str_equal(a->user_id, b->user_id) && str_equal(a->action, b->action) &&
           (!compare_timestamp || a->timestamp_ms == b->timestamp_ms) &&
           str_equal(a->metadata, b->metadata);
}
