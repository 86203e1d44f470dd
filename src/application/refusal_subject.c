#include "application/refusal_subject.h"

#include "base/crc32c.h"
#include "base/json_walk.h"
#include "base/timestamp.h"
#include "base/utf8.h"

#include <string.h>

enum { SIGNATURE_BITS_OF_NAME = 5, PLACE_BITS = 6 };

static void add_name(struct refusal_subject *subject, struct str name)
{
    size_t code_points;
    if (name.len > 0 && name.len <= USER_ID_BYTES_MAX && utf8_count(name, &code_points) &&
        !refusal_subject_is(subject, name)) {
        subject->names[subject->count++] = name;
    }
}

/* One that is no string, or longer than a user's id can be, names nobody. */
static enum status add_escaped(struct refusal_subject *subject, struct str content)
{
    struct buffer text;
    buffer_init(&text, USER_ID_BYTES_MAX);
    bool complete = json_walk_unescape(content, &text);
    enum status status = text.failed;
    if (complete && status == STATUS_OK && text.len > 0) {
        char *copy = subject->texts[subject->count];
        memcpy(copy, text.data, text.len);
        add_name(subject, (struct str){copy, text.len});
    }
    buffer_deinit(&text);
    return status == STATUS_NO_MEMORY ? status : STATUS_OK;
}

static enum status take_user(struct refusal_subject *subject, struct str value)
{
    struct str content;
    if (json_walk_string(&value, &content)) {
        if (content.len > 0 && memchr(content.data, '\\', content.len) != NULL) {
            return add_escaped(subject, content);
        }
        add_name(subject, content);
        return STATUS_OK;
    }
    bool number =
        value.len > 0 && (value.data[0] == '-' || (value.data[0] >= '0' && value.data[0] <= '9'));
    if (number) {
        add_name(subject, json_walk_trim(value));
    }
    return STATUS_OK;
}

static void take_time(struct refusal_subject *subject, struct str value)
{
    struct str content;
    if (json_walk_string(&value, &content) && timestamp_parse(content, &subject->received_at_ms)) {
        subject->has_received_at = true;
    }
}

static enum status take_member(struct refusal_subject *subject, struct str key, struct str value)
{
    if (subject->count < REFUSAL_NAMES_MAX && json_walk_string_is(key, STR("userId"))) {
        return take_user(subject, value);
    }
    if (!subject->has_received_at && json_walk_string_is(key, STR("receivedAt"))) {
        take_time(subject, value);
    }
    return STATUS_OK;
}

/* What breaks off leaves the members in front of it. */
static enum status walk(struct str rest, struct refusal_subject *subject)
{
    enum status status = STATUS_OK;
    json_walk_space(&rest);
    if (!json_walk_char(&rest, '{')) {
        return STATUS_OK;
    }
    do {
        struct str key;
        json_walk_space(&rest);
        if (!json_walk_string(&rest, &key)) {
            break;
        }
        json_walk_space(&rest);
        if (!json_walk_char(&rest, ':')) {
            break;
        }
        json_walk_space(&rest);
        struct str value = rest;
        if (!json_walk_skip(&rest) || (rest.len == 0 && !json_walk_at(&value, '"'))) {
            break; /* half a number is another one */
        }
        value.len -= rest.len;
        status = take_member(subject, key, value);
        json_walk_space(&rest);
    } while (status == STATUS_OK && json_walk_char(&rest, ','));
    return status;
}

enum status refusal_subject_read(const struct refusal *refusal, struct refusal_subject *out_subject)
{
    out_subject->count = 0;
    out_subject->has_received_at = false;
    enum status status = walk(refusal->raw, out_subject);
    if (status == STATUS_OK && out_subject->count == 0) {
        add_name(out_subject, refusal->key);
    }
    return status;
}

bool refusal_subject_is(const struct refusal_subject *subject, struct str user_id)
{
    for (size_t i = 0; i < subject->count; i++) {
        if (str_equal(subject->names[i], user_id)) {
            return true;
        }
    }
    return false;
}

enum status refusal_is_of(const struct refusal *refusal, struct str user_id, bool *out_is_of)
{
    struct refusal_subject subject;
    enum status status = refusal_subject_read(refusal, &subject);
    if (status == STATUS_OK) {
        *out_is_of = refusal_subject_is(&subject, user_id);
    }
    return status;
}

uint64_t refusal_signature_of_user(struct str user_id)
{
    uint32_t hash = crc32c(user_id.data, user_id.len);
    uint64_t bits = 0;
    for (int i = 0; i < SIGNATURE_BITS_OF_NAME; i++) {
        bits |= UINT64_C(1) << (hash & ((1U << PLACE_BITS) - 1));
        hash >>= PLACE_BITS;
    }
    return bits;
}

/* Without memory it may be anybody's. */
uint64_t refusal_signature(const struct refusal *refusal)
{
    struct refusal_subject subject;
    uint64_t bits = 0;
    if (refusal_subject_read(refusal, &subject) != STATUS_OK) {
        return UINT64_MAX;
    }
    for (size_t i = 0; i < subject.count; i++) {
        bits |= refusal_signature_of_user(subject.names[i]);
    }
    return bits;
}
