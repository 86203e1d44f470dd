#include "application/activity_json.h"

#include "application/activity_json_metadata.h"
#include "application/activity_json_parse.h"
#include "base/assert.h"
#include "base/json_text.h"
#include "base/timestamp.h"

#include <stdlib.h>
#include <yyjson.h>

enum status activity_json_reader_init(struct activity_json_reader *reader,
                                      const struct activity_rules *rules, size_t activity_bytes_max)
{
    ASSERT(rules->metadata_depth_max <= ACTIVITY_JSON_DEPTH_MAX);
    void *pool = malloc(ACTIVITY_JSON_POOL_BYTES);
    if (pool == NULL) {
        return STATUS_NO_MEMORY;
    }
    *reader = (struct activity_json_reader){
        .rules = rules,
        .activity_bytes_max = activity_bytes_max,
        .pool = pool,
    };
    buffer_init(&reader->metadata, rules->metadata_bytes_max);
    return STATUS_OK;
}

void activity_json_reader_deinit(struct activity_json_reader *reader)
{
    buffer_deinit(&reader->metadata);
    free(reader->pool);
    reader->pool = NULL;
}

/* One reading of one activity: what the member functions below share. */
struct reading {
    struct activity_json_reader *reader;
    int64_t now_ms;
    struct arena *arena;
    struct activity_draft draft;
    struct rejection *rejection;
    bool no_memory;
};

typedef void member_function(struct reading *reading, yyjson_val *value);

static bool expect_string(struct reading *reading, const char *pointer, yyjson_val *value)
{
    if (yyjson_is_str(value)) {
        return true;
    }
    rejection_add(reading->rejection, pointer, "must be a string, not %s",
                  activity_json_kind(value));
    return false;
}

static struct str string_of(yyjson_val *value)
{
    return (struct str){.data = yyjson_get_str(value), .len = yyjson_get_len(value)};
}

static void read_id(struct reading *reading, yyjson_val *value)
{
    if (expect_string(reading, "/id", value) &&
        activity_rules_check_id(string_of(value), reading->rejection)) {
        reading->draft.activity.id = string_of(value);
    }
}

static void read_user_id(struct reading *reading, yyjson_val *value)
{
    if (expect_string(reading, "/userId", value) &&
        activity_rules_check_user_id(reading->reader->rules, string_of(value),
                                     reading->rejection)) {
        reading->draft.activity.user_id = string_of(value);
    }
}

static void read_action(struct reading *reading, yyjson_val *value)
{
    if (expect_string(reading, "/action", value) &&
        activity_rules_check_action(reading->reader->rules, string_of(value), reading->rejection)) {
        reading->draft.activity.action = string_of(value);
    }
}

static void read_timestamp(struct reading *reading, yyjson_val *value)
{
    if (expect_string(reading, "/timestamp", value)) {
        reading->draft.has_timestamp = activity_rules_check_timestamp(
            reading->reader->rules, string_of(value), reading->now_ms,
            &reading->draft.activity.timestamp_ms, reading->rejection);
    }
}

static void read_received_at(struct reading *reading, yyjson_val *value)
{
    if (!expect_string(reading, "/receivedAt", value)) {
        return;
    }
    reading->draft.has_received_at =
        timestamp_parse(string_of(value), &reading->draft.activity.received_at_ms);
    if (!reading->draft.has_received_at) {
        rejection_add(reading->rejection, "/receivedAt",
                      "must be an RFC 3339 date-time with an offset between the years 1970 and "
                      "9999");
    }
}

static void read_metadata(struct reading *reading, yyjson_val *value)
{
    struct buffer *text = &reading->reader->metadata;
    buffer_clear(text);
    enum status status = activity_json_write_metadata(
        value, reading->reader->rules->metadata_depth_max, text, reading->rejection);
    if (status == STATUS_TOO_LARGE) {
        rejection_add(reading->rejection, "/metadata",
                      "must have at most %zu bytes as compact JSON",
                      reading->reader->rules->metadata_bytes_max);
    } else if (status == STATUS_OK) {
        reading->draft.activity.metadata = arena_copy_str(reading->arena, buffer_str(text));
    }
    reading->no_memory = reading->no_memory || status == STATUS_NO_MEMORY ||
                         (status == STATUS_OK && reading->draft.activity.metadata.data == NULL);
}

struct member {
    struct str name;
    member_function *read;
};

static const struct member members[] = {
    {{"userId", 6}, read_user_id},
    {{"action", 6}, read_action},
    {{"timestamp", 9}, read_timestamp},
    {{"metadata", 8}, read_metadata},
    {{"id", 2}, read_id},
    {{"receivedAt", 10}, read_received_at}, /* the last one, which not every reader knows */
};

/* `count` when it is none of the members that this reader knows. */
static size_t find_member(struct str name, size_t count)
{
    size_t index = 0;
    while (index < count && !str_equal(members[index].name, name)) {
        index++;
    }
    return index;
}

static void read_members(struct reading *reading, yyjson_val *object)
{
    bool seen[ARRAY_LENGTH(members)] = {false};
    size_t known = ARRAY_LENGTH(members) - (reading->reader->takes_received_at ? 0 : 1);
    yyjson_obj_iter members_left;
    yyjson_obj_iter_init(object, &members_left);
    for (yyjson_val *key; (key = yyjson_obj_iter_next(&members_left)) != NULL;) {
        size_t index = find_member(string_of(key), known);
        if (index == known) {
            rejection_add_member(reading->rejection, "", string_of(key),
                                 "is not a member of an activity; put it into metadata");
        } else if (seen[index]) {
            rejection_add_member(reading->rejection, "", string_of(key), "appears more than once");
        } else {
            seen[index] = true;
            members[index].read(reading, yyjson_obj_iter_get_val(key));
        }
    }
    if (!seen[0]) {
        rejection_add(reading->rejection, "/userId", "is required");
    }
    if (!seen[1]) {
        rejection_add(reading->rejection, "/action", "is required");
    }
}

static void read_document(struct reading *reading, yyjson_val *root)
{
    if (!yyjson_is_obj(root)) {
        rejection_add(reading->rejection, "", "an activity must be a JSON object, not %s",
                      yyjson_is_raw(root) ? "a number" : yyjson_get_type_desc(root));
        return;
    }
    read_members(reading, root);
}

enum status activity_json_read(struct activity_json_reader *reader,
                               const struct activity_json_text *text,
                               struct activity_draft *out_draft, struct rejection *rejection)
{
    yyjson_doc *document = NULL;
    enum status status = activity_json_check_size(reader, text->len, rejection);
    if (status == STATUS_OK) {
        status = activity_json_parse(
            &(struct activity_json_source){text->data, text->len, "", reader->pool}, &document,
            rejection);
    }
    if (status != STATUS_OK) {
        return status;
    }
    size_t faults_before = rejection->count;
    struct reading reading = {
        .reader = reader,
        .now_ms = text->now_ms,
        .arena = text->arena,
        .draft.activity.metadata = STR("{}"),
        .rejection = rejection,
    };
    read_document(&reading, yyjson_doc_get_root(document));
    yyjson_doc_free(document);
    if (reading.no_memory) {
        return STATUS_NO_MEMORY;
    }
    if (rejection->count != faults_before) {
        return STATUS_INVALID;
    }
    *out_draft = reading.draft;
    return STATUS_OK;
}

void activity_json_append_start(struct buffer *buffer, const struct activity *activity)
{
    char timestamp[TIMESTAMP_TEXT_BYTES];
    timestamp_format(activity->timestamp_ms, timestamp);
    buffer_append_literal(buffer, "{\"id\":\"");
    buffer_append_str(buffer, activity->id); /* its characters need no escape */
    buffer_append_literal(buffer, "\",\"userId\":");
    json_text_append_string(buffer, activity->user_id);
    buffer_append_literal(buffer, ",\"action\":");
    json_text_append_string(buffer, activity->action);
    buffer_append_literal(buffer, ",\"timestamp\":\"");
    buffer_append(buffer, timestamp, sizeof timestamp);
    buffer_append_char(buffer, '"');
}

void activity_json_append(struct buffer *buffer, const struct activity *activity)
{
    activity_json_append_start(buffer, activity);
    buffer_append_literal(buffer, ",\"metadata\":");
    buffer_append_str(buffer, activity->metadata);
    buffer_append_char(buffer, '}');
}
