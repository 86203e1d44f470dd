#include "interfaces/api/api_cloud_event.h"

#include "application/cloud_event.h"
#include "application/derived_id.h"
#include "base/base64url.h"
#include "base/json_text.h"
#include "base/utf8.h"
#include "interfaces/api/api_query_string.h"

bool api_cloud_event_is_binary(const struct api_fields *fields)
{
    static const struct str required[] = {
        {"ce-specversion", 14}, {"ce-id", 5}, {"ce-source", 9}, {"ce-type", 7}};
    const struct http_header *header;
    size_t at = 0;
    while ((header = api_fields_next(fields, API_FIELD_CE, &at)) != NULL) {
        for (size_t i = 0; i < ARRAY_LENGTH(required); i++) {
            if (str_equal_ignoring_case(header->name, required[i])) {
                return true;
            }
        }
    }
    return false;
}

/* Reading ----------------------------------------------------------------------------------- */

static struct activity_json_text text_of(const struct api_item_reader *reader, char *data,
                                         size_t len)
{
    return (struct activity_json_text){
        .data = data,
        .len = len,
        .now_ms = (int64_t)(reader->now_ns / NANOSECONDS_PER_MILLISECOND),
        .arena = reader->arena,
    };
}

static enum status read_event(const struct api_item_reader *reader,
                              const struct activity_json_text *text,
                              const struct activity_json_text *data,
                              struct activity_draft *out_draft, struct rejection *rejection)
{
    struct cloud_event event;
    enum status status = cloud_event_read(&reader->loop->reader, text, data, &event, rejection);
    if (status != STATUS_OK) {
        return status;
    }
    char *id_text = arena_allocate(reader->arena, UUID_TEXT_BYTES);
    if (id_text == NULL) {
        return STATUS_NO_MEMORY;
    }
    status = derived_id_of_event(api_item_hash(reader), event.source, event.id, id_text);
    if (status == STATUS_OK) {
        *out_draft = event.draft;
        out_draft->activity.id = (struct str){id_text, UUID_TEXT_BYTES};
    }
    return status;
}

enum status api_cloud_event_read(const struct api_item_reader *reader, char *text, size_t len,
                                 struct activity_draft *out_draft, struct rejection *rejection)
{
    const struct activity_json_text json = text_of(reader, text, len);
    return read_event(reader, &json, NULL, out_draft, rejection);
}

/* Attributes in the header ------------------------------------------------------------------ */

/* The header as the JSON text of an event. */
struct gathering {
    const struct api_item_reader *reader;
    struct buffer *json;
    struct rejection *rejection;
    bool no_memory;
};

/* A value may stand in quotes, within which a backslash precedes any character (HTTP protocol
 * binding, section 3.1.3.2). The rest is in the arena; {NULL, 0}: it has none left. */
static struct str unquote(struct str value, struct arena *arena)
{
    if (value.len < 2 || value.data[0] != '"' || value.data[value.len - 1] != '"') {
        return value;
    }
    char *plain = arena_allocate(arena, value.len);
    size_t len = 0;
    for (size_t at = 1; plain != NULL && at + 1 < value.len; at++) {
        at += value.data[at] == '\\' && at + 2 < value.len;
        plain[len++] = value.data[at];
    }
    return (struct str){plain, len};
}

static void append_name(struct buffer *json, struct str name)
{
    if (json->len > 1) {
        buffer_append_char(json, ',');
    }
    json_text_append_string(json, name);
    buffer_append_char(json, ':');
}

static void append_member(struct buffer *json, struct str name, struct str value)
{
    append_name(json, name);
    json_text_append_string(json, value);
}

static void gather_attribute(struct gathering *gathering, struct str name, struct str value)
{
    struct arena *arena = gathering->reader->arena;
    struct str decoded = {0};
    struct str plain = unquote(value, arena);
    enum status status =
        plain.data == NULL ? STATUS_NO_MEMORY : api_percent_decode(plain, false, arena, &decoded);
    if (status == STATUS_NO_MEMORY) {
        gathering->no_memory = true;
    } else if (status == STATUS_OK) {
        append_member(gathering->json, name, decoded);
    } else {
        rejection_add_member(gathering->rejection, "", name,
                             "must be UTF-8 without U+0000, with %% and two hexadecimal digits for "
                             "each byte that a header does not take");
    }
}

/* Names of fields have no case, those of attributes are lower case. */
static void gather_field(struct gathering *gathering, const struct http_header *header)
{
    size_t prefix_len = api_field_name(API_FIELD_CE).len;
    struct str tail = {header->name.data + prefix_len, header->name.len - prefix_len};
    char *name = arena_allocate(gathering->reader->arena, tail.len);
    if (name == NULL) {
        gathering->no_memory = true;
        return;
    }
    for (size_t i = 0; i < tail.len; i++) {
        bool upper = tail.data[i] >= 'A' && tail.data[i] <= 'Z';
        name[i] = (char)(tail.data[i] + (upper ? 'a' - 'A' : 0));
    }
    struct str lower = {name, tail.len};
    if (str_equal(lower, STR("data")) || str_equal(lower, STR("datacontenttype"))) {
        rejection_add_member(gathering->rejection, "", lower,
                             "is no field of the header; data is the body and its type the "
                             "Content-Type");
    } else {
        gather_attribute(gathering, lower, header->value);
    }
}

static bool ends_with(struct str s, struct str end)
{
    return s.len >= end.len &&
           str_equal_ignoring_case((struct str){s.data + s.len - end.len, end.len}, end);
}

/* By its type alone, so that events of one kind do not differ by what happens to be in them. */
static bool is_text(struct str type)
{
    struct str media = str_trim(str_split(&type, ';'));
    struct str tree = str_split(&media, '/');
    return str_equal_ignoring_case(tree, STR("text")) ||
           str_equal_ignoring_case(media, STR("xml")) || ends_with(media, STR("+xml"));
}

/* Data that is not JSON becomes a string: text that is UTF-8 as it is, everything else base64. */
static void gather_data(struct gathering *gathering, struct str body, struct str type)
{
    size_t code_points;
    if (is_text(type) && utf8_count(body, &code_points)) {
        append_member(gathering->json, STR("data"), body);
        return;
    }
    append_name(gathering->json, STR("data_base64"));
    buffer_append_char(gathering->json, '"');
    base64_encode(body.data, body.len, gathering->json);
    buffer_append_char(gathering->json, '"');
}

static void gather_type(struct gathering *gathering, struct str type)
{
    size_t code_points;
    if (utf8_count(type, &code_points)) {
        append_member(gathering->json, STR("datacontenttype"), type);
    } else {
        rejection_add(gathering->rejection, "/datacontenttype", "must be UTF-8");
    }
}

static void gather(struct gathering *gathering, struct str body_as_string)
{
    const struct api_fields *fields = &gathering->reader->fields;
    struct str type = api_fields_first(fields, API_FIELD_CONTENT_TYPE);
    const struct http_header *header;
    size_t at = 0;
    buffer_clear(gathering->json);
    buffer_append_char(gathering->json, '{');
    while ((header = api_fields_next(fields, API_FIELD_CE, &at)) != NULL) {
        gather_field(gathering, header);
    }
    if (type.data != NULL) {
        gather_type(gathering, type);
    }
    if (body_as_string.len > 0) {
        gather_data(gathering, body_as_string, type);
    }
    buffer_append_char(gathering->json, '}');
}

/* What was gathered, with the padding that its reader wants, for as long as the request. */
static char *keep(const struct gathering *gathering)
{
    struct buffer *json = gathering->json;
    char *text = arena_allocate(gathering->reader->arena, json->len + ACTIVITY_JSON_PADDING_BYTES);
    if (text != NULL) {
        memcpy(text, json->data, json->len);
        memset(text + json->len, 0, ACTIVITY_JSON_PADDING_BYTES);
    }
    return text;
}

static bool body_is_json(const struct api_fields *fields)
{
    struct str type = api_fields_first(fields, API_FIELD_CONTENT_TYPE);
    return type.data == NULL || cloud_event_is_json(type);
}

enum status api_cloud_event_read_binary(const struct api_item_reader *reader, char *text,
                                        size_t len, struct activity_draft *out_draft,
                                        struct rejection *rejection)
{
    size_t bytes_max = reader->loop->api->config.activity_bytes_max;
    bool beside = len > 0 && body_is_json(&reader->fields);
    if (len > bytes_max) { /* before anything is made of it */
        rejection_add(rejection, "", "data may have at most %zu bytes, this has %zu", bytes_max,
                      len);
        return STATUS_TOO_LARGE;
    }
    struct gathering gathering = {reader, &reader->loop->answer, rejection, false};
    gather(&gathering, beside ? (struct str){0} : (struct str){text, len});
    if (gathering.no_memory || gathering.json->failed != STATUS_OK) {
        return STATUS_NO_MEMORY;
    }
    if (rejection->count > 0) {
        return STATUS_INVALID;
    }
    char *event = keep(&gathering);
    if (event == NULL) {
        return STATUS_NO_MEMORY;
    }
    const struct activity_json_text attributes = text_of(reader, event, gathering.json->len);
    const struct activity_json_text data = text_of(reader, text, len);
    return read_event(reader, &attributes, beside ? &data : NULL, out_draft, rejection);
}
