#include "application/count_activities.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/json_text.h"
#include "base/timestamp.h"

void count_activities_init(struct count_activities *counter,
                           const struct count_activities_config *config)
{
    counter->config = *config;
}

enum status count_activities_in_groups(const struct count_activities *counter,
                                       const struct count_activities_question *question,
                                       struct arena *arena, struct activity_tally *out_tally,
                                       struct error *err)
{
    ASSERT(question->limit >= 1 && question->limit <= COUNT_LIMIT_MAX);
    const struct count_activities_config *config = &counter->config;
    const struct activity_tally_request request = {
        .filter = question->filter,
        .grouping = question->grouping.kind,
        .interval_ms = question->grouping.interval_ms,
        .path = &question->grouping.path,
        .limit = question->limit,
        .groups_max = COUNT_GROUPS_MAX,
        .deadline_ns =
            question->asked_ns + (uint64_t)config->deadline_ms * NANOSECONDS_PER_MILLISECOND,
    };
    return activity_store_tally(config->store, &request, arena, out_tally, err);
}

void count_activities_append_json(struct buffer *json, const struct activity_group *group)
{
    buffer_append_literal(json, "{\"key\":");
    if (group->name.data != NULL) {
        json_text_append_string(json, group->name);
    } else {
        char text[TIMESTAMP_TEXT_BYTES];
        timestamp_format(group->start_ms, text);
        buffer_append_format(json, "\"%.*s\"", TIMESTAMP_TEXT_BYTES, text);
    }
    buffer_append_literal(json, ",\"count\":");
    buffer_append_u64(json, group->count);
    buffer_append_char(json, '}');
}
