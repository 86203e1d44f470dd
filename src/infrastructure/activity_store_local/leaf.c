#include "infrastructure/activity_store_local/leaf.h"

#include "base/assert.h"
#include "base/little_endian.h"

/* Most activities fit, and are then hashed with one call. */
enum { LEAF = 0x00, GATHERED_BYTES = 1024 };

struct gathering {
    struct sha256 *sha256;
    size_t len;
    uint8_t bytes[GATHERED_BYTES];
};

static void flush(struct gathering *gathering)
{
    sha256_add(gathering->sha256, gathering->bytes, gathering->len);
    gathering->len = 0;
}

static void put(struct gathering *gathering, const void *bytes, size_t len)
{
    if (len > GATHERED_BYTES - gathering->len) {
        flush(gathering);
    }
    if (len > GATHERED_BYTES) {
        sha256_add(gathering->sha256, bytes, len);
    } else if (len > 0) {
        memcpy(gathering->bytes + gathering->len, bytes, len);
        gathering->len += len;
    }
}

static void put_i64(struct gathering *gathering, int64_t value)
{
    uint8_t bytes[sizeof value];
    little_endian_put_u64(bytes, (uint64_t)value);
    put(gathering, bytes, sizeof bytes);
}

static void put_u32(struct gathering *gathering, uint32_t value)
{
    uint8_t bytes[sizeof value];
    little_endian_put_u32(bytes, value);
    put(gathering, bytes, sizeof bytes);
}

static void put_text(struct gathering *gathering, struct str text)
{
    ASSERT(text.len <= UINT32_MAX);
    put_u32(gathering, (uint32_t)text.len);
    put(gathering, text.data, text.len);
}

enum status leaf_hash(struct sha256 *sha256, const struct leaf_content *content,
                      uint8_t out_leaf[SHA256_BYTES])
{
    const struct activity *activity = content->activity;
    struct gathering gathering; /* its bytes are left as they are, since this runs for each row */
    const uint8_t kind = LEAF;
    const uint8_t salt_len = content->salt == NULL ? 0 : LEAF_SALT_BYTES;
    gathering.sha256 = sha256;
    gathering.len = 0;
    sha256_begin(sha256);
    put(&gathering, &kind, sizeof kind);
    put(&gathering, content->log_id.bytes, sizeof content->log_id.bytes);
    put_u32(&gathering, (uint32_t)content->position.partition);
    put_i64(&gathering, content->position.offset);
    put_i64(&gathering, activity->timestamp_ms);
    put_i64(&gathering, activity->received_at_ms);
    put(&gathering, &salt_len, sizeof salt_len);
    put(&gathering, content->salt, salt_len);
    put_text(&gathering, activity->id);
    put_text(&gathering, activity->user_id);
    put_text(&gathering, activity->action);
    put_text(&gathering, activity->metadata);
    flush(&gathering);
    return sha256_end(sha256, out_leaf);
}
