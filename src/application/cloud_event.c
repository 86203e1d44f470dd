#include "application/cloud_event.h"

#include "application/activity_json_metadata.h"
#include "application/activity_json_parse.h"
#include "base/base64url.h"

#include <yyjson.h>

/* The member of metadata that keeps what an event says beside its data. */
#define ENVELOPE "cloudevent"

enum attribute {
    SPECVERSION,
    ID,
    SOURCE,
    TYPE,
    SUBJECT,
    TIME,
    DATACONTENTTYPE,
    DATASCHEMA,
    DATA,
    DATA_BASE64,
    ATTRIBUTE_COUNT
};

static const struct str names[ATTRIBUTE_COUNT] = {
    [SPECVERSION] = {"specversion", 11},
    [ID] = {"id", 2},
    [SOURCE] = {"source", 6},
    [TYPE] = {"type", 4},
    [SUBJECT] = {"subject", 7},
    [TIME] = {"time", 4},
    [DATACONTENTTYPE] = {"datacontenttype", 15},
    [DATASCHEMA] = {"dataschema", 10},
    [DATA] = {"data", 4},
    [DATA_BASE64] = {"data_base64", 11},
};

struct extension {
    struct str name;
    yyjson_val *value;
};

/* One reading of one event: first all members are found, then each is looked at. */
struct reading {
    struct activity_json_reader *reader;
    int64_t now_ms;
    yyjson_val *values[ATTRIBUTE_COUNT]; /* NULL: not there */
    struct extension extensions[CLOUD_EVENT_EXTENSIONS_MAX];
    size_t extension_count;
    struct cloud_event event;
    struct rejection *rejection;
};

static struct str string_of(yyjson_val *value)
{
    return (struct str){.data = yyjson_get_str(value), .len = yyjson_get_len(value)};
}

bool cloud_event_is_attribute(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9')) {
            return false;
        }
    }
    return name.len > 0;
}

static bool ends_with(struct str s, struct str end)
{
    return s.len >= end.len &&
           str_equal_ignoring_case((struct str){s.data + s.len - end.len, end.len}, end);
}

bool cloud_event_is_json(struct str content_type)
{
    struct str type = str_trim(str_split(&content_type, ';'));
    return ends_with(type, STR("/json")) || ends_with(type, STR("+json"));
}

/* Members ----------------------------------------------------------------------------------- */

static size_t find_name(struct str name)
{
    size_t index = 0;
    while (index < ATTRIBUTE_COUNT && !str_equal(names[index], name)) {
        index++;
    }
    return index;
}

static bool has_extension(const struct reading *reading, struct str name)
{
    for (size_t i = 0; i < reading->extension_count; i++) {
        if (str_equal(reading->extensions[i].name, name)) {
            return true;
        }
    }
    return false;
}

static void take_extension(struct reading *reading, struct str name, yyjson_val *value)
{
    struct rejection *rejection = reading->rejection;
    if (!cloud_event_is_attribute(name)) {
        rejection_add_member(rejection, "", name,
                             "is not a name of an attribute, which has a to z and 0 to 9 only; put "
                             "it into data");
    } else if (has_extension(reading, name)) {
        rejection_add_member(rejection, "", name, "appears more than once");
    } else if (yyjson_is_ctn(value)) {
        rejection_add_member(rejection, "", name,
                             "must be a string, a number, true or false, not %s",
                             activity_json_kind(value));
    } else if (reading->extension_count < CLOUD_EVENT_EXTENSIONS_MAX) {
        reading->extensions[reading->extension_count++] = (struct extension){name, value};
    } else {
        rejection_add_member(rejection, "", name,
                             "is one attribute too many; %d may stand beside "
                             "those of the specification",
                             CLOUD_EVENT_EXTENSIONS_MAX);
    }
}

/* Ends behind so many faults: there may be many members, and no more are told. */
static void take_members(struct reading *reading, yyjson_val *object)
{
    yyjson_obj_iter left;
    yyjson_obj_iter_init(object, &left);
    for (yyjson_val *key; reading->rejection->count < REJECTION_FAULTS_MAX &&
                          (key = yyjson_obj_iter_next(&left)) != NULL;) {
        yyjson_val *value = yyjson_obj_iter_get_val(key);
        size_t index = find_name(string_of(key));
        if (index == ATTRIBUTE_COUNT) {
            take_extension(reading, string_of(key), value);
        } else if (reading->values[index] != NULL) {
            rejection_add_member(reading->rejection, "", string_of(key), "appears more than once");
        } else {
            reading->values[index] = value;
        }
    }
}

/* Attributes -------------------------------------------------------------------------------- */

static const char *pointer_of(enum attribute attribute, char pointer[REJECTION_POINTER_BYTES])
{
    pointer[0] = '\0';
    rejection_pointer_append(pointer, names[attribute]);
    return pointer;
}

static void reject(struct reading *reading, enum attribute attribute, const char *why)
{
    char pointer[REJECTION_POINTER_BYTES];
    rejection_add(reading->rejection, pointer_of(attribute, pointer), "%s", why);
}

/* An attribute that is null is not there. */
static bool is_there(const struct reading *reading, enum attribute attribute)
{
    yyjson_val *value = reading->values[attribute];
    return value != NULL && !yyjson_is_null(value);
}

/* False when it is there and wrong. */
static bool read_string(struct reading *reading, enum attribute attribute, struct str *out_text)
{
    char pointer[REJECTION_POINTER_BYTES];
    yyjson_val *value = reading->values[attribute];
    *out_text = (struct str){0};
    if (!is_there(reading, attribute)) {
        return true;
    }
    if (!yyjson_is_str(value)) {
        rejection_add(reading->rejection, pointer_of(attribute, pointer),
                      "must be a string, not %s", activity_json_kind(value));
        return false;
    }
    *out_text = string_of(value);
    if (out_text->len == 0) {
        reject(reading, attribute, "must not be empty");
    }
    return out_text->len > 0;
}

/* False when there is no such string, which is told. */
static bool require_string(struct reading *reading, enum attribute attribute, const char *missing,
                           struct str *out_text)
{
    if (!is_there(reading, attribute)) {
        reject(reading, attribute, missing);
        return false;
    }
    return read_string(reading, attribute, out_text);
}

/* The rules of activities name their own members; what they find stands elsewhere in an event. */
static void retell(struct reading *reading, enum attribute attribute,
                   const struct rejection *faults)
{
    for (size_t i = 0; i < faults->count; i++) {
        reject(reading, attribute, faults->faults[i].detail);
    }
}

static void read_version(struct reading *reading)
{
    struct str version;
    if (require_string(reading, SPECVERSION, "is required", &version) &&
        !str_equal(version, STR("1.0"))) {
        reject(reading, SPECVERSION, "must be \"1.0\", the version of CloudEvents known here");
    }
}

static void read_user(struct reading *reading)
{
    struct rejection faults;
    struct str subject;
    rejection_init(&faults);
    if (!require_string(reading, SUBJECT, "is required, since it says which user did this",
                        &subject)) {
        return;
    }
    if (activity_rules_check_user_id(reading->reader->rules, subject, &faults)) {
        reading->event.draft.activity.user_id = subject;
    }
    retell(reading, SUBJECT, &faults);
}

static void read_action(struct reading *reading)
{
    struct rejection faults;
    struct str type;
    rejection_init(&faults);
    if (!require_string(reading, TYPE, "is required", &type)) {
        return;
    }
    if (activity_rules_check_action(reading->reader->rules, type, &faults)) {
        reading->event.draft.activity.action = type;
    }
    retell(reading, TYPE, &faults);
}

static void read_time(struct reading *reading)
{
    struct rejection faults;
    struct str time;
    rejection_init(&faults);
    if (!read_string(reading, TIME, &time) || time.data == NULL) {
        return;
    }
    struct activity_draft *draft = &reading->event.draft;
    draft->has_timestamp = activity_rules_check_timestamp(
        reading->reader->rules, time, reading->now_ms, &draft->activity.timestamp_ms, &faults);
    retell(reading, TIME, &faults);
}

/* Block by block, so that no memory is needed: all but the last have three bytes. */
static bool is_base64(struct str text)
{
    enum { BLOCK_CHARACTERS = 4, BLOCK_BYTES = 3 };
    for (size_t at = 0; at < text.len; at += BLOCK_CHARACTERS) {
        uint8_t bytes[BLOCK_BYTES];
        size_t len = 0;
        if (text.len - at < BLOCK_CHARACTERS ||
            !base64_decode((struct str){text.data + at, BLOCK_CHARACTERS}, bytes, sizeof bytes,
                           &len) ||
            (len < BLOCK_BYTES && at + BLOCK_CHARACTERS < text.len)) {
            return false;
        }
    }
    return true;
}

static void check_base64(struct reading *reading)
{
    yyjson_val *value = reading->values[DATA_BASE64];
    if (!is_there(reading, DATA_BASE64)) {
        return;
    }
    if (reading->values[DATA] != NULL) {
        reject(reading, DATA_BASE64, "must not stand beside data");
    } else if (!yyjson_is_str(value) || !is_base64(string_of(value))) {
        reject(reading, DATA_BASE64, "must be a string of base64 with padding (RFC 4648)");
    }
}

static void read_attributes(struct reading *reading)
{
    struct str kept_as_it_is;
    read_version(reading);
    require_string(reading, ID, "is required", &reading->event.id);
    require_string(reading, SOURCE, "is required", &reading->event.source);
    read_action(reading);
    read_user(reading);
    read_time(reading);
    read_string(reading, DATACONTENTTYPE, &kept_as_it_is);
    read_string(reading, DATASCHEMA, &kept_as_it_is);
    check_base64(reading);
}

/* Metadata ---------------------------------------------------------------------------------- */

static enum status write_value(struct reading *reading, yyjson_val *value, unsigned level)
{
    const struct activity_json_place place = {"/data", level,
                                              reading->reader->rules->metadata_depth_max};
    return activity_json_write_value(value, &place, &reading->reader->metadata, reading->rejection);
}

static bool says_other_type(const struct reading *reading)
{
    return yyjson_is_str(reading->values[DATACONTENTTYPE]) &&
           !cloud_event_is_json(string_of(reading->values[DATACONTENTTYPE]));
}

static bool has_envelope(const struct reading *reading)
{
    bool extended = false;
    for (size_t i = 0; i < reading->extension_count; i++) {
        extended = extended || !yyjson_is_null(reading->extensions[i].value);
    }
    return extended || is_there(reading, DATASCHEMA) || says_other_type(reading);
}

static void append_name(struct buffer *text, struct str name)
{
    if (text->len > 0 && text->data[text->len - 1] != '{') {
        buffer_append_char(text, ',');
    }
    buffer_append_char(text, '"');
    buffer_append_str(text, name);
    buffer_append_literal(text, "\":");
}

static enum status write_member(struct reading *reading, struct str name, yyjson_val *value,
                                unsigned level)
{
    append_name(&reading->reader->metadata, name);
    return write_value(reading, value, level);
}

/* What an event says beside its data and is kept nowhere else, as a member of the open object. */
static enum status write_envelope(struct reading *reading)
{
    enum { LEVEL = 3 }; /* of what stands in it, if that could be deep */
    struct buffer *text = &reading->reader->metadata;
    enum status status = STATUS_OK;
    append_name(text, STR(ENVELOPE));
    buffer_append_char(text, '{');
    if (says_other_type(reading)) {
        status =
            write_member(reading, names[DATACONTENTTYPE], reading->values[DATACONTENTTYPE], LEVEL);
    }
    if (is_there(reading, DATASCHEMA) && status == STATUS_OK) {
        status = write_member(reading, names[DATASCHEMA], reading->values[DATASCHEMA], LEVEL);
    }
    for (size_t i = 0; i < reading->extension_count && status == STATUS_OK; i++) {
        const struct extension *extension = &reading->extensions[i];
        if (!yyjson_is_null(extension->value)) {
            status = write_member(reading, extension->name, extension->value, LEVEL);
        }
    }
    buffer_append_char(text, '}');
    return status;
}

static enum status write_data(struct reading *reading)
{
    struct buffer *text = &reading->reader->metadata;
    yyjson_val *data = reading->values[DATA];
    if (yyjson_is_obj(data)) {
        enum status status = write_value(reading, data, 1);
        text->len -= status == STATUS_OK ? 1 : 0; /* it is closed behind the envelope */
        return status;
    }
    buffer_append_char(text, '{');
    if (data != NULL) {
        return write_member(reading, names[DATA], data, 2);
    }
    if (is_there(reading, DATA_BASE64)) {
        return write_member(reading, names[DATA_BASE64], reading->values[DATA_BASE64], 2);
    }
    return STATUS_OK;
}

/* The envelope has the name for itself, where there is one. */
static void check_envelope(struct reading *reading)
{
    if (has_envelope(reading) && yyjson_is_obj(reading->values[DATA]) &&
        yyjson_obj_get(reading->values[DATA], ENVELOPE) != NULL) {
        rejection_add(reading->rejection, "/data/" ENVELOPE,
                      "stands where attributes of the event are kept; name it otherwise");
    }
}

static enum status write_metadata(struct reading *reading, struct arena *arena)
{
    struct buffer *text = &reading->reader->metadata;
    buffer_clear(text);
    enum status status = write_data(reading);
    if (status == STATUS_OK && has_envelope(reading)) {
        status = write_envelope(reading);
    }
    buffer_append_char(text, '}');
    status = status == STATUS_OK ? text->failed : status;
    if (status == STATUS_TOO_LARGE) {
        rejection_add(reading->rejection, "/data",
                      "must have at most %zu bytes as compact JSON, with what is kept beside it",
                      reading->reader->rules->metadata_bytes_max);
        return STATUS_INVALID;
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct str metadata = arena_copy_str(arena, buffer_str(text));
    reading->event.draft.activity.metadata = metadata;
    return metadata.data != NULL ? STATUS_OK : STATUS_NO_MEMORY;
}

/* Events ------------------------------------------------------------------------------------ */

static enum status read_event(struct reading *reading, yyjson_val *root, struct arena *arena)
{
    if (!yyjson_is_obj(root)) {
        rejection_add(reading->rejection, "", "a CloudEvent must be a JSON object, not %s",
                      activity_json_kind(root));
        return STATUS_INVALID;
    }
    take_members(reading, root);
    read_attributes(reading);
    check_envelope(reading);
    enum status status = STATUS_OK;
    if (reading->rejection->count < REJECTION_FAULTS_MAX) {
        status = write_metadata(reading, arena);
    }
    if (status == STATUS_NO_MEMORY) {
        return status;
    }
    return reading->rejection->count == 0 ? STATUS_OK : STATUS_INVALID;
}

static enum status check_size(const struct activity_json_reader *reader,
                              const struct activity_json_text *text,
                              const struct activity_json_text *data, struct rejection *rejection)
{
    size_t len = text->len + (data == NULL ? 0 : data->len);
    return activity_json_check_size(reader, len, rejection);
}

static enum status read_whole(struct reading *reading, const struct activity_json_text *text,
                              const struct activity_json_text *data)
{
    yyjson_doc *document;
    yyjson_doc *beside = NULL;
    enum status status = activity_json_parse(
        &(struct activity_json_source){text->data, text->len, "", reading->reader->pool}, &document,
        reading->rejection);
    if (status != STATUS_OK) {
        return status;
    }
    if (data != NULL) {
        status = activity_json_parse(
            &(struct activity_json_source){data->data, data->len, "/data", NULL}, &beside,
            reading->rejection);
        reading->values[DATA] = yyjson_doc_get_root(beside);
    }
    if (status != STATUS_NO_MEMORY) {
        status = read_event(reading, yyjson_doc_get_root(document), text->arena);
    }
    yyjson_doc_free(beside);
    yyjson_doc_free(document);
    return status;
}

enum status cloud_event_read(struct activity_json_reader *reader,
                             const struct activity_json_text *text,
                             const struct activity_json_text *data, struct cloud_event *out_event,
                             struct rejection *rejection)
{
    struct reading reading = {.reader = reader, .now_ms = text->now_ms, .rejection = rejection};
    enum status status = check_size(reader, text, data, rejection);
    status = status == STATUS_OK ? read_whole(&reading, text, data) : status;
    if (status == STATUS_OK) {
        *out_event = reading.event;
    }
    return status;
}
