#include "application/receipt.h"

#include "base/assert.h"
#include "base/base64url.h"
#include "base/crc32c.h"
#include "base/little_endian.h"

#include <stdlib.h>

#define NO_RECEIPT "this is not a receipt of this service, or a part of it is missing"

enum {
    RECEIPT_VERSION = 1,
    RECEIPT_POSITIONS_AT = 1 + UUID_BYTES,
    RECEIPT_POSITION_BYTES = 12,
    RECEIPT_CRC_BYTES = 4
};

/* A log of one partition, or a few, needs no memory of its own for its receipts. */
enum { RECEIPT_FEW_POSITIONS = 16 };

#define RECEIPT_BYTES(count)                                                                       \
    (RECEIPT_POSITIONS_AT + (count)*RECEIPT_POSITION_BYTES + RECEIPT_CRC_BYTES)

static void encode_into(unsigned char *bytes, struct uuid log_id, const struct position *positions,
                        size_t count)
{
    bytes[0] = RECEIPT_VERSION;
    memcpy(bytes + 1, log_id.bytes, UUID_BYTES);
    size_t len = RECEIPT_POSITIONS_AT;
    for (size_t i = 0; i < count; i++, len += RECEIPT_POSITION_BYTES) {
        little_endian_put_u32(bytes + len, (uint32_t)positions[i].partition);
        little_endian_put_u64(bytes + len + 4, (uint64_t)positions[i].offset);
    }
    little_endian_put_u32(bytes + len, crc32c(bytes, len));
}

void receipt_encode(struct uuid log_id, const struct position *positions, size_t count,
                    struct buffer *out_text)
{
    ASSERT(count <= RECEIPT_POSITIONS_MAX);
    unsigned char few[RECEIPT_BYTES(RECEIPT_FEW_POSITIONS)];
    unsigned char *many = count > RECEIPT_FEW_POSITIONS ? malloc(RECEIPT_BYTES(count)) : NULL;
    if (count > RECEIPT_FEW_POSITIONS && many == NULL) {
        out_text->failed = STATUS_NO_MEMORY;
        return;
    }
    unsigned char *bytes = many == NULL ? few : many;
    encode_into(bytes, log_id, positions, count);
    base64url_encode(bytes, RECEIPT_BYTES(count), out_text);
    free(many);
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

static enum status raise_positions(const unsigned char *bytes, size_t len, struct uuid *out_log_id,
                                   struct position_set *out_positions, struct error *err)
{
    if (!is_sound(bytes, len)) {
        return error_set(err, STATUS_INVALID, 0, NO_RECEIPT);
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

enum status receipt_decode(struct str text, struct uuid *out_log_id,
                           struct position_set *out_positions, struct error *err)
{
    if (text.len > BASE64URL_LENGTH(RECEIPT_BYTES((size_t)RECEIPT_POSITIONS_MAX))) {
        return error_set(err, STATUS_INVALID, 0, NO_RECEIPT);
    }
    unsigned char *bytes = malloc(text.len + 1); /* the text is longer than what it says */
    if (bytes == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to read the receipt");
    }
    size_t len;
    enum status status = base64url_decode(text, bytes, text.len + 1, &len)
                             ? raise_positions(bytes, len, out_log_id, out_positions, err)
                             : error_set(err, STATUS_INVALID, 0, NO_RECEIPT);
    free(bytes);
    return status;
}
