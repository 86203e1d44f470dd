#include "infrastructure/event_log_local/segment_format.h"

#include "base/crc32c.h"
#include "base/little_endian.h"
#include "base/trace_context.h"

#include <string.h>

static const uint8_t commit_magic[4] = {0xf8, 'U', 'T', 0x01};

enum {
    HEADER_CRC_AT = 4,
    HEADER_CHECKED_AT = 8,
    HEADER_SEQUENCE_AT = 24,
    HEADER_FIRST_OFFSET_AT = 32,
    HEADER_BODY_BYTES_AT = 40,
    HEADER_COUNT_AT = 44,
    HEADER_WRITTEN_AT_AT = 48,
    HEADER_DIGEST_AT = 56,

    FRAME_CRC_AT = 8,
    FRAME_CHECKED_AT = 12,
    FRAME_TIMESTAMP_AT = 16,
    FRAME_RECEIVED_AT_AT = 24,
    FRAME_METADATA_BYTES_AT = 32,
    FRAME_USER_ID_BYTES_AT = 36,
    FRAME_ACTION_BYTES_AT = 38,
    FRAME_ID_BYTES_AT = 40,
    FRAME_TRACE_BYTES_AT = 41,
};

void commit_header_encode(const struct commit_header *header, uint8_t out[COMMIT_HEADER_BYTES])
{
    memset(out, 0, COMMIT_HEADER_BYTES);
    memcpy(out, commit_magic, sizeof commit_magic);
    memcpy(out + HEADER_CHECKED_AT, header->log_id.bytes, UUID_BYTES);
    little_endian_put_u64(out + HEADER_SEQUENCE_AT, header->sequence);
    little_endian_put_u64(out + HEADER_FIRST_OFFSET_AT, (uint64_t)header->first_offset);
    little_endian_put_u32(out + HEADER_BODY_BYTES_AT, header->body_bytes);
    little_endian_put_u32(out + HEADER_COUNT_AT, header->count);
    little_endian_put_u64(out + HEADER_WRITTEN_AT_AT, (uint64_t)header->written_at_ms);
    little_endian_put_u32(out + HEADER_DIGEST_AT, header->digest);
    little_endian_put_u32(out + HEADER_CRC_AT,
                          crc32c(out + HEADER_CHECKED_AT, COMMIT_HEADER_BYTES - HEADER_CHECKED_AT));
}

bool commit_header_decode(const uint8_t bytes[COMMIT_HEADER_BYTES],
                          struct commit_header *out_header)
{
    if (memcmp(bytes, commit_magic, sizeof commit_magic) != 0 ||
        little_endian_get_u32(bytes + HEADER_CRC_AT) !=
            crc32c(bytes + HEADER_CHECKED_AT, COMMIT_HEADER_BYTES - HEADER_CHECKED_AT)) {
        return false;
    }
    struct commit_header header = {
        .sequence = little_endian_get_u64(bytes + HEADER_SEQUENCE_AT),
        .first_offset = (int64_t)little_endian_get_u64(bytes + HEADER_FIRST_OFFSET_AT),
        .body_bytes = little_endian_get_u32(bytes + HEADER_BODY_BYTES_AT),
        .count = little_endian_get_u32(bytes + HEADER_COUNT_AT),
        .written_at_ms = (int64_t)little_endian_get_u64(bytes + HEADER_WRITTEN_AT_AT),
        .digest = little_endian_get_u32(bytes + HEADER_DIGEST_AT),
    };
    memcpy(header.log_id.bytes, bytes + HEADER_CHECKED_AT, UUID_BYTES);
    if (header.first_offset < 0 || header.first_offset > INT64_MAX - header.count) {
        return false;
    }
    *out_header = header;
    return true;
}

bool commit_header_may_begin(const uint8_t *bytes, size_t len)
{
    static const uint8_t absent[sizeof commit_magic];
    size_t compared = len < sizeof commit_magic ? len : sizeof commit_magic;
    return memcmp(bytes, commit_magic, compared) == 0 || memcmp(bytes, absent, compared) == 0;
}

uint32_t frame_seed(struct uuid log_id)
{
    return crc32c(log_id.bytes, UUID_BYTES);
}

size_t frame_length(const struct activity *activity)
{
    if (activity->id.len > UINT8_MAX || activity->user_id.len > UINT16_MAX ||
        activity->action.len > UINT16_MAX || activity->metadata.len > UINT32_MAX / 2 ||
        activity->trace.len > TRACE_PACKED_BYTES_MAX) {
        return 0;
    }
    return FRAME_HEADER_BYTES + activity_text_bytes(activity);
}

static uint8_t *put_text(uint8_t *at, struct str text)
{
    if (text.len > 0) {
        memcpy(at, text.data, text.len);
    }
    return at + text.len;
}

static void put_u16(uint8_t *at, size_t value)
{
    at[0] = (uint8_t)(value & 0xff);
    at[1] = (uint8_t)(value >> 8);
}

static size_t get_u16(const uint8_t *at)
{
    return (size_t)at[0] | (size_t)at[1] << 8;
}

uint8_t *frame_encode(uint8_t *at, size_t length, const struct activity *activity, uint32_t seed)
{
    little_endian_put_u32(at + FRAME_CHECKED_AT, (uint32_t)length);
    little_endian_put_u64(at + FRAME_TIMESTAMP_AT, (uint64_t)activity->timestamp_ms);
    little_endian_put_u64(at + FRAME_RECEIVED_AT_AT, (uint64_t)activity->received_at_ms);
    little_endian_put_u32(at + FRAME_METADATA_BYTES_AT, (uint32_t)activity->metadata.len);
    put_u16(at + FRAME_USER_ID_BYTES_AT, activity->user_id.len);
    put_u16(at + FRAME_ACTION_BYTES_AT, activity->action.len);
    little_endian_put_u32(at + FRAME_ID_BYTES_AT,
                          (uint32_t)activity->id.len | (uint32_t)activity->trace.len << 8);
    uint8_t *end = put_text(at + FRAME_HEADER_BYTES, activity->id);
    end = put_text(end, activity->user_id);
    end = put_text(end, activity->action);
    end = put_text(end, activity->metadata);
    end = put_text(end, activity->trace);
    uint32_t crc = crc32c_extend(seed, at + FRAME_CHECKED_AT, length - FRAME_CHECKED_AT);
    little_endian_put_u32(at + FRAME_CRC_AT, crc);
    return end;
}

uint8_t *frame_stamp(uint8_t *at, int64_t offset, uint32_t *digest)
{
    little_endian_put_u64(at, (uint64_t)offset);
    uint32_t crc = crc32c_extend(little_endian_get_u32(at + FRAME_CRC_AT), at, sizeof offset);
    little_endian_put_u32(at + FRAME_CRC_AT, crc);
    *digest = crc32c_extend(*digest, at + FRAME_CRC_AT, sizeof crc);
    return at + frame_claimed_length(at);
}

uint32_t frame_claimed_length(const uint8_t *at)
{
    return little_endian_get_u32(at + FRAME_CHECKED_AT);
}

int64_t frame_claimed_offset(const uint8_t *at)
{
    return (int64_t)little_endian_get_u64(at);
}

static struct str take_text(const uint8_t **at, size_t len)
{
    struct str text = {.data = (const char *)*at, .len = len};
    *at += len;
    return text;
}

bool frame_decode(const uint8_t *at, size_t length, uint32_t seed, struct logged_activity *out_row,
                  uint32_t *out_crc)
{
    size_t metadata_bytes = little_endian_get_u32(at + FRAME_METADATA_BYTES_AT);
    size_t user_id_bytes = get_u16(at + FRAME_USER_ID_BYTES_AT);
    size_t action_bytes = get_u16(at + FRAME_ACTION_BYTES_AT);
    size_t id_bytes = at[FRAME_ID_BYTES_AT];
    size_t trace_bytes = get_u16(at + FRAME_TRACE_BYTES_AT);
    uint32_t crc = little_endian_get_u32(at + FRAME_CRC_AT);
    if (FRAME_HEADER_BYTES + id_bytes + user_id_bytes + action_bytes + metadata_bytes +
                trace_bytes !=
            length ||
        crc32c_extend(crc32c_extend(seed, at + FRAME_CHECKED_AT, length - FRAME_CHECKED_AT), at,
                      sizeof(int64_t)) != crc) {
        return false;
    }
    const uint8_t *text = at + FRAME_HEADER_BYTES;
    struct activity *activity = &out_row->activity;
    activity->id = take_text(&text, id_bytes);
    activity->user_id = take_text(&text, user_id_bytes);
    activity->action = take_text(&text, action_bytes);
    activity->metadata = take_text(&text, metadata_bytes);
    activity->trace = trace_bytes > 0 ? take_text(&text, trace_bytes) : (struct str){0};
    activity->timestamp_ms = (int64_t)little_endian_get_u64(at + FRAME_TIMESTAMP_AT);
    activity->received_at_ms = (int64_t)little_endian_get_u64(at + FRAME_RECEIVED_AT_AT);
    out_row->position = (struct position){.partition = 0, .offset = frame_claimed_offset(at)};
    out_row->foreign = false; /* nobody else writes to a local log */
    if (out_crc != NULL) {
        *out_crc = crc;
    }
    return true;
}
