#include "infrastructure/activity_store_local/chain_format.h"

#include "base/assert.h"
#include "base/crc32c.h"
#include "base/little_endian.h"
#include "infrastructure/activity_store_local/reading.h"

static const uint8_t magic[8] = {'u', 't', 'c', 'h', 'a', 'i', 'n', '\n'};

enum { USER = 0x03, RECORD = 0x04, HEADER = 0x05 };

enum { FORMAT_AT = 8, STORE_AT = 12, HEADER_CRC_AT = CHAIN_HEADER_BYTES - CHAIN_CRC_BYTES };

enum { KIND_AT = 4, NUMBER_AT = 5, PREVIOUS_AT = 13 };

/* Hashes ------------------------------------------------------------------------------------ */

static enum status hash_as(struct sha256 *sha256, uint8_t what, const void *bytes, size_t len,
                           uint8_t out_hash[SHA256_BYTES])
{
    sha256_begin(sha256);
    sha256_add(sha256, &what, sizeof what);
    sha256_add(sha256, bytes, len);
    return sha256_end(sha256, out_hash);
}

enum status chain_user_hash(struct sha256 *sha256, const uint8_t salt[CHAIN_SALT_BYTES],
                            struct str user_id, uint8_t out_hash[SHA256_BYTES])
{
    const uint8_t what = USER;
    sha256_begin(sha256);
    sha256_add(sha256, &what, sizeof what);
    sha256_add(sha256, salt, CHAIN_SALT_BYTES);
    sha256_add(sha256, user_id.data, user_id.len);
    return sha256_end(sha256, out_hash);
}

/* Header ------------------------------------------------------------------------------------ */

void chain_header_encode(struct uuid store_id, uint8_t out[CHAIN_HEADER_BYTES])
{
    memcpy(out, magic, sizeof magic);
    little_endian_put_u32(out + FORMAT_AT, CHAIN_FORMAT);
    memcpy(out + STORE_AT, store_id.bytes, sizeof store_id.bytes);
    little_endian_put_u32(out + HEADER_CRC_AT, crc32c(out, HEADER_CRC_AT));
}

enum status chain_header_check(const uint8_t bytes[CHAIN_HEADER_BYTES], struct uuid store_id,
                               struct error *err)
{
    bool whole = memcmp(bytes, magic, sizeof magic) == 0 &&
                 little_endian_get_u32(bytes + HEADER_CRC_AT) == crc32c(bytes, HEADER_CRC_AT);
    uint32_t format = little_endian_get_u32(bytes + FORMAT_AT);
    if (!whole || format == 0) {
        return error_set(err, STATUS_CORRUPT, 0, "the beginning of the store's chain is damaged");
    }
    if (format > CHAIN_FORMAT) {
        return error_set(err, STATUS_INVALID, 0,
                         "the store's chain was written by a newer version of this program (format "
                         "%u, this one knows %d); use that version",
                         (unsigned)format, CHAIN_FORMAT);
    }
    if (memcmp(bytes + STORE_AT, store_id.bytes, sizeof store_id.bytes) != 0) {
        return error_set(err, STATUS_CORRUPT, 0, "the file chain is that of another store");
    }
    return STATUS_OK;
}

enum status chain_start(struct sha256 *sha256, struct uuid store_id, struct chain_end *out_end)
{
    uint8_t header[CHAIN_HEADER_BYTES];
    struct chain_end end = {.bytes = CHAIN_HEADER_BYTES};
    chain_header_encode(store_id, header);
    enum status status = hash_as(sha256, HEADER, header, HEADER_CRC_AT, end.hash);
    if (status == STATUS_OK) {
        *out_end = end;
    }
    return status;
}

/* Writing ----------------------------------------------------------------------------------- */

static void append_u32(struct buffer *bytes, uint32_t value)
{
    uint8_t four[sizeof value];
    little_endian_put_u32(four, value);
    buffer_append(bytes, four, sizeof four);
}

static void append_u64(struct buffer *bytes, uint64_t value)
{
    uint8_t eight[sizeof value];
    little_endian_put_u64(eight, value);
    buffer_append(bytes, eight, sizeof eight);
}

static void append_seal(struct buffer *bytes, const struct chain_seal *seal)
{
    ASSERT(seal->source_count <= PART_SOURCES_MAX);
    append_u64(bytes, seal->number);
    append_u64(bytes, (uint64_t)seal->time_ms);
    append_u64(bytes, seal->rows);
    buffer_append(bytes, seal->root, sizeof seal->root);
    append_u32(bytes, seal->source_count);
    for (uint32_t i = 0; i < seal->source_count; i++) {
        const struct part_source *source = &seal->sources[i];
        buffer_append(bytes, source->log_id.bytes, sizeof source->log_id.bytes);
        append_u32(bytes, (uint32_t)source->partition);
        append_u64(bytes, (uint64_t)source->begin);
        append_u64(bytes, (uint64_t)source->end);
    }
}

static void append_erasure(struct buffer *bytes, const struct chain_erasure *erasure)
{
    append_u64(bytes, erasure->number);
    append_u64(bytes, (uint64_t)erasure->erased_at_ms);
    append_u64(bytes, erasure->rows);
    buffer_append(bytes, erasure->salt, sizeof erasure->salt);
    buffer_append(bytes, erasure->user_hash, sizeof erasure->user_hash);
}

static void append_expiry(struct buffer *bytes, const struct chain_expiry *expiry)
{
    ASSERT(expiry->range_count <= CHAIN_RANGES_MAX);
    append_u64(bytes, (uint64_t)expiry->time_ms);
    append_u64(bytes, expiry->rows);
    append_u32(bytes, expiry->range_count);
    for (uint32_t i = 0; i < expiry->range_count; i++) {
        append_u64(bytes, expiry->ranges[i].first);
        append_u64(bytes, expiry->ranges[i].last);
    }
}

static void append_left_out(struct buffer *bytes, const struct chain_left_out *left_out)
{
    ASSERT(left_out->leaf_count <= CHAIN_LEAVES_MAX);
    append_u32(bytes, left_out->leaf_count);
    for (uint32_t i = 0; i < left_out->leaf_count; i++) {
        const struct placed_leaf *leaf = &left_out->leaves[i];
        buffer_append(bytes, leaf->log_id.bytes, sizeof leaf->log_id.bytes);
        append_u32(bytes, (uint32_t)leaf->partition);
        append_u64(bytes, (uint64_t)leaf->offset);
        buffer_append(bytes, leaf->hash, sizeof leaf->hash);
    }
}

static void append_body(struct buffer *bytes, const struct chain_record *record)
{
    switch (record->kind) {
    case CHAIN_SEAL:
        append_seal(bytes, &record->seal);
        break;
    case CHAIN_ERASURE:
        append_erasure(bytes, &record->erasure);
        break;
    case CHAIN_EXPIRY:
        append_expiry(bytes, &record->expiry);
        break;
    case CHAIN_LEFT_OUT:
        append_left_out(bytes, &record->left_out);
        break;
    }
}

/* Where the chain ends behind the record of `len` bytes. */
static enum status end_behind(struct sha256 *sha256, const uint8_t *record, size_t len,
                              const struct chain_end *behind, struct chain_end *out_end)
{
    struct chain_end end = {.records = behind->records + 1,
                            .seals = behind->seals + (record[KIND_AT] == CHAIN_SEAL ? 1 : 0),
                            .bytes = behind->bytes + len};
    enum status status = hash_as(sha256, RECORD, record, len - CHAIN_CRC_BYTES, end.hash);
    if (status == STATUS_OK) {
        *out_end = end;
    }
    return status;
}

enum status chain_record_encode(struct sha256 *sha256, const struct chain_record *record,
                                const struct chain_end *behind, struct buffer *bytes,
                                struct chain_end *out_end)
{
    uint8_t head[CHAIN_HEAD_BYTES] = {[KIND_AT] = (uint8_t)record->kind};
    size_t begin = bytes->len;
    ASSERT(record->kind != CHAIN_SEAL || record->seal.number == behind->seals + 1);
    little_endian_put_u64(head + NUMBER_AT, behind->records + 1);
    memcpy(head + PREVIOUS_AT, behind->hash, sizeof behind->hash);
    buffer_append(bytes, head, sizeof head);
    append_body(bytes, record);
    if (bytes->failed != STATUS_OK) {
        return bytes->failed;
    }
    uint8_t *written = (uint8_t *)bytes->data + begin;
    size_t len = bytes->len - begin;
    little_endian_put_u32(written, (uint32_t)(len - CHAIN_HEAD_BYTES));
    append_u32(bytes, crc32c(written, len));
    if (bytes->failed != STATUS_OK) {
        return bytes->failed;
    }
    return end_behind(sha256, (uint8_t *)bytes->data + begin, bytes->len - begin, behind, out_end);
}

/* Reading ----------------------------------------------------------------------------------- */

size_t chain_record_bytes(uint32_t length)
{
    return length > CHAIN_BODY_BYTES_MAX ? 0 : CHAIN_HEAD_BYTES + length + CHAIN_CRC_BYTES;
}

static uint32_t read_u32(struct reading *reading)
{
    const uint8_t *bytes = reading_take(reading, sizeof(uint32_t));
    return bytes == NULL ? 0 : little_endian_get_u32(bytes);
}

static uint64_t read_u64(struct reading *reading)
{
    const uint8_t *bytes = reading_take(reading, sizeof(uint64_t));
    return bytes == NULL ? 0 : little_endian_get_u64(bytes);
}

static void read_bytes(struct reading *reading, uint8_t *out_bytes, size_t len)
{
    const uint8_t *bytes = reading_take(reading, len);
    if (bytes != NULL) {
        memcpy(out_bytes, bytes, len);
    }
}

/* How many items follow; fails beyond `max`. */
static uint32_t read_count(struct reading *reading, uint32_t max)
{
    uint32_t count = read_u32(reading);
    reading->failed = reading->failed || count > max;
    return reading->failed ? 0 : count;
}

static void read_source(struct reading *reading, struct part_source *out_source)
{
    struct part_source source = {0};
    read_bytes(reading, source.log_id.bytes, sizeof source.log_id.bytes);
    source.partition = (int32_t)read_u32(reading);
    source.begin = (int64_t)read_u64(reading);
    source.end = (int64_t)read_u64(reading);
    reading->failed =
        reading->failed || source.partition < 0 || source.begin < 0 || source.begin > source.end;
    *out_source = source;
}

static struct chain_seal read_seal(struct reading *reading, struct chain_lists *lists)
{
    struct chain_seal seal = {.number = read_u64(reading), .sources = lists->sources};
    seal.time_ms = (int64_t)read_u64(reading);
    seal.rows = read_u64(reading);
    read_bytes(reading, seal.root, sizeof seal.root);
    seal.source_count = read_count(reading, PART_SOURCES_MAX);
    for (uint32_t i = 0; i < seal.source_count; i++) {
        read_source(reading, &lists->sources[i]);
    }
    return seal;
}

static struct chain_erasure read_erasure(struct reading *reading)
{
    struct chain_erasure erasure = {.number = read_u64(reading)};
    erasure.erased_at_ms = (int64_t)read_u64(reading);
    erasure.rows = read_u64(reading);
    read_bytes(reading, erasure.salt, sizeof erasure.salt);
    read_bytes(reading, erasure.user_hash, sizeof erasure.user_hash);
    return erasure;
}

/* Ranges of seals that are there: ascending, and none above `seals`. */
static struct chain_expiry read_expiry(struct reading *reading, uint64_t seals,
                                       struct chain_lists *lists)
{
    struct chain_expiry expiry = {.time_ms = (int64_t)read_u64(reading), .ranges = lists->ranges};
    uint64_t before = 0;
    expiry.rows = read_u64(reading);
    expiry.range_count = read_count(reading, CHAIN_RANGES_MAX);
    for (uint32_t i = 0; i < expiry.range_count; i++) {
        struct chain_seal_range range = {.first = read_u64(reading)};
        range.last = read_u64(reading);
        reading->failed = reading->failed || range.first <= before || range.last < range.first ||
                          range.last > seals;
        before = range.last;
        lists->ranges[i] = range;
    }
    return expiry;
}

static struct chain_left_out read_left_out(struct reading *reading, struct chain_lists *lists)
{
    struct chain_left_out left_out = {.leaves = lists->leaves,
                                      .leaf_count = read_count(reading, CHAIN_LEAVES_MAX)};
    for (uint32_t i = 0; i < left_out.leaf_count; i++) {
        struct placed_leaf *leaf = &lists->leaves[i];
        read_bytes(reading, leaf->log_id.bytes, sizeof leaf->log_id.bytes);
        leaf->partition = (int32_t)read_u32(reading);
        leaf->offset = (int64_t)read_u64(reading);
        read_bytes(reading, leaf->hash, sizeof leaf->hash);
    }
    return left_out;
}

static struct chain_record read_body(struct reading *reading, uint8_t kind, uint64_t seals,
                                     struct chain_lists *lists)
{
    struct chain_record record = {.kind = (enum chain_kind)kind};
    switch (kind) {
    case CHAIN_SEAL:
        record.seal = read_seal(reading, lists);
        reading->failed = reading->failed || record.seal.number != seals + 1;
        break;
    case CHAIN_ERASURE:
        record.erasure = read_erasure(reading);
        break;
    case CHAIN_EXPIRY:
        record.expiry = read_expiry(reading, seals, lists);
        break;
    case CHAIN_LEFT_OUT:
        record.left_out = read_left_out(reading, lists);
        break;
    default:
        reading->failed = true;
    }
    return record;
}

/* Whole, and the one behind `end`. */
static bool follows(const uint8_t *bytes, size_t len, const struct chain_end *end)
{
    size_t covered = len - CHAIN_CRC_BYTES;
    return little_endian_get_u32(bytes + covered) == crc32c(bytes, covered) &&
           little_endian_get_u64(bytes + NUMBER_AT) == end->records + 1 &&
           memcmp(bytes + PREVIOUS_AT, end->hash, sizeof end->hash) == 0;
}

enum status chain_record_decode(struct sha256 *sha256, const uint8_t *bytes,
                                struct chain_lists *lists, struct chain_end *end,
                                struct chain_record *out_record)
{
    uint32_t length = little_endian_get_u32(bytes);
    size_t len = chain_record_bytes(length);
    if (len == 0 || !follows(bytes, len, end)) {
        return STATUS_CORRUPT;
    }
    struct reading reading = reading_of(bytes + CHAIN_HEAD_BYTES, length);
    struct chain_record record = read_body(&reading, bytes[KIND_AT], end->seals, lists);
    if (!reading_is_complete(&reading)) {
        return STATUS_CORRUPT;
    }
    enum status status = end_behind(sha256, bytes, len, end, end);
    if (status == STATUS_OK) {
        *out_record = record;
    }
    return status;
}
