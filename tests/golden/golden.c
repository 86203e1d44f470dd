#include "golden.h"

#include "application/activity_json.h"
#include "base/assert.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

const struct uuid golden_log_id = {{1, 2, 3, 4, 5, 6, 0x47, 8, 0x89}};

const struct uuid golden_store_id = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

/* Rows -------------------------------------------------------------------------------------- */

void golden_append_row(struct buffer *lines, const struct part_row *row)
{
    buffer_append_format(lines,
                         "{\"source\":%" PRIu32 ",\"offset\":%" PRId64 ",\"receivedAtMs\":%" PRId64,
                         row->source, row->offset, row->activity.received_at_ms);
    if (row->salt != 0) {
        buffer_append_format(lines, ",\"salt\":\"%016" PRIx64 "\"", row->salt);
    }
    if (row->activity.trace.len > 0) {
        buffer_append_literal(lines, ",\"trace\":\"");
        buffer_append_str(lines, row->activity.trace);
        buffer_append_char(lines, '"');
    }
    buffer_append_literal(lines, ",\"activity\":");
    activity_json_append(lines, &row->activity);
    buffer_append_literal(lines, "}\n");
    ASSERT(lines->failed == STATUS_OK);
}

/* Records ----------------------------------------------------------------------------------- */

static void append_hex(struct buffer *line, const char *name, const uint8_t *bytes, size_t len)
{
    buffer_append_format(line, ",\"%s\":\"", name);
    for (size_t i = 0; i < len; i++) {
        buffer_append_format(line, "%02x", bytes[i]);
    }
    buffer_append_char(line, '"');
}

static void append_place(struct buffer *line, struct uuid log_id, int32_t partition)
{
    char text[UUID_TEXT_BYTES];
    uuid_format(log_id, text);
    buffer_append_format(line, "{\"logId\":\"%.*s\",\"partition\":%" PRId32, UUID_TEXT_BYTES, text,
                         partition);
}

static void append_seal(struct buffer *line, const struct chain_seal *seal)
{
    buffer_append_format(line,
                         "{\"seal\":%" PRIu64 ",\"timeMs\":%" PRId64 ",\"activities\":%" PRIu64,
                         seal->number, seal->time_ms, seal->rows);
    append_hex(line, "root", seal->root, sizeof seal->root);
    buffer_append_literal(line, ",\"sources\":[");
    for (uint32_t i = 0; i < seal->source_count; i++) {
        const struct part_source *source = &seal->sources[i];
        append_place(line, source->log_id, source->partition);
        buffer_append_format(line, ",\"begin\":%" PRId64 ",\"end\":%" PRId64 "}%s", source->begin,
                             source->end, i + 1 < seal->source_count ? "," : "");
    }
    buffer_append_char(line, ']');
}

static void append_erasure(struct buffer *line, const struct chain_erasure *erasure)
{
    buffer_append_format(
        line, "{\"erasure\":%" PRIu64 ",\"erasedAtMs\":%" PRId64 ",\"activities\":%" PRIu64,
        erasure->number, erasure->erased_at_ms, erasure->rows);
    append_hex(line, "salt", erasure->salt, sizeof erasure->salt);
    append_hex(line, "user", erasure->user_hash, sizeof erasure->user_hash);
}

static void append_expiry(struct buffer *line, const struct chain_expiry *expiry)
{
    buffer_append_literal(line, "{\"expiry\":[");
    for (uint32_t i = 0; i < expiry->range_count; i++) {
        buffer_append_format(line, "[%" PRIu64 ",%" PRIu64 "]%s", expiry->ranges[i].first,
                             expiry->ranges[i].last, i + 1 < expiry->range_count ? "," : "");
    }
    buffer_append_format(line, "],\"timeMs\":%" PRId64 ",\"activities\":%" PRIu64, expiry->time_ms,
                         expiry->rows);
}

static void append_left_out(struct buffer *line, const struct chain_left_out *left_out)
{
    buffer_append_literal(line, "{\"leftOut\":[");
    for (uint32_t i = 0; i < left_out->leaf_count; i++) {
        const struct placed_leaf *leaf = &left_out->leaves[i];
        append_place(line, leaf->log_id, leaf->partition);
        buffer_append_format(line, ",\"offset\":%" PRId64, leaf->offset);
        append_hex(line, "leaf", leaf->hash, sizeof leaf->hash);
        buffer_append_format(line, "}%s", i + 1 < left_out->leaf_count ? "," : "");
    }
    buffer_append_char(line, ']');
}

void golden_append_record(struct buffer *lines, const struct chain_record *record,
                          const struct chain_end *end)
{
    switch (record->kind) {
    case CHAIN_SEAL:
        append_seal(lines, &record->seal);
        break;
    case CHAIN_ERASURE:
        append_erasure(lines, &record->erasure);
        break;
    case CHAIN_EXPIRY:
        append_expiry(lines, &record->expiry);
        break;
    case CHAIN_LEFT_OUT:
        append_left_out(lines, &record->left_out);
        break;
    }
    buffer_append_format(
        lines, ",\"end\":{\"records\":%" PRIu64 ",\"seals\":%" PRIu64 ",\"bytes\":%" PRIu64,
        end->records, end->seals, end->bytes);
    append_hex(lines, "hash", end->hash, sizeof end->hash);
    buffer_append_literal(lines, "}}\n");
    ASSERT(lines->failed == STATUS_OK);
}

/* Manifests --------------------------------------------------------------------------------- */

static void cover(struct manifest *manifest, uint8_t log, int32_t partition, int64_t offset)
{
    const struct uuid log_id = {{log, 7, 7}};
    const struct position position = {.partition = partition, .offset = offset};
    struct log_coverage *log_covered;
    enum status status = coverage_log(&manifest->covered, log_id, &log_covered);
    ASSERT(status == STATUS_OK);
    status = position_set_raise(&log_covered->positions, position);
    ASSERT(status == STATUS_OK);
    status = position_set_raise(&log_covered->starts, position); /* as of a format without counts */
    ASSERT(status == STATUS_OK);
}

static void bury(struct manifest *manifest, const char *user_id, int64_t erased_at_ms)
{
    const struct tombstone erased = {.user_id = str_from(user_id),
                                     .erased_at_ms = erased_at_ms,
                                     .number = manifest->next_erasure++};
    enum status status = tombstones_set(&manifest->tombstones, &erased);
    ASSERT(status == STATUS_OK);
}

static void add_part(struct manifest *manifest, uint64_t rows, uint64_t bytes)
{
    const struct manifest_part part = {.number = manifest->next_part++,
                                       .rows = rows,
                                       .bytes = bytes,
                                       .erasures = manifest->next_erasure};
    enum status status = manifest_replace(manifest, manifest->part_count, 0, &part);
    ASSERT(status == STATUS_OK);
}

void golden_manifest_1(struct manifest *out_manifest)
{
    manifest_init(out_manifest, (struct uuid){{0xab, 0xcd, 0xef, 1}});
    add_part(out_manifest, 1, 1234);
    bury(out_manifest, "ann", 1700000000000);
    add_part(out_manifest, 2000000, INT64_C(1) << 40);
    bury(out_manifest, "\xc3\xbcser", 0);
    add_part(out_manifest, 300, 40000);
    cover(out_manifest, 1, 0, 0);
    cover(out_manifest, 2, 0, INT64_MAX);
    cover(out_manifest, 2, 7, 123456789);
}

/* Its first part is from before there was a chain, and the fourth seal has expired. */
void golden_manifest_2(struct manifest *out_manifest)
{
    golden_manifest_1(out_manifest);
    out_manifest->chain = (struct chain_end){.records = 300, .seals = 6, .bytes = 1234567};
    for (size_t i = 0; i < sizeof out_manifest->chain.hash; i++) {
        out_manifest->chain.hash[i] = (uint8_t)(0xf0 - i);
    }
    out_manifest->parts[1].seals = (struct seal_range){1, 4};
    out_manifest->parts[2].seals = (struct seal_range){5, 7};
}

/* Its logs are counted, of the first one each partition from another start. */
void golden_manifest_3(struct manifest *out_manifest)
{
    struct log_coverage *log;
    golden_manifest_2(out_manifest);
    enum status status = coverage_log(&out_manifest->covered, (struct uuid){{2, 7, 7}}, &log);
    ASSERT(status == STATUS_OK);
    log->starts.items[0].offset = INT64_MAX - 1000;
    log->starts.items[1].offset = 0;
    log->counts = (struct log_counts){
        .outcomes = {123450000, 4000, 300, 3000, 400, 89}, .foreign = 77, .replayed = UINT64_MAX};
}

/* Files ------------------------------------------------------------------------------------- */

char *golden_read(const char *path, size_t *out_len)
{
    FILE *file = fopen(path, "re");
    char *bytes = NULL;
    long len = -1;
    if (file != NULL && fseek(file, 0, SEEK_END) == 0) {
        len = ftell(file);
        rewind(file);
    }
    if (len >= 0) {
        bytes = malloc((size_t)len + 1);
        ASSERT(bytes != NULL);
        *out_len = fread(bytes, 1, (size_t)len, file);
    }
    if (bytes == NULL || *out_len != (size_t)len) {
        perror(path);
        free(bytes);
        bytes = NULL;
    }
    if (file != NULL) {
        fclose(file);
    }
    return bytes;
}
