#include "infrastructure/activity_store_mongodb/activity_document.h"

#include "base/timestamp.h"
#include "base/utf8.h"
#include "infrastructure/activity_store_mongodb/document_json.h"
#include "infrastructure/mongodb_client/document_writer.h"

enum {
    READER_BYTES_MAX = 256 * 1024 * 1024, /* a document has 16 MiB at the most; escapes add to it */
    NAMES_BYTES_MAX = 64 * 1024 * 1024
};

/* Writing ----------------------------------------------------------------------------------- */

static void append_source(struct position position, const char *log_text, struct buffer *out)
{
    size_t source = document_open(out, DOCUMENT_OBJECT, STR("source"));
    document_put_str(out, STR("log"), (struct str){log_text, UUID_TEXT_BYTES});
    document_put_i32(out, STR("partition"), position.partition);
    document_put_i64(out, STR("offset"), position.offset);
    document_end(out, source);
}

void activity_document_append(struct metadata_scratch *scratch, const struct logged_activity *row,
                              const char *log_text, struct buffer *out_document)
{
    const struct activity *activity = &row->activity;
    document_put_str(out_document, STR("_id"), activity->id);
    document_put_str(out_document, STR("userId"), activity->user_id);
    document_put_str(out_document, STR("action"), activity->action);
    document_put_date(out_document, STR("timestamp"), activity->timestamp_ms);
    document_put_date(out_document, STR("receivedAt"), activity->received_at_ms);
    append_source(row->position, log_text, out_document);
    document_put_key(out_document, DOCUMENT_OBJECT, STR("metadata"));
    if (metadata_document_append(scratch, activity->metadata, out_document) != METADATA_EXACT) {
        document_put_str(out_document, STR("metadataText"), activity->metadata);
    }
}

/* Reading ----------------------------------------------------------------------------------- */

void activity_reader_init(struct activity_reader *reader)
{
    buffer_init(&reader->names, NAMES_BYTES_MAX);
    buffer_init(&reader->metadata, READER_BYTES_MAX);
}

void activity_reader_deinit(struct activity_reader *reader)
{
    buffer_deinit(&reader->names);
    buffer_deinit(&reader->metadata);
}

/* The members of a document as they are found. */
enum member {
    MEMBER_ID,
    MEMBER_USER_ID,
    MEMBER_ACTION,
    MEMBER_TIMESTAMP,
    MEMBER_RECEIVED_AT,
    MEMBER_METADATA,
    MEMBER_METADATA_TEXT,
    MEMBER_COUNT
};

static const struct str member_names[MEMBER_COUNT] = {
    {"_id", 3},         {"userId", 6},   {"action", 6},        {"timestamp", 9},
    {"receivedAt", 10}, {"metadata", 8}, {"metadataText", 12},
};

/* The driver aligns an iterator to more than its size, so an array takes a structure around it. */
struct found_member {
    bson_iter_t at;
    bool found;
};

struct members {
    struct found_member of[MEMBER_COUNT];
};

static void find_members(const bson_t *document, struct members *out_members)
{
    bson_iter_t at;
    for (size_t i = 0; i < MEMBER_COUNT; i++) {
        out_members->of[i].found = false;
    }
    if (!bson_iter_init(&at, document)) {
        return;
    }
    while (bson_iter_next(&at)) {
        struct str key = {bson_iter_key(&at), bson_iter_key_len(&at)};
        for (size_t i = 0; i < MEMBER_COUNT; i++) {
            struct found_member *member = &out_members->of[i];
            if (!member->found && str_equal(key, member_names[i])) {
                member->at = at;
                member->found = true;
                break;
            }
        }
    }
}

static bool holds(const struct members *members, enum member member, bson_type_t type)
{
    return members->of[member].found && bson_iter_type(&members->of[member].at) == type;
}

/* A well-formed string stays where it is; anything else is written into the reader, of whose texts
 * only the place is known until all are there. */
struct name {
    struct str text;
    size_t written_at;
};

static bool find_name(struct activity_reader *reader, const struct members *members,
                      enum member member, struct name *out_name)
{
    const bson_iter_t *at = &members->of[member].at;
    size_t code_points;
    *out_name = (struct name){0};
    if (!members->of[member].found) {
        return false;
    }
    if (holds(members, member, BSON_TYPE_UTF8)) {
        uint32_t len;
        const char *text = bson_iter_utf8(at, &len);
        out_name->text = (struct str){text, len};
        if (utf8_is_plain_ascii(out_name->text) || utf8_count(out_name->text, &code_points)) {
            return len > 0;
        }
    }
    out_name->written_at = reader->names.len;
    bool shown = document_json_append_name(at, &reader->names);
    out_name->text = (struct str){NULL, reader->names.len - out_name->written_at};
    return shown;
}

static struct str text_of(const struct activity_reader *reader, const struct name *name)
{
    return name->text.data != NULL
               ? name->text
               : (struct str){reader->names.data + name->written_at, name->text.len};
}

static struct str metadata_of(struct activity_reader *reader, const struct members *members)
{
    if (holds(members, MEMBER_METADATA_TEXT, BSON_TYPE_UTF8)) {
        uint32_t len;
        const char *text = bson_iter_utf8(&members->of[MEMBER_METADATA_TEXT].at, &len);
        return (struct str){text, len};
    }
    if (!holds(members, MEMBER_METADATA, BSON_TYPE_DOCUMENT)) {
        return STR("{}");
    }
    document_json_append_value(&members->of[MEMBER_METADATA].at, &reader->metadata);
    return buffer_str(&reader->metadata);
}

static int64_t date_of(const struct members *members, size_t member)
{
    return bson_iter_date_time(&members->of[member].at);
}

/* Others may have written any date; answers know those from 1970 to 9999 only. */
static bool is_time(int64_t time_ms)
{
    return time_ms >= TIMESTAMP_MS_MIN && time_ms <= TIMESTAMP_MS_MAX;
}

static bool is_id(const struct members *members)
{
    return holds(members, MEMBER_ID, BSON_TYPE_UTF8) || holds(members, MEMBER_ID, BSON_TYPE_OID);
}

enum status activity_reader_read(struct activity_reader *reader, const bson_t *document,
                                 struct activity *out_activity)
{
    struct members members;
    struct name id;
    struct name user_id;
    struct name action;
    buffer_clear(&reader->names);
    buffer_clear(&reader->metadata);
    find_members(document, &members);
    if (!is_id(&members) || !holds(&members, MEMBER_TIMESTAMP, BSON_TYPE_DATE_TIME) ||
        !is_time(date_of(&members, MEMBER_TIMESTAMP)) ||
        !find_name(reader, &members, MEMBER_ID, &id) ||
        !find_name(reader, &members, MEMBER_USER_ID, &user_id) ||
        !find_name(reader, &members, MEMBER_ACTION, &action)) {
        return STATUS_NOT_FOUND;
    }
    struct activity activity = {.id = text_of(reader, &id),
                                .user_id = text_of(reader, &user_id),
                                .action = text_of(reader, &action),
                                .metadata = metadata_of(reader, &members)};
    if (reader->names.failed != STATUS_OK || reader->metadata.failed != STATUS_OK) {
        return STATUS_NO_MEMORY;
    }
    activity.timestamp_ms = date_of(&members, MEMBER_TIMESTAMP);
    activity.received_at_ms = holds(&members, MEMBER_RECEIVED_AT, BSON_TYPE_DATE_TIME)
                                  ? date_of(&members, MEMBER_RECEIVED_AT)
                                  : activity.timestamp_ms;
    *out_activity = activity;
    return STATUS_OK;
}

struct activity_source activity_document_source(const bson_t *document)
{
    struct activity_source source = {0};
    bson_iter_t at;
    bson_iter_t log;
    bson_iter_t partition;
    bson_iter_t offset;
    if (!bson_iter_init_find(&at, document, "source") || !BSON_ITER_HOLDS_DOCUMENT(&at) ||
        !bson_iter_recurse(&at, &log) || !bson_iter_find(&log, "log") ||
        !BSON_ITER_HOLDS_UTF8(&log) || !bson_iter_recurse(&at, &partition) ||
        !bson_iter_find(&partition, "partition") || !bson_iter_recurse(&at, &offset) ||
        !bson_iter_find(&offset, "offset")) {
        return source;
    }
    uint32_t len;
    const char *text = bson_iter_utf8(&log, &len);
    source.known = uuid_parse((struct str){text, len}, &source.log_id);
    source.position = (struct position){.partition = (int32_t)bson_iter_as_int64(&partition),
                                        .offset = bson_iter_as_int64(&offset)};
    return source;
}
