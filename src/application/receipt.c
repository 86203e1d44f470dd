#include "application/receipt.h"

#include "base/assert.h"
#include "base/base64url.h"
#include "base/crc32c.h"
#include "base/little_endian.h"

enum {
    RECEIPT_VERSION = 1,
    RECEIPT_POSITIONS_AT = 1 + UUID_BYTES,
    RECEIPT_POSITION_BYTES = 12,
    RECEIPT_CRC_BYTES = 4,
    RECEIPT_BYTES_MAX =
        RECEIPT_POSITIONS_AT + RECEIPT_POSITIONS_MAX * RECEIPT_POSITION_BYTES + RECEIPT_CRC_BYTES
};

void receipt_encode(struct uuid log_id, const struct position *positions, size_t count,
                    struct buffer *out_text)
{
    ASSERT(count <= RECEIPT_POSITIONS_MAX);
    unsigned char bytes[RECEIPT_BYTES_MAX];
    bytes[0] = RECEIPT_VERSION;
    memcpy(bytes + 1, log_id.bytes, UUID_BYTES);
    size_t len = RECEIPT_POSITIONS_AT;
    for (size_t i = 0; i < count; i++, len += RECEIPT_POSITION_BYTES) {
        little_endian_put_u32(bytes + len, (uint32_t)positions[i].partition);
        little_endian_put_u64(bytes + len + 4, (uint64_t)positions[i].offset);
    }
    little_endian_put_u32(bytes + len, crc32c(bytes, len));
    base64url_encode(bytes, len + RECEIPT_CRC_BYTES, out_text);
}

static bool is_sound(const unsigned char *bytes, size_t len)
{
    if (len < RECEIPT_POSITIONS_AT + RECEIPT_CRC_BYTES || bytes[0] != RECEIPT_VERSION ||
        (len - RECEIPT_POSITIONS_AT - RECEIPT_CRC_BYTES) % RECEIPT_POSITION_BYTES != 0) {
        return false;
    }
    size_t covered = len - RECEIPT_CRC_BYTES;
    return little_endian_get_u32(bytes + covered) == crc32c(bytes, covered);
}

static struct position position_at(const unsigned char *bytes, size_t at)
{
    return (struct position){
        .partition = (int32_t)little_endian_get_u32(bytes + at),
        .offset = (int64_t)little_endian_get_u64(bytes + at + 4),
    };
}

/* The checksum proves no good will, so the positions may be anything. Ascending partitions make the
 * text the only one of what it says. */
static bool positions_are_possible(const unsigned char *bytes, size_t end)
{
    int64_t before = -1;
    for (size_t at = RECEIPT_POSITIONS_AT; at < end; at += RECEIPT_POSITION_BYTES) {
        struct position position = position_at(bytes, at);
        if (position.partition <= before || position.offset < 0) {
            return false;
        }
        before = position.partition;
    }
    return true;
}

enum status receipt_decode(struct str text, struct uuid *out_log_id,
                           struct position_set *out_positions, struct error *err)
{
    unsigned char bytes[RECEIPT_BYTES_MAX];
    size_t len;
    if (!base64url_decode(text, bytes, sizeof bytes, &len) || !is_sound(bytes, len)) {
        return error_set(err, STATUS_INVALID, 0,
                         "this is not a receipt of this service, or a part of it is missing");
    }
    size_t end = len - RECEIPT_CRC_BYTES;
    if (!positions_are_possible(bytes, end)) {
        return error_set(err, STATUS_INVALID, 0, "this receipt names an impossible position");
    }
    for (size_t at = RECEIPT_POSITIONS_AT; at < end; at += RECEIPT_POSITION_BYTES) {
        enum status status = position_set_raise(out_positions, position_at(bytes, at));
        if (status != STATUS_OK) {
            return error_set(err, status, 0, "there is no memory for the receipt's positions");
        }
    }
    memcpy(out_log_id->bytes, bytes + 1, UUID_BYTES);
    return STATUS_OK;
}
