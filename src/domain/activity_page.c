#include "domain/activity_page.h"

#include "base/assert.h"
#include "base/base64url.h"
#include "base/crc32c.h"
#include "base/little_endian.h"
#include "base/timestamp.h"

enum {
    CURSOR_VERSION = 1,
    CURSOR_ORDER_AT = 1,
    CURSOR_HASH_AT = 2,
    CURSOR_TIMESTAMP_AT = 10,
    CURSOR_ID_AT = 18,
    CURSOR_CRC_BYTES = 4,
    CURSOR_BYTES_MAX = CURSOR_ID_AT + ACTIVITY_ID_BYTES_MAX + CURSOR_CRC_BYTES
};

void activity_cursor_encode(const struct activity_cursor *cursor, struct buffer *out_text)
{
    ASSERT(cursor->id_len >= 1 && cursor->id_len <= ACTIVITY_ID_BYTES_MAX);
    unsigned char bytes[CURSOR_BYTES_MAX];
    bytes[0] = CURSOR_VERSION;
    bytes[CURSOR_ORDER_AT] = (unsigned char)cursor->order;
    little_endian_put_u64(bytes + CURSOR_HASH_AT, cursor->filter_hash);
    little_endian_put_u64(bytes + CURSOR_TIMESTAMP_AT, (uint64_t)cursor->timestamp_ms);
    memcpy(bytes + CURSOR_ID_AT, cursor->id, cursor->id_len);
    size_t len = CURSOR_ID_AT + cursor->id_len;
    little_endian_put_u32(bytes + len, crc32c(bytes, len));
    base64url_encode(bytes, len + CURSOR_CRC_BYTES, out_text);
}

static bool is_sound(const unsigned char *bytes, size_t len)
{
    if (len < CURSOR_ID_AT + 1 + CURSOR_CRC_BYTES) {
        return false;
    }
    size_t covered = len - CURSOR_CRC_BYTES;
    return little_endian_get_u32(bytes + covered) == crc32c(bytes, covered);
}

enum status activity_cursor_decode(struct str text, struct activity_cursor *out_cursor,
                                   struct error *err)
{
    unsigned char bytes[CURSOR_BYTES_MAX];
    size_t len;
    if (!base64url_decode(text, bytes, sizeof bytes, &len) || !is_sound(bytes, len)) {
        return error_set(err, STATUS_INVALID, 0,
                         "this is not a cursor of this service, or a part of it is missing; use "
                         "nextCursor exactly as it was answered");
    }
    if (bytes[0] != CURSOR_VERSION || bytes[CURSOR_ORDER_AT] > ORDER_OLDEST_FIRST) {
        return error_set(err, STATUS_INVALID, 0,
                         "this cursor was made by another version of this service; begin again "
                         "without a cursor");
    }
    int64_t timestamp_ms = (int64_t)little_endian_get_u64(bytes + CURSOR_TIMESTAMP_AT);
    if (timestamp_ms < TIMESTAMP_MS_MIN || timestamp_ms > TIMESTAMP_MS_MAX) {
        return error_set(err, STATUS_INVALID, 0, "this cursor names an impossible time");
    }
    *out_cursor = (struct activity_cursor){
        .order = (enum activity_order)bytes[CURSOR_ORDER_AT],
        .filter_hash = little_endian_get_u64(bytes + CURSOR_HASH_AT),
        .timestamp_ms = timestamp_ms,
        .id_len = len - CURSOR_ID_AT - CURSOR_CRC_BYTES,
    };
    memcpy(out_cursor->id, bytes + CURSOR_ID_AT, out_cursor->id_len);
    return STATUS_OK;
}
