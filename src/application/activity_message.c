#include "application/activity_message.h"

#include "base/crc32c.h"
#include "base/timestamp.h"

#include <inttypes.h>
#include <stdio.h>

static const struct activity_rules widest_rules = {
    .user_id_code_points_max = USER_ID_BYTES_MAX,
    .action_code_points_max = ACTION_BYTES_MAX,
    .metadata_bytes_max = 1 << 20, /* as the setting metadata-bytes, which stores rely on */
    .metadata_depth_max = ACTIVITY_JSON_DEPTH_MAX,
    .timestamp_ahead_ms_max = INT64_MAX,
};

enum status activity_message_reader_init(struct activity_message_reader *reader)
{
    enum status status =
        activity_json_reader_init(&reader->json, &widest_rules, ACTIVITY_MESSAGE_BYTES_MAX);
    if (status == STATUS_OK) {
        reader->json.takes_received_at = true;
        reader->foreign = false;
    }
    return status;
}

void activity_message_reader_deinit(struct activity_message_reader *reader)
{
    activity_json_reader_deinit(&reader->json);
}

static int64_t within_limits(int64_t time_ms)
{
    if (time_ms < TIMESTAMP_MS_MIN) {
        return TIMESTAMP_MS_MIN;
    }
    return time_ms > TIMESTAMP_MS_MAX ? TIMESTAMP_MS_MAX : time_ms;
}

/* "<topic>-<partition>-<offset>-<time>". The names that Kafka allows use the alphabet of ids only,
 * but may have 249 characters, and the three numbers take up to 47 of the 128. So of a name beyond
 * 81 the first 72 stand for it, a colon, which no name has, and the CRC32C of the whole name. */
static struct str make_id(const struct activity_message_place *place, int64_t time_ms,
                          struct arena *arena)
{
    enum { TOPIC_WHOLE_MAX = 81, TOPIC_CUT = 72 };
    char id[ACTIVITY_ID_BYTES_MAX + 1];
    char check[16] = "";
    struct str topic = place->topic;
    if (topic.len > TOPIC_WHOLE_MAX) {
        snprintf(check, sizeof check, ":%08" PRIx32, crc32c(topic.data, topic.len));
        topic.len = TOPIC_CUT;
    }
    int len = snprintf(id, sizeof id, "%.*s%s-%" PRId32 "-%" PRId64 "-%" PRId64, STR_FORMAT(topic),
                       check, place->position.partition, place->position.offset, time_ms);
    return arena_copy_str(arena, (struct str){.data = id, .len = (size_t)len});
}

/* The same each time a message is read, as long as the time is one that can be. */
static int64_t received_at(const struct activity_draft *draft,
                           const struct activity_message_place *place)
{
    int64_t latest_ms = place->now_ms + ACTIVITY_MESSAGE_AHEAD_MS_MAX;
    int64_t logged_at_ms = within_limits(place->logged_at_ms);
    if (draft->has_received_at && draft->activity.received_at_ms <= latest_ms) {
        return draft->activity.received_at_ms;
    }
    return logged_at_ms <= latest_ms ? logged_at_ms : within_limits(place->now_ms);
}

static enum status complete(const struct activity_draft *draft,
                            const struct activity_message_place *place, struct arena *arena,
                            struct activity *out_activity)
{
    int64_t logged_at_ms = within_limits(place->logged_at_ms);
    struct activity activity = draft->activity;
    if (activity.id.data == NULL) {
        activity.id = make_id(place, logged_at_ms, arena);
    }
    if (activity.id.data == NULL) {
        return STATUS_NO_MEMORY;
    }
    if (!draft->has_timestamp) {
        activity.timestamp_ms = logged_at_ms;
    }
    activity.received_at_ms = received_at(draft, place);
    *out_activity = activity;
    return STATUS_OK;
}

enum status activity_message_read(struct activity_message_reader *reader,
                                  const struct activity_message_text *text,
                                  const struct activity_message_place *place,
                                  struct activity *out_activity, struct rejection *rejection)
{
    const struct activity_json_text json = {
        .data = text->data, .len = text->len, .arena = text->arena};
    struct activity_draft draft;
    enum status status = activity_json_read(&reader->json, &json, &draft, rejection);
    if (status != STATUS_OK) {
        return status;
    }
    reader->foreign = !draft.has_received_at;
    return complete(&draft, place, text->arena, out_activity);
}

struct str activity_message_tell(const struct rejection *rejection, struct arena *arena)
{
    char text[REJECTION_FAULTS_MAX * (REJECTION_POINTER_BYTES + REJECTION_DETAIL_BYTES + 4)];
    size_t len = 0;
    for (size_t i = 0; i < rejection->count; i++) {
        const struct rejection_fault *fault = &rejection->faults[i];
        int added = snprintf(text + len, sizeof text - len, "%s%s%s%s", i == 0 ? "" : "; ",
                             fault->pointer, fault->pointer[0] == '\0' ? "" : " ", fault->detail);
        len += (size_t)added;
    }
    return arena_copy_str(arena, (struct str){.data = text, .len = len});
}

void activity_message_append(struct buffer *buffer, const struct activity *activity)
{
    char received_at[TIMESTAMP_TEXT_BYTES];
    timestamp_format(activity->received_at_ms, received_at);
    activity_json_append_start(buffer, activity);
    buffer_append_literal(buffer, ",\"receivedAt\":\"");
    buffer_append(buffer, received_at, sizeof received_at);
    buffer_append_literal(buffer, "\",\"metadata\":");
    buffer_append_str(buffer, activity->metadata);
    buffer_append_char(buffer, '}');
}

/* Beyond this no escaping brings it: one byte becomes six at most. */
static uint64_t bytes_at_most(const struct activity *activity)
{
    enum { FRAME_BYTES_MAX = 256, ESCAPED_BYTES_MAX = 6 };
    return FRAME_BYTES_MAX + activity->id.len + activity->user_id.len +
           ESCAPED_BYTES_MAX * (uint64_t)(activity->user_id.len + activity->action.len) +
           activity->metadata.len;
}

/* Near the limit nothing but the message itself tells. */
enum status activity_message_check_size(const struct activity *activity, uint64_t bytes_max)
{
    struct buffer buffer;
    if (bytes_at_most(activity) <= bytes_max) {
        return STATUS_OK;
    }
    buffer_init(&buffer, bytes_max);
    buffer_append_str(&buffer, activity->user_id);
    activity_message_append(&buffer, activity);
    enum status status = buffer.failed;
    buffer_deinit(&buffer);
    return status;
}
