#include "infrastructure/refusal_list_mongodb/refused_document.h"

#include "application/refusal_subject.h"
#include "infrastructure/mongodb_client/document_writer.h"

enum { OTHER_BYTES = 320 }; /* about: names of members, numbers, users, and places in indexes */

uint64_t refused_document_bytes(const struct refusal *refusal)
{
    return refusal->key.len + refusal->raw.len + refusal->reason.len + OTHER_BYTES;
}

/* Without memory nobody is named, and the entry is looked at whoever is asked for. */
static void put_users(const struct refusal *refusal, struct buffer *out_document)
{
    struct refusal_subject subject;
    if (refusal_subject_read(refusal, &subject) != STATUS_OK) {
        return;
    }
    size_t users = document_open(out_document, DOCUMENT_ARRAY, STR("users"));
    for (size_t i = 0; i < subject.count; i++) {
        document_put_index(out_document, DOCUMENT_STRING, i);
        document_write_text(out_document, subject.names[i]);
    }
    document_end(out_document, users);
}

void refused_document_append(struct uuid log_id, const struct refusal *refusal,
                             int64_t refused_at_ms, struct buffer *out_document)
{
    char id[REFUSAL_ID_BYTES];
    char log_text[UUID_TEXT_BYTES];
    refusal_entry_write_id(log_id, refusal->position, id);
    uuid_format(log_id, log_text);
    document_put_str(out_document, STR("_id"), str_from(id));
    document_put_str(out_document, STR("log"), (struct str){log_text, sizeof log_text});
    document_put_i32(out_document, STR("partition"), refusal->position.partition);
    document_put_i64(out_document, STR("offset"), refusal->position.offset);
    document_put_date(out_document, STR("refusedAt"), refused_at_ms);
    document_put_i64(out_document, STR("bytes"), (int64_t)refused_document_bytes(refusal));
    document_put_str(out_document, STR("reason"), refusal->reason);
    document_put_binary(out_document, STR("raw"), refusal->raw);
    if (refusal->key.data != NULL) {
        document_put_binary(out_document, STR("key"), refusal->key);
    }
    put_users(refusal, out_document);
    if (refusal->logged_at_ms != 0) {
        document_put_date(out_document, STR("loggedAt"), refusal->logged_at_ms);
    }
}

/* Reading ----------------------------------------------------------------------------------- */

static struct str text_at(const bson_iter_t *at)
{
    uint32_t len = 0;
    const char *text = bson_iter_utf8(at, &len);
    return (struct str){text, len};
}

static struct str bytes_at(const bson_iter_t *at)
{
    bson_subtype_t subtype;
    uint32_t len = 0;
    const uint8_t *bytes = NULL;
    bson_iter_binary(at, &subtype, &len, &bytes);
    return (struct str){(const char *)bytes, len};
}

static void take_text(const bson_iter_t *at, struct str key, struct refusal_entry *entry)
{
    if (str_equal(key, STR("_id"))) {
        entry->id = text_at(at);
    } else if (str_equal(key, STR("reason"))) {
        entry->refusal.reason = text_at(at);
    } else if (str_equal(key, STR("log"))) {
        (void)uuid_parse(text_at(at), &entry->log_id);
    }
}

static void take_bytes(const bson_iter_t *at, struct str key, struct refusal_entry *entry)
{
    if (str_equal(key, STR("raw"))) {
        entry->refusal.raw = bytes_at(at);
    } else if (str_equal(key, STR("key"))) {
        entry->refusal.key = bytes_at(at);
    }
}

static void take_date(const bson_iter_t *at, struct str key, struct refusal_entry *entry)
{
    if (str_equal(key, STR("refusedAt"))) {
        entry->refused_at_ms = bson_iter_date_time(at);
    } else if (str_equal(key, STR("loggedAt"))) {
        entry->refusal.logged_at_ms = bson_iter_date_time(at);
    }
}

static void take_number(const bson_iter_t *at, struct str key, struct refusal_entry *entry)
{
    if (str_equal(key, STR("partition"))) {
        entry->refusal.position.partition = (int32_t)bson_iter_as_int64(at);
    } else if (str_equal(key, STR("offset"))) {
        entry->refusal.position.offset = bson_iter_as_int64(at);
    }
}

bool refused_document_read(const bson_t *document, struct refusal_entry *out_entry)
{
    struct refusal_entry entry = {.refusal.raw = STR("")};
    bson_iter_t at;
    if (!bson_iter_init(&at, document)) {
        return false;
    }
    while (bson_iter_next(&at)) {
        struct str key = {bson_iter_key(&at), bson_iter_key_len(&at)};
        if (BSON_ITER_HOLDS_UTF8(&at)) {
            take_text(&at, key, &entry);
        } else if (BSON_ITER_HOLDS_BINARY(&at)) {
            take_bytes(&at, key, &entry);
        } else if (BSON_ITER_HOLDS_DATE_TIME(&at)) {
            take_date(&at, key, &entry);
        } else {
            take_number(&at, key, &entry);
        }
    }
    *out_entry = entry;
    return entry.id.len > 0 && entry.refusal.reason.len > 0;
}
