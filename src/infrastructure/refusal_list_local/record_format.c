#include "infrastructure/refusal_list_local/record_format.h"

#include "base/assert.h"
#include "base/crc32c.h"
#include "base/little_endian.h"

enum {
    FORMAT = 1,
    FORMAT_OF_REMOVALS = 2,
    MAGIC_BYTES = 4,
    FORMAT_AT = 3,
    CHECKED_FROM = 8,
    KEY_IS_ABSENT = 1,
    RAW_IS_ABSENT = 2,
    IS_REMOVAL = 4
};

static const uint8_t magic[MAGIC_BYTES] = {0xf9, 'U', 'R', FORMAT};

/* Everything in a file is well below what 32 bits count. */
#define RECORD_BYTES_MAX ((uint64_t)UINT32_MAX / 2)

size_t record_length(const struct refusal *refusal)
{
    uint64_t texts = 0;
    const size_t lengths[] = {refusal->key.len, refusal->reason.len, refusal->raw.len};
    for (size_t i = 0; i < ARRAY_LENGTH(lengths); i++) {
        if (lengths[i] > RECORD_BYTES_MAX) {
            return 0;
        }
        texts += lengths[i];
    }
    uint64_t length = RECORD_HEADER_BYTES + texts;
    return length > RECORD_BYTES_MAX ? 0 : (size_t)length;
}

static uint32_t checksum(const void *checked, size_t len, struct record_place place)
{
    uint8_t seed[16];
    little_endian_put_u64(seed, place.file);
    little_endian_put_u64(seed + 8, place.at);
    return crc32c_extend(crc32c(seed, sizeof seed), checked, len);
}

static void write_header(const struct record *record, uint8_t out_header[RECORD_HEADER_BYTES])
{
    const struct refusal *refusal = &record->refusal;
    uint32_t absent = (refusal->key.data == NULL ? KEY_IS_ABSENT : 0) |
                      (refusal->raw.data == NULL ? RAW_IS_ABSENT : 0) |
                      (record->removes ? IS_REMOVAL : 0);
    memcpy(out_header, magic, MAGIC_BYTES);
    out_header[FORMAT_AT] = record->removes ? FORMAT_OF_REMOVALS : FORMAT;
    memcpy(out_header + 8, record->log_id.bytes, UUID_BYTES);
    little_endian_put_u32(out_header + 24, (uint32_t)refusal->position.partition);
    little_endian_put_u32(out_header + 28, absent);
    little_endian_put_u64(out_header + 32, (uint64_t)refusal->position.offset);
    little_endian_put_u64(out_header + 40, (uint64_t)record->refused_at_ms);
    little_endian_put_u64(out_header + 48, (uint64_t)refusal->logged_at_ms);
    little_endian_put_u32(out_header + 56, record->behind);
    little_endian_put_u32(out_header + 60, (uint32_t)refusal->key.len);
    little_endian_put_u32(out_header + 64, (uint32_t)refusal->reason.len);
    little_endian_put_u32(out_header + 68, (uint32_t)refusal->raw.len);
}

void record_append(struct buffer *buffer, const struct record *record, struct record_place place)
{
    const struct refusal *refusal = &record->refusal;
    size_t length = record_length(refusal);
    ASSERT(length > 0);
    if (buffer_reserve(buffer, length) != STATUS_OK) {
        return;
    }
    uint8_t *at = (uint8_t *)buffer->data + buffer->len;
    uint8_t header[RECORD_HEADER_BYTES];
    write_header(record, header);
    buffer_append(buffer, header, sizeof header);
    buffer_append_str(buffer, refusal->key);
    buffer_append_str(buffer, refusal->reason);
    buffer_append_str(buffer, refusal->raw);
    little_endian_put_u32(at + 4, checksum(at + CHECKED_FROM, length - CHECKED_FROM, place));
}

void record_blank(uint8_t *bytes, size_t len, struct record_place place)
{
    ASSERT(len >= RECORD_HEADER_BYTES);
    memset(bytes + RECORD_HEADER_BYTES, 0, len - RECORD_HEADER_BYTES);
    little_endian_put_u32(bytes + 4, checksum(bytes + CHECKED_FROM, len - CHECKED_FROM, place));
}

uint64_t record_claimed_length(const uint8_t header[RECORD_HEADER_BYTES])
{
    if (memcmp(header, magic, FORMAT_AT) != 0 || header[FORMAT_AT] < FORMAT ||
        header[FORMAT_AT] > FORMAT_OF_REMOVALS) {
        return 0;
    }
    return RECORD_HEADER_BYTES + (uint64_t)little_endian_get_u32(header + 60) +
           little_endian_get_u32(header + 64) + little_endian_get_u32(header + 68);
}

bool record_is_newer(const uint8_t *bytes)
{
    return memcmp(bytes, magic, FORMAT_AT) == 0 && bytes[FORMAT_AT] > FORMAT_OF_REMOVALS;
}

static struct str take(const uint8_t **at, uint32_t len, bool absent)
{
    struct str text = {absent ? NULL : (const char *)*at, len};
    *at += len;
    return text;
}

bool record_decode(const uint8_t *bytes, size_t len, struct record_place place,
                   struct record *out_record)
{
    if (len < RECORD_HEADER_BYTES || record_claimed_length(bytes) != len ||
        little_endian_get_u32(bytes + 4) !=
            checksum(bytes + CHECKED_FROM, len - CHECKED_FROM, place)) {
        return false;
    }
    uint32_t absent = little_endian_get_u32(bytes + 28);
    bool removes = bytes[FORMAT_AT] == FORMAT_OF_REMOVALS; /* which the checksum does not cover */
    if (removes != ((absent & IS_REMOVAL) != 0)) {
        return false;
    }
    const uint8_t *at = bytes + RECORD_HEADER_BYTES;
    *out_record = (struct record){
        .refusal.position = {(int32_t)little_endian_get_u32(bytes + 24),
                             (int64_t)little_endian_get_u64(bytes + 32)},
        .refusal.logged_at_ms = (int64_t)little_endian_get_u64(bytes + 48),
        .refused_at_ms = (int64_t)little_endian_get_u64(bytes + 40),
        .behind = little_endian_get_u32(bytes + 56),
        .removes = removes,
    };
    memcpy(out_record->log_id.bytes, bytes + 8, UUID_BYTES);
    struct refusal *refusal = &out_record->refusal;
    refusal->key = take(&at, little_endian_get_u32(bytes + 60), (absent & KEY_IS_ABSENT) != 0);
    refusal->reason = take(&at, little_endian_get_u32(bytes + 64), false);
    refusal->raw = take(&at, little_endian_get_u32(bytes + 68), (absent & RAW_IS_ABSENT) != 0);
    return true;
}
