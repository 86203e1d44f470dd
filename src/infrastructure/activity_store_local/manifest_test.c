#include "base/crc32c.h"
#include "base/little_endian.h"
#include "base/random.h"
#include "infrastructure/activity_store_local/manifest.h"
#include "infrastructure/disk/disk_simulated.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

static struct disk *new_disk(void)
{
    const struct disk_simulated_options options = {.seed = 3, .short_writes = true};
    struct disk *disk = disk_simulated_new(&options);
    assert_non_null(disk);
    assert_int_equal(disk_make_durable_directory(disk, "store", NULL), STATUS_OK);
    return disk;
}

enum { SEALS = 210 };

/* `number` tells one from another. */
static void make(struct manifest *manifest, uint64_t number)
{
    struct log_coverage *covered;
    manifest_init(manifest, (struct uuid){{1, 2, 3}});
    manifest->next_part = 100 + number;
    manifest->next_erasure = 50;
    manifest->chain = (struct chain_end){.records = 1000, .seals = SEALS, .bytes = 1 << 30};
    for (size_t i = 0; i < sizeof manifest->chain.hash; i++) {
        manifest->chain.hash[i] = (uint8_t)(0xff - i);
    }
    for (uint64_t i = 0; i < 20; i++) {
        /* The first one has no seals, the last one ends with the last of all. */
        const struct manifest_part part = {.number = 1 + i,
                                           .rows = i * 1000,
                                           .bytes = i << 40,
                                           .erasures = i,
                                           .seals = {i * 10, i * 11 + (i == 19 ? 2 : 0)}};
        assert_int_equal(manifest_replace(manifest, i, 0, &part), STATUS_OK);
    }
    for (uint8_t log = 0; log < 3; log++) {
        assert_int_equal(coverage_log(&manifest->covered, (struct uuid){{log}}, &covered),
                         STATUS_OK);
        for (int32_t partition = 0; partition < 5; partition++) {
            struct position position = {partition, INT64_MAX - partition};
            struct position start = {partition, partition == 0 ? INT64_MAX : partition - 1};
            assert_int_equal(position_set_raise(&covered->positions, position), STATUS_OK);
            if (partition != 4) { /* of which nothing was counted yet */
                assert_int_equal(position_set_raise(&covered->starts, start), STATUS_OK);
            }
        }
        for (size_t i = 0; i < OUTCOME_COUNT; i++) {
            covered->counts.outcomes[i] = (uint64_t)log << (10 * i);
        }
        covered->counts.foreign = UINT64_MAX;
        covered->counts.replayed = log;
    }
    for (uint64_t i = 0; i < 30; i++) {
        char text[1024];
        memset(text, 'a' + (char)(i % 26), sizeof text);
        const struct tombstone tombstone = {
            .user_id = {text, 1 + i * 35}, .erased_at_ms = (int64_t)i * 1000 - 5000, .number = i};
        assert_int_equal(tombstones_set(&manifest->tombstones, &tombstone), STATUS_OK);
    }
}

static void assert_equal_accounts(const struct log_coverage *a, const struct log_coverage *b)
{
    assert_int_equal(a->starts.count, b->starts.count);
    for (size_t i = 0; i < a->starts.count; i++) {
        assert_int_equal(a->starts.items[i].partition, b->starts.items[i].partition);
        assert_int_equal(a->starts.items[i].offset, b->starts.items[i].offset);
    }
    assert_memory_equal(&a->counts, &b->counts, sizeof a->counts);
}

static void assert_equal(const struct manifest *a, const struct manifest *b)
{
    assert_memory_equal(&a->store_id, &b->store_id, sizeof a->store_id);
    assert_int_equal(a->next_part, b->next_part);
    assert_int_equal(a->next_erasure, b->next_erasure);
    assert_int_equal(a->chain.records, b->chain.records);
    assert_int_equal(a->chain.seals, b->chain.seals);
    assert_int_equal(a->chain.bytes, b->chain.bytes);
    assert_memory_equal(a->chain.hash, b->chain.hash, sizeof a->chain.hash);
    assert_int_equal(a->part_count, b->part_count);
    assert_memory_equal(a->parts, b->parts, a->part_count * sizeof *a->parts);
    assert_int_equal(a->covered.count, b->covered.count);
    for (size_t i = 0; i < a->covered.count; i++) {
        const struct position_set *left = &a->covered.logs[i].positions;
        const struct position_set *right = coverage_find(&b->covered, a->covered.logs[i].log_id);
        assert_non_null(right);
        assert_int_equal(left->count, right->count);
        for (size_t j = 0; j < left->count; j++) {
            assert_int_equal(position_set_get(right, left->items[j].partition),
                             left->items[j].offset);
        }
        assert_equal_accounts(&a->covered.logs[i], &b->covered.logs[i]);
    }
    assert_int_equal(a->tombstones.count, b->tombstones.count);
    for (size_t i = 0; i < a->tombstones.count; i++) {
        const struct tombstone *left = &a->tombstones.items[i];
        const struct tombstone *right = &b->tombstones.items[i];
        assert_true(str_equal(left->user_id, right->user_id));
        assert_int_equal(left->erased_at_ms, right->erased_at_ms);
        assert_int_equal(left->number, right->number);
    }
}

static void test_comes_back_as_it_was(void **state)
{
    (void)state;
    struct disk *disk = new_disk();
    struct manifest saved;
    struct manifest copied;
    struct manifest loaded;
    bool unknown;
    assert_int_equal(manifest_load(disk, "store", &loaded, NULL), STATUS_NOT_FOUND);
    make(&saved, 1);
    assert_int_equal(manifest_copy(&saved, &copied), STATUS_OK);
    assert_equal(&saved, &copied);
    assert_int_equal(manifest_save(disk, "store", &saved, &unknown, NULL), STATUS_OK);
    assert_int_equal(manifest_load(disk, "store", &loaded, NULL), STATUS_OK);
    assert_equal(&saved, &loaded);
    manifest_deinit(&saved);
    manifest_deinit(&copied);
    manifest_deinit(&loaded);
    disk_simulated_free(disk);
}

static void test_replace(void **state)
{
    (void)state;
    struct manifest manifest;
    const struct manifest_part part = {.number = 77};
    make(&manifest, 1);
    assert_int_equal(manifest_replace(&manifest, 3, 4, &part), STATUS_OK);
    assert_int_equal(manifest.part_count, 17);
    assert_int_equal(manifest.parts[2].number, 3);
    assert_int_equal(manifest.parts[3].number, 77);
    assert_int_equal(manifest.parts[4].number, 8);
    assert_int_equal(manifest_replace(&manifest, 0, 16, NULL), STATUS_OK);
    assert_int_equal(manifest.part_count, 1);
    assert_int_equal(manifest.parts[0].number, 20);
    manifest_deinit(&manifest);
}

/* Wherever the power goes or the disk fails while one takes the place of another, the one or the
 * other is there, and a failure that leaves no doubt leaves the old one. */
static void test_crash_leaves_one_or_the_other(void **state)
{
    (void)state;
    for (int cut = 0; cut <= 1; cut++) {
        bool ended = false;
        for (uint64_t nth = 1; !ended; nth++) {
            struct disk *disk = new_disk();
            struct manifest before;
            struct manifest after;
            struct manifest loaded;
            bool unknown;
            make(&before, 1);
            make(&after, 2);
            assert_int_equal(manifest_save(disk, "store", &before, &unknown, NULL), STATUS_OK);
            if (cut == 1) {
                disk_simulated_cut_power_at(disk, nth);
            } else {
                disk_simulated_fail_at(disk, nth, 5, false);
            }
            enum status status = manifest_save(disk, "store", &after, &unknown, NULL);
            disk_simulated_cut_power(disk);
            disk_simulated_power_on(disk);
            assert_int_equal(manifest_load(disk, "store", &loaded, NULL), STATUS_OK);
            assert_true(loaded.next_part == before.next_part ||
                        loaded.next_part == after.next_part);
            assert_true(status != STATUS_OK || loaded.next_part == after.next_part);
            assert_true(status == STATUS_OK || unknown || loaded.next_part == before.next_part);
            ended = status == STATUS_OK;
            manifest_deinit(&before);
            manifest_deinit(&after);
            manifest_deinit(&loaded);
            disk_simulated_free(disk);
            assert_true(nth < 1000);
        }
    }
}

static void rewrite(struct disk *disk, const uint8_t *bytes, size_t len)
{
    struct disk_file *file;
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = len};
    assert_int_equal(disk_open(disk, "store/manifest", DISK_WRITE_OR_MAKE, &file, NULL), STATUS_OK);
    assert_int_equal(disk_file_truncate(file, 0, NULL), STATUS_OK);
    assert_int_equal(disk_file_write(file, 0, &part, 1, NULL), STATUS_OK);
    disk_file_close(file);
}

static enum status load(struct disk *disk, struct error *err)
{
    struct manifest loaded;
    enum status status = manifest_load(disk, "store", &loaded, err);
    if (status == STATUS_OK) {
        manifest_deinit(&loaded);
    }
    return status;
}

/* Every bit counts, and every length. */
static void test_damage_is_found(void **state)
{
    (void)state;
    struct disk *disk = new_disk();
    struct manifest manifest;
    struct disk_file *file;
    static uint8_t bytes[65536];
    size_t len;
    bool unknown;
    struct error err;
    make(&manifest, 1);
    assert_int_equal(manifest_save(disk, "store", &manifest, &unknown, NULL), STATUS_OK);
    manifest_deinit(&manifest);
    assert_int_equal(disk_open(disk, "store/manifest", DISK_READ, &file, NULL), STATUS_OK);
    struct iovec into = {.iov_base = bytes, .iov_len = sizeof bytes};
    assert_int_equal(disk_file_read(file, 0, into, &len, NULL), STATUS_OK);
    disk_file_close(file);
    for (size_t bit = 0; bit < len * 8; bit += bit < 512 ? 1 : 61) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        rewrite(disk, bytes, len);
        enum status status = load(disk, &err);
        assert_true(status == STATUS_CORRUPT || (status == STATUS_INVALID && bit / 32 == 2));
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t cut = 0; cut < len; cut += cut < 64 ? 1 : 37) {
        rewrite(disk, bytes, cut);
        assert_int_equal(load(disk, &err), STATUS_CORRUPT);
    }
    rewrite(disk, bytes, len);
    assert_int_equal(load(disk, &err), STATUS_OK);
    bytes[8] = MANIFEST_FORMAT + 1;
    rewrite(disk, bytes, len);
    assert_int_equal(load(disk, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "newer version"));
    disk_simulated_free(disk);
}

/* Whatever is saved with this chain and this part's seals. */
static enum status load_with(const struct chain_end *chain, struct seal_range seals)
{
    CLEANUP(disk_simulated_free) struct disk *disk = new_disk();
    struct manifest manifest;
    struct error err;
    bool unknown;
    make(&manifest, 1);
    manifest.chain = *chain;
    for (size_t i = 0; i < manifest.part_count; i++) {
        manifest.parts[i].seals = (struct seal_range){0};
    }
    manifest.parts[7].seals = seals;
    assert_int_equal(manifest_save(disk, "store", &manifest, &unknown, NULL), STATUS_OK);
    manifest_deinit(&manifest);
    return load(disk, &err);
}

/* The work of a program that is wrong. */
static void test_seals_beyond_the_chain_are_refused(void **state)
{
    (void)state;
    static const struct chain_end chain = {.records = 12, .seals = 9, .bytes = 2000};
    static const struct seal_range right[] = {{0, 0}, {1, 10}, {9, 10}, {10, 10}, {5, 5}};
    static const struct seal_range wrong[] = {{1, 11}, {10, 11}, {11, 11}, {2, 1}, {5, UINT64_MAX}};
    for (size_t i = 0; i < ARRAY_LENGTH(right); i++) {
        assert_int_equal(load_with(&chain, right[i]), STATUS_OK);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        assert_int_equal(load_with(&chain, wrong[i]), STATUS_CORRUPT);
    }
}

static void test_more_seals_than_records_are_refused(void **state)
{
    (void)state;
    static const struct seal_range none;
    struct chain_end chain = {.records = 12, .seals = 12, .bytes = 2000};
    assert_int_equal(load_with(&chain, none), STATUS_OK);
    chain.seals++;
    assert_int_equal(load_with(&chain, none), STATUS_CORRUPT);
    chain = (struct chain_end){.records = UINT64_MAX};
    assert_int_equal(load_with(&chain, none), STATUS_CORRUPT);
}

/* Format 1, byte by byte: one part, one log with one partition, one erased user. */
static const uint8_t format_1[] = {'u', 't', 'm', 'a', 'n', 'i', 'f', '\n', 1, 0, 0, 0, 49, 0, 0, 0,
                                   /* store; next part, next erasure */
                                   1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 6, 4,
                                   /* a part: number, rows (1,000), bytes, erasures */
                                   1, 5, 0xe8, 7, 99, 2,
                                   /* a log: id, a partition: number, offset */
                                   1, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 42,
                                   /* a user: number, erased at -1, length, id */
                                   1, 3, 1, 1, 'u'};

static void test_format_1_is_read(void **state)
{
    (void)state;
    static const struct chain_end nothing;
    struct disk *disk = new_disk();
    struct manifest loaded;
    uint8_t bytes[sizeof format_1 + 4];
    memcpy(bytes, format_1, sizeof format_1);
    little_endian_put_u32(bytes + sizeof format_1, crc32c(bytes, sizeof format_1));
    rewrite(disk, bytes, sizeof bytes);
    assert_int_equal(manifest_load(disk, "store", &loaded, NULL), STATUS_OK);
    assert_memory_equal(&loaded.chain, &nothing, sizeof nothing);
    assert_int_equal(loaded.store_id.bytes[15], 16);
    assert_int_equal(loaded.next_part, 6);
    assert_int_equal(loaded.next_erasure, 4);
    assert_int_equal(loaded.part_count, 1);
    const struct manifest_part part = {.number = 5, .rows = 1000, .bytes = 99, .erasures = 2};
    assert_memory_equal(loaded.parts, &part, sizeof part);
    const struct position_set *positions = coverage_find(&loaded.covered, (struct uuid){{7}});
    assert_non_null(positions);
    assert_int_equal(position_set_get(positions, 3), 42);
    /* Counting begins behind what is covered. */
    assert_int_equal(position_set_get(&loaded.covered.logs[0].starts, 3), 42);
    assert_int_equal(log_coverage_difference(&loaded.covered.logs[0]), 0);
    const struct tombstone *tombstone = tombstones_find(&loaded.tombstones, STR("u"));
    assert_non_null(tombstone);
    assert_int_equal(tombstone->number, 3);
    assert_int_equal(tombstone->erased_at_ms, -1);
    manifest_deinit(&loaded);
    disk_simulated_free(disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_comes_back_as_it_was),
        cmocka_unit_test(test_replace),
        cmocka_unit_test(test_crash_leaves_one_or_the_other),
        cmocka_unit_test(test_damage_is_found),
        cmocka_unit_test(test_seals_beyond_the_chain_are_refused),
        cmocka_unit_test(test_more_seals_than_records_are_refused),
        cmocka_unit_test(test_format_1_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
