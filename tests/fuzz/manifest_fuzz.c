/*
 * A manifest of any bytes: what is taken for one comes back the same when it is saved and loaded
 * again. The first byte of the input says whether length and checksum are repaired.
 */
#include "base/assert.h"
#include "base/little_endian.h"
#include "fuzz.h"
#include "fuzz_disk.h"
#include "infrastructure/activity_store_local/manifest.h"
#include "infrastructure/disk/disk_simulated.h"

#include <stdlib.h>

enum { LENGTH_AT = 12, FRAME_BYTES = 20 };

static void expect_same_positions(const struct position_set *a, const struct position_set *b)
{
    ASSERT(a->count == b->count);
    for (size_t i = 0; i < a->count; i++) {
        ASSERT(a->items[i].partition == b->items[i].partition);
        ASSERT(a->items[i].offset == b->items[i].offset);
    }
}

static void expect_same(const struct manifest *a, const struct manifest *b)
{
    ASSERT(uuid_equal(a->store_id, b->store_id) && a->next_part == b->next_part &&
           a->next_erasure == b->next_erasure);
    ASSERT(memcmp(&a->chain, &b->chain, sizeof a->chain) == 0);
    ASSERT(a->part_count == b->part_count && a->covered.count == b->covered.count &&
           a->tombstones.count == b->tombstones.count);
    for (size_t i = 0; i < a->part_count; i++) {
        ASSERT(memcmp(&a->parts[i], &b->parts[i], sizeof a->parts[i]) == 0);
    }
    for (size_t i = 0; i < a->covered.count; i++) {
        ASSERT(uuid_equal(a->covered.logs[i].log_id, b->covered.logs[i].log_id));
        expect_same_positions(&a->covered.logs[i].positions, &b->covered.logs[i].positions);
        expect_same_positions(&a->covered.logs[i].starts, &b->covered.logs[i].starts);
        ASSERT(memcmp(&a->covered.logs[i].counts, &b->covered.logs[i].counts,
                      sizeof a->covered.logs[i].counts) == 0);
    }
    for (size_t i = 0; i < a->tombstones.count; i++) {
        ASSERT(str_equal(a->tombstones.items[i].user_id, b->tombstones.items[i].user_id));
        ASSERT(a->tombstones.items[i].erased_at_ms == b->tombstones.items[i].erased_at_ms);
        ASSERT(a->tombstones.items[i].number == b->tombstones.items[i].number);
    }
}

static void expect_round_trip(const struct manifest *manifest)
{
    const struct disk_simulated_options options = {.seed = 1};
    struct disk *disk = disk_simulated_new(&options);
    struct manifest copy;
    struct manifest again;
    bool unknown;
    ASSERT(disk != NULL && manifest_copy(manifest, &copy) == STATUS_OK);
    ASSERT(disk_make_directory(disk, "store", NULL) == STATUS_OK);
    ASSERT(manifest_save(disk, "store", &copy, &unknown, NULL) == STATUS_OK);
    ASSERT(manifest_load(disk, "store", &again, NULL) == STATUS_OK);
    expect_same(manifest, &again);
    manifest_deinit(&copy);
    manifest_deinit(&again);
    disk_simulated_free(disk);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_disk disk;
    struct manifest manifest;
    struct error err = {0};
    if (size == 0) {
        return 0;
    }
    uint8_t *bytes = (uint8_t *)fuzz_copy(data + 1, size - 1, 0);
    fuzz_disk_init(&disk, bytes, size - 1);
    disk.repairs = data[0] % 2 == 1 && disk.len >= FRAME_BYTES;
    if (disk.repairs) {
        little_endian_put_u32(bytes + LENGTH_AT, (uint32_t)(disk.len - FRAME_BYTES));
    }
    enum status status = manifest_load(&disk.disk, "store", &manifest, &err);
    if (status == STATUS_OK) {
        expect_round_trip(&manifest);
        manifest_deinit(&manifest);
    } else {
        ASSERT(status == STATUS_CORRUPT || status == STATUS_INVALID);
        fuzz_expect_text(err.message);
    }
    free(bytes);
    return 0;
}
