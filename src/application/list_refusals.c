#include "application/list_refusals.h"

#include "base/assert.h"
#include "base/base64url.h"
#include "base/crc32c.h"
#include "base/json_text.h"
#include "base/little_endian.h"
#include "base/timestamp.h"
#include "base/utf8.h"

enum {
    CURSOR_KIND = 'R',
    CURSOR_VERSION = 1,
    CURSOR_VERSION_AT = 1,
    CURSOR_TIME_AT = 2,
    CURSOR_ID_AT = 10,
    CURSOR_CRC_BYTES = 4,
    CURSOR_BYTES_MAX = CURSOR_ID_AT + REFUSAL_ID_BYTES - 1 + CURSOR_CRC_BYTES
};

/* --- cursors --- */

static void write_cursor(const struct refusal_entry *last, struct buffer *out_text)
{
    unsigned char bytes[CURSOR_BYTES_MAX];
    ASSERT(last->id.len >= 1 && last->id.len < REFUSAL_ID_BYTES);
    bytes[0] = CURSOR_KIND;
    bytes[CURSOR_VERSION_AT] = CURSOR_VERSION;
    little_endian_put_u64(bytes + CURSOR_TIME_AT, (uint64_t)last->refused_at_ms);
    memcpy(bytes + CURSOR_ID_AT, last->id.data, last->id.len);
    size_t len = CURSOR_ID_AT + last->id.len;
    little_endian_put_u32(bytes + len, crc32c(bytes, len));
    base64url_encode(bytes, len + CURSOR_CRC_BYTES, out_text);
}

static bool is_sound(const unsigned char *bytes, size_t len)
{
    if (len < CURSOR_ID_AT + 1 + CURSOR_CRC_BYTES || bytes[0] != CURSOR_KIND ||
        bytes[CURSOR_VERSION_AT] != CURSOR_VERSION) {
        return false;
    }
    size_t covered = len - CURSOR_CRC_BYTES;
    return little_endian_get_u32(bytes + covered) == crc32c(bytes, covered);
}

static enum status read_cursor(struct str text, struct arena *arena,
                               struct refusal_entry *out_place, struct error *err)
{
    unsigned char bytes[CURSOR_BYTES_MAX];
    size_t len;
    if (!base64url_decode(text, bytes, sizeof bytes, &len) || !is_sound(bytes, len)) {
        return error_set(err, STATUS_INVALID, 0,
                         "this is not a cursor of this list, or a part of it is missing; use "
                         "nextCursor exactly as it was answered");
    }
    struct str id = {(const char *)bytes + CURSOR_ID_AT, len - CURSOR_ID_AT - CURSOR_CRC_BYTES};
    *out_place = (struct refusal_entry){
        .id = arena_copy_str(arena, id),
        .refused_at_ms = (int64_t)little_endian_get_u64(bytes + CURSOR_TIME_AT),
    };
    return out_place->id.data != NULL
               ? STATUS_OK
               : error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for the cursor");
}

enum status list_refusals_page(const struct list_refusals *lister,
                               const struct list_refusals_question *question, struct arena *arena,
                               struct list_refusals_answer *out_answer, struct error *err)
{
    ASSERT(question->limit >= 1 && question->limit <= LIST_REFUSALS_LIMIT_MAX);
    struct refusal_page_request request = {.limit = question->limit,
                                           .bytes_max = lister->page_bytes_max};
    struct refusal_entry place;
    enum status status = STATUS_OK;
    if (question->cursor.data != NULL) {
        status = read_cursor(question->cursor, arena, &place, err);
        request.after = &place;
    }
    if (status == STATUS_OK) {
        status = refusal_list_find(lister->list, &request, arena, &out_answer->page, err);
    }
    if (status == STATUS_OK && out_answer->page.more && out_answer->page.count > 0) {
        write_cursor(&out_answer->page.entries[out_answer->page.count - 1],
                     &out_answer->next_cursor);
    }
    if (status == STATUS_OK && out_answer->next_cursor.failed != STATUS_OK) {
        status = error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for the cursor");
    }
    return status;
}

/* --- JSON --- */

/* A text of whatever bytes. */
static void append_bytes(struct buffer *buffer, const char *name, struct str bytes)
{
    size_t code_points;
    bool is_text = utf8_count(bytes, &code_points);
    buffer_append_format(buffer, ",\"%s%s\":", name, is_text ? "" : "Base64");
    if (bytes.data == NULL) {
        buffer_append_literal(buffer, "null");
    } else if (is_text) {
        json_text_append_string(buffer, bytes);
    } else {
        buffer_append_char(buffer, '"');
        base64_encode(bytes.data, bytes.len, buffer);
        buffer_append_char(buffer, '"');
    }
}

static void append_time(struct buffer *buffer, const char *name, int64_t ms, bool known)
{
    buffer_append_format(buffer, ",\"%s\":", name);
    if (!known || ms < TIMESTAMP_MS_MIN || ms > TIMESTAMP_MS_MAX) {
        buffer_append_literal(buffer, "null");
        return;
    }
    char text[TIMESTAMP_TEXT_BYTES];
    timestamp_format(ms, text);
    buffer_append_format(buffer, "\"%.*s\"", (int)sizeof text, text);
}

/* What a message of limited length may have cut in two is left out. */
static struct str well_formed(struct str text)
{
    struct str rest = text;
    uint32_t code_point;
    while (rest.len > 0 && utf8_next(&rest, &code_point)) {
    }
    return (struct str){text.data, text.len - rest.len};
}

void list_refusals_append_json(struct buffer *buffer, const struct refusal_entry *entry)
{
    const struct refusal *refusal = &entry->refusal;
    char log_id[UUID_TEXT_BYTES];
    uuid_format(entry->log_id, log_id);
    buffer_append_literal(buffer, "{\"id\":");
    json_text_append_string(buffer, entry->id);
    buffer_append_literal(buffer, ",\"reason\":");
    json_text_append_string(buffer, well_formed(refusal->reason));
    buffer_append_literal(buffer, ",\"logId\":\"");
    buffer_append(buffer, log_id, sizeof log_id);
    buffer_append_literal(buffer, "\",\"partition\":");
    buffer_append_i64(buffer, refusal->position.partition);
    buffer_append_literal(buffer, ",\"offset\":");
    buffer_append_i64(buffer, refusal->position.offset);
    append_bytes(buffer, "key", refusal->key);
    append_bytes(buffer, "raw", refusal->raw);
    append_time(buffer, "loggedAt", refusal->logged_at_ms, refusal->logged_at_ms != 0);
    append_time(buffer, "refusedAt", entry->refused_at_ms, true);
    buffer_append_char(buffer, '}');
}
