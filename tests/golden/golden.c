#include "golden.h"

#include "application/activity_json.h"
#include "base/assert.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

const struct uuid golden_log_id = {{1, 2, 3, 4, 5, 6, 0x47, 8, 0x89}};

void golden_append_row(struct buffer *lines, const struct activity *activity, int32_t source,
                       int64_t offset)
{
    char text[120];
    int len = snprintf(text, sizeof text,
                       "{\"source\":%" PRId32 ",\"offset\":%" PRId64 ",\"receivedAtMs\":%" PRId64
                       ",\"activity\":",
                       source, offset, activity->received_at_ms);
    buffer_append(lines, text, (size_t)len);
    activity_json_append(lines, activity);
    buffer_append_str(lines, STR("}\n"));
    ASSERT(lines->failed == STATUS_OK);
}

static void cover(struct manifest *manifest, uint8_t log, int32_t partition, int64_t offset)
{
    const struct uuid log_id = {{log, 7, 7}};
    const struct position position = {.partition = partition, .offset = offset};
    struct position_set *positions;
    enum status status = coverage_of(&manifest->covered, log_id, &positions);
    ASSERT(status == STATUS_OK);
    status = position_set_raise(positions, position);
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

void golden_manifest(struct manifest *out_manifest)
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
