#include "infrastructure/activity_store_local/manifest.h"

#include "base/assert.h"
#include "base/buffer.h"
#include "base/crc32c.h"
#include "base/little_endian.h"
#include "infrastructure/activity_store_local/reading.h"
#include "infrastructure/disk/whole_file.h"

#include <stdlib.h>

#define MANIFEST_BYTES_MAX ((size_t)1 << 30)

enum { HEADER_BYTES = 16, CRC_BYTES = 4, USER_BYTES_MAX = 1024, FORMAT_OF_COUNTS = 3 };

static const uint8_t magic[8] = {'u', 't', 'm', 'a', 'n', 'i', 'f', '\n'};

void manifest_init(struct manifest *manifest, struct uuid store_id)
{
    *manifest = (struct manifest){.store_id = store_id, .next_part = 1, .next_erasure = 1};
    coverage_init(&manifest->covered);
    tombstones_init(&manifest->tombstones);
}

void manifest_deinit(struct manifest *manifest)
{
    free(manifest->parts);
    coverage_deinit(&manifest->covered);
    tombstones_deinit(&manifest->tombstones);
    *manifest = (struct manifest){0};
}

static enum status copy_parts(const struct manifest *manifest, struct manifest *copy)
{
    if (manifest->part_count == 0) {
        return STATUS_OK;
    }
    copy->parts = malloc(manifest->part_count * sizeof *copy->parts);
    if (copy->parts == NULL) {
        return STATUS_NO_MEMORY;
    }
    memcpy(copy->parts, manifest->parts, manifest->part_count * sizeof *copy->parts);
    copy->part_count = manifest->part_count;
    return STATUS_OK;
}

enum status manifest_copy(const struct manifest *manifest, struct manifest *out_copy)
{
    struct manifest copy;
    manifest_init(&copy, manifest->store_id);
    copy.next_part = manifest->next_part;
    copy.next_erasure = manifest->next_erasure;
    copy.chain = manifest->chain;
    enum status status = copy_parts(manifest, &copy);
    if (status == STATUS_OK) {
        status = coverage_raise_all(&copy.covered, &manifest->covered);
    }
    for (size_t i = 0; status == STATUS_OK && i < manifest->tombstones.count; i++) {
        status = tombstones_set(&copy.tombstones, &manifest->tombstones.items[i]);
    }
    if (status != STATUS_OK) {
        manifest_deinit(&copy);
        return STATUS_NO_MEMORY;
    }
    *out_copy = copy;
    return STATUS_OK;
}

enum status manifest_replace(struct manifest *manifest, size_t begin, size_t count,
                             const struct manifest_part *added)
{
    ASSERT(begin + count <= manifest->part_count);
    size_t behind = manifest->part_count - begin - count;
    size_t extra = added == NULL ? 0 : 1;
    struct manifest_part *parts = manifest->parts;
    if (extra > count) {
        parts = realloc(parts, (manifest->part_count + 1) * sizeof *parts);
        if (parts == NULL) {
            return STATUS_NO_MEMORY;
        }
        manifest->parts = parts;
    }
    if (behind > 0) {
        memmove(parts + begin + extra, parts + begin + count, behind * sizeof *parts);
    }
    if (added != NULL) {
        parts[begin] = *added;
    }
    manifest->part_count = begin + extra + behind;
    return STATUS_OK;
}

/* Writing ----------------------------------------------------------------------------------- */

static void append_parts(const struct manifest *manifest, struct buffer *out)
{
    varint_append(out, manifest->part_count);
    for (size_t i = 0; i < manifest->part_count; i++) {
        const struct manifest_part *part = &manifest->parts[i];
        varint_append(out, part->number);
        varint_append(out, part->rows);
        varint_append(out, part->bytes);
        varint_append(out, part->erasures);
        varint_append(out, part->seals.begin);
        varint_append(out, part->seals.end - part->seals.begin);
    }
}

static void append_chain(const struct manifest *manifest, struct buffer *out)
{
    varint_append(out, manifest->chain.records);
    varint_append(out, manifest->chain.seals);
    varint_append(out, manifest->chain.bytes);
    buffer_append(out, manifest->chain.hash, sizeof manifest->chain.hash);
}

static void append_counts(const struct log_counts *counts, struct buffer *out)
{
    for (size_t i = 0; i < OUTCOME_COUNT; i++) {
        varint_append(out, counts->outcomes[i]);
    }
    varint_append(out, counts->foreign);
    varint_append(out, counts->replayed);
}

static void append_log(const struct log_coverage *log, struct buffer *out)
{
    buffer_append(out, log->log_id.bytes, sizeof log->log_id.bytes);
    varint_append(out, log->positions.count);
    for (size_t i = 0; i < log->positions.count; i++) {
        struct position position = log->positions.items[i];
        bool counted = position_set_has(&log->starts, position.partition);
        int64_t start = position_set_get(&log->starts, position.partition);
        varint_append(out, (uint64_t)position.partition);
        varint_append(out, (uint64_t)position.offset);
        varint_append(out, counted ? (uint64_t)start + 1 : 0);
    }
    append_counts(&log->counts, out);
}

static void append_covered(const struct coverage *covered, struct buffer *out)
{
    varint_append(out, covered->count);
    for (size_t i = 0; i < covered->count; i++) {
        append_log(&covered->logs[i], out);
    }
}

static void append_tombstones(const struct tombstones *tombstones, struct buffer *out)
{
    varint_append(out, tombstones->count);
    for (size_t i = 0; i < tombstones->count; i++) {
        const struct tombstone *tombstone = &tombstones->items[i];
        varint_append(out, tombstone->number);
        varint_append(out, zigzag(tombstone->erased_at_ms));
        varint_append(out, tombstone->user_id.len);
        buffer_append_str(out, tombstone->user_id);
    }
}

static enum status encode(const struct manifest *manifest, struct buffer *out)
{
    uint8_t header[HEADER_BYTES] = {0};
    uint8_t crc[CRC_BYTES];
    buffer_append(out, header, sizeof header);
    buffer_append(out, manifest->store_id.bytes, sizeof manifest->store_id.bytes);
    varint_append(out, manifest->next_part);
    varint_append(out, manifest->next_erasure);
    append_chain(manifest, out);
    append_parts(manifest, out);
    append_covered(&manifest->covered, out);
    append_tombstones(&manifest->tombstones, out);
    if (out->failed != STATUS_OK) {
        return out->failed;
    }
    memcpy(header, magic, sizeof magic);
    little_endian_put_u32(header + 8, MANIFEST_FORMAT);
    little_endian_put_u32(header + 12, (uint32_t)(out->len - HEADER_BYTES));
    memcpy(out->data, header, sizeof header);
    little_endian_put_u32(crc, crc32c(out->data, out->len));
    buffer_append(out, crc, sizeof crc);
    return out->failed;
}

enum status manifest_save(struct disk *disk, const char *directory, const struct manifest *manifest,
                          bool *out_unknown, struct error *err)
{
    char path[DISK_PATH_BYTES_MAX];
    char new_path[DISK_PATH_BYTES_MAX];
    struct buffer bytes;
    *out_unknown = false;
    buffer_init(&bytes, MANIFEST_BYTES_MAX);
    enum status status = encode(manifest, &bytes);
    if (status != STATUS_OK) {
        status = error_set(err, status, 0, "there is no memory to write the store's manifest");
    }
    if (status == STATUS_OK) {
        status = disk_path(directory, "manifest", path, err);
    }
    if (status == STATUS_OK) {
        status = disk_path(directory, "manifest.new", new_path, err);
    }
    if (status == STATUS_OK) {
        status = whole_file_make(disk, new_path, DISK_MAKE, buffer_str(&bytes), err);
    }
    buffer_deinit(&bytes);
    if (status != STATUS_OK) {
        return status;
    }
    status = disk_rename(disk, new_path, path, err);
    if (status == STATUS_OK) {
        status = disk_sync_directory(disk, directory, err);
    }
    *out_unknown = status != STATUS_OK;
    return status;
}

/* Reading ----------------------------------------------------------------------------------- */

static enum status corrupt(struct error *err)
{
    return error_set(err, STATUS_CORRUPT, 0,
                     "the store's manifest is damaged, so which parts count is not known; put back "
                     "the store's folder from a copy");
}

static struct uuid read_uuid(struct reading *reading)
{
    struct uuid id = {0};
    const uint8_t *bytes = reading_take(reading, sizeof id.bytes);
    if (bytes != NULL) {
        memcpy(id.bytes, bytes, sizeof id.bytes);
    }
    return id;
}

/* What a body is read with. */
struct body {
    struct reading reading;
    uint32_t format;
};

static void read_chain(struct reading *reading, struct manifest *manifest)
{
    manifest->chain.records = reading_below(reading, UINT64_MAX - 1);
    manifest->chain.seals = reading_below(reading, manifest->chain.records);
    manifest->chain.bytes = reading_varint(reading);
    const uint8_t *hash = reading_take(reading, sizeof manifest->chain.hash);
    if (hash != NULL) {
        memcpy(manifest->chain.hash, hash, sizeof manifest->chain.hash);
    }
}

static void read_seals(struct reading *reading, const struct manifest *manifest,
                       struct manifest_part *part)
{
    uint64_t next = manifest->chain.seals + 1;
    part->seals.begin = reading_below(reading, next);
    part->seals.end = part->seals.begin + reading_below(reading, next - part->seals.begin);
}

static enum status read_parts(struct body *body, struct manifest *manifest)
{
    struct reading *reading = &body->reading;
    uint64_t count = reading_below(reading, MANIFEST_PARTS_MAX);
    if (reading->failed || count == 0) {
        return STATUS_OK;
    }
    manifest->parts = malloc(count * sizeof *manifest->parts);
    if (manifest->parts == NULL) {
        return STATUS_NO_MEMORY;
    }
    manifest->part_count = count;
    for (uint64_t i = 0; i < count; i++) {
        struct manifest_part *part = &manifest->parts[i];
        part->number = reading_varint(reading);
        part->rows = reading_varint(reading);
        part->bytes = reading_varint(reading);
        part->erasures = reading_varint(reading);
        part->seals = (struct seal_range){0};
        if (body->format >= 2) {
            read_seals(reading, manifest, part);
        }
        reading->failed = reading->failed || part->number >= manifest->next_part ||
                          part->erasures > manifest->next_erasure;
    }
    return STATUS_OK;
}

static enum status read_position(struct body *body, struct log_coverage *log)
{
    struct position position = {
        .partition = (int32_t)reading_below(&body->reading, INT32_MAX),
        .offset = (int64_t)reading_below(&body->reading, INT64_MAX),
    };
    uint64_t start = (uint64_t)position.offset + 1;
    if (body->format >= FORMAT_OF_COUNTS) {
        start = reading_below(&body->reading, (uint64_t)INT64_MAX + 1);
    }
    enum status status = position_set_raise(&log->positions, position);
    if (status == STATUS_OK && start > 0) {
        position.offset = (int64_t)(start - 1);
        status = position_set_raise(&log->starts, position);
    }
    return status;
}

static void read_counts(struct reading *reading, struct log_counts *counts)
{
    for (size_t i = 0; i < OUTCOME_COUNT; i++) {
        counts->outcomes[i] = reading_varint(reading);
    }
    counts->foreign = reading_varint(reading);
    counts->replayed = reading_varint(reading);
}

static enum status read_log(struct body *body, struct coverage *covered)
{
    struct log_coverage *log;
    struct uuid log_id = read_uuid(&body->reading);
    uint64_t count = reading_below(&body->reading, POSITION_PARTITIONS_MAX);
    enum status status = coverage_log(covered, log_id, &log);
    for (uint64_t i = 0; status == STATUS_OK && !body->reading.failed && i < count; i++) {
        status = read_position(body, log);
    }
    if (status == STATUS_OK && body->format >= FORMAT_OF_COUNTS) {
        read_counts(&body->reading, &log->counts);
    }
    return status;
}

static enum status read_covered(struct body *body, struct coverage *covered)
{
    enum status status = STATUS_OK;
    uint64_t logs = reading_below(&body->reading, COVERAGE_LOGS_MAX);
    for (uint64_t i = 0; status == STATUS_OK && !body->reading.failed && i < logs; i++) {
        status = read_log(body, covered);
    }
    return status;
}

static enum status read_tombstones(struct reading *reading, struct manifest *manifest)
{
    enum status status = STATUS_OK;
    uint64_t count = reading_below(reading, MANIFEST_BYTES_MAX);
    for (uint64_t i = 0; status == STATUS_OK && !reading->failed && i < count; i++) {
        struct tombstone tombstone = {.number = reading_varint(reading)};
        tombstone.erased_at_ms = reading_signed(reading);
        tombstone.user_id = reading_text(reading, reading_below(reading, USER_BYTES_MAX));
        reading->failed = reading->failed || tombstone.number >= manifest->next_erasure;
        if (!reading->failed) {
            status = tombstones_set(&manifest->tombstones, &tombstone);
        }
    }
    return status;
}

static enum status decode_body(struct body *body, struct manifest *manifest)
{
    struct reading *reading = &body->reading;
    manifest_init(manifest, read_uuid(reading));
    manifest->next_part = reading_varint(reading);
    manifest->next_erasure = reading_varint(reading);
    if (body->format >= 2) {
        read_chain(reading, manifest);
    }
    enum status status = read_parts(body, manifest);
    if (status == STATUS_OK) {
        status = read_covered(body, &manifest->covered);
    }
    return status == STATUS_OK ? read_tombstones(reading, manifest) : status;
}

static enum status decode(const uint8_t *bytes, size_t len, struct manifest *out_manifest,
                          struct error *err)
{
    struct manifest manifest;
    bool framed = len >= HEADER_BYTES + CRC_BYTES && memcmp(bytes, magic, sizeof magic) == 0;
    if (framed && little_endian_get_u32(bytes + 8) > MANIFEST_FORMAT) {
        return error_set(err, STATUS_INVALID, 0,
                         "the store was written by a newer version of this program (format %u, "
                         "this one knows %d); use that version",
                         (unsigned)little_endian_get_u32(bytes + 8), MANIFEST_FORMAT);
    }
    if (!framed || little_endian_get_u32(bytes + 8) == 0 ||
        little_endian_get_u32(bytes + 12) != len - HEADER_BYTES - CRC_BYTES ||
        little_endian_get_u32(bytes + len - CRC_BYTES) != crc32c(bytes, len - CRC_BYTES)) {
        return corrupt(err);
    }
    struct body body = {reading_of(bytes + HEADER_BYTES, len - HEADER_BYTES - CRC_BYTES),
                        little_endian_get_u32(bytes + 8)};
    enum status status = decode_body(&body, &manifest);
    if (status == STATUS_OK && reading_is_complete(&body.reading)) {
        *out_manifest = manifest;
        return STATUS_OK;
    }
    manifest_deinit(&manifest);
    return status == STATUS_NO_MEMORY
               ? error_set(err, status, 0, "there is no memory for the store's manifest")
               : corrupt(err);
}

static enum status read_all(struct disk_file *file, uint8_t **out_bytes, size_t *out_len,
                            struct error *err)
{
    uint64_t size = 0;
    enum status status = disk_file_size(file, &size, err);
    if (status != STATUS_OK) {
        return status;
    }
    if (size > MANIFEST_BYTES_MAX) {
        return corrupt(err);
    }
    uint8_t *bytes = malloc((size_t)size + 1);
    if (bytes == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for the store's manifest");
    }
    struct iovec into = {.iov_base = bytes, .iov_len = (size_t)size};
    status = disk_file_read(file, 0, into, out_len, err);
    if (status != STATUS_OK) {
        free(bytes);
        return status;
    }
    *out_bytes = bytes;
    return STATUS_OK;
}

enum status manifest_read(struct disk_file *file, struct manifest *out_manifest, struct error *err)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum status status = read_all(file, &bytes, &len, err);
    if (status == STATUS_OK) {
        status = decode(bytes, len, out_manifest, err);
    }
    free(bytes);
    return status;
}

enum status manifest_load(struct disk *disk, const char *directory, struct manifest *out_manifest,
                          struct error *err)
{
    char path[DISK_PATH_BYTES_MAX];
    CLEANUP(disk_file_close) struct disk_file *file = NULL;
    enum status status = disk_path(directory, "manifest", path, err);
    if (status == STATUS_OK) {
        status = disk_open(disk, path, DISK_READ, &file, err);
    }
    return status == STATUS_OK ? manifest_read(file, out_manifest, err) : status;
}
