#include "domain/activity.h"

#include "base/macros.h"

bool activity_copy(struct arena *arena, const struct activity *from, struct activity *out_copy)
{
    struct activity copy = *from;
    char *next = arena_allocate(arena, activity_text_bytes(from));
    if (next == NULL) {
        return false;
    }
    struct str *texts[] = {&copy.id, &copy.user_id, &copy.action, &copy.metadata, &copy.trace};
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        if (texts[i]->len > 0) {
            memcpy(next, texts[i]->data, texts[i]->len);
        }
        texts[i]->data = next;
        next += texts[i]->len;
    }
    *out_copy = copy;
    return true;
}

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
