/* Guards that a chain comes back as it was appended, that no change of it goes unnoticed, and that
 * a crash or a failing disk leaves one that goes on from the end that the manifest names. */
#include "base/crc32c.h"
#include "base/failing_memory.h"
#include "base/little_endian.h"
#include "infrastructure/activity_store_local/chain.h"
#include "infrastructure/disk/disk_posix.h"
#include "infrastructure/disk/disk_simulated.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

#define FILE_NAME "store/chain"

enum { FILE_BYTES_MAX = 4096 };

static const struct uuid store_id = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
static const struct chain_end nothing;

static const struct part_source sources[] = {
    {.log_id = {{7}}, .partition = 0, .begin = 100, .end = 250},
    {.log_id = {{7}}, .partition = 3, .begin = 0, .end = INT64_MAX},
    {.log_id = {{8}}, .partition = INT32_MAX, .begin = 5, .end = 5},
};

static const struct chain_seal_range ranges[] = {{1, 1}, {3, 3}};

static struct chain_seal seal_of(uint64_t number)
{
    struct chain_seal seal = {.number = number,
                              .time_ms = 1768435085442 + (int64_t)number,
                              .rows = 1000 * number,
                              .sources = sources,
                              .source_count = (uint32_t)(number % 4)};
    memset(seal.root, (int)number, sizeof seal.root);
    return seal;
}

static struct chain_erasure erasure_of(uint64_t number)
{
    struct chain_erasure erasure = {
        .number = number, .erased_at_ms = 1768435090000, .rows = 17 + number};
    memset(erasure.salt, 0x5a, sizeof erasure.salt);
    memset(erasure.user_hash, 0xc3, sizeof erasure.user_hash);
    return erasure;
}

static const struct chain_expiry expiry = {
    .time_ms = 1768435099999, .rows = 4000, .ranges = ranges, .range_count = 2};

static struct placed_leaf leaves[] = {
    {.log_id = {{7}}, .partition = 0, .offset = 101, .hash = {1, 2, 3, [31] = 4}},
    {.log_id = {{8}}, .partition = INT32_MAX, .offset = INT64_MAX, .hash = {5, 6, 7, [31] = 8}},
};

static const struct leaf_list left_out = {.leaves = leaves, .count = 2};

static struct disk *new_disk(uint64_t seed)
{
    const struct disk_simulated_options options = {.seed = seed, .short_writes = true};
    struct disk *disk = disk_simulated_new(&options);
    assert_non_null(disk);
    assert_int_equal(disk_make_durable_directory(disk, "store", NULL), STATUS_OK);
    return disk;
}

static struct chain_place place_on(struct disk *disk)
{
    return (struct chain_place){.disk = disk, .directory = "store", .store_id = store_id};
}

static struct chain *open_chain(struct disk *disk, const struct chain_end *expected)
{
    struct chain_place place = place_on(disk);
    struct chain *chain = NULL;
    struct error err = {0};
    if (chain_open(&place, expected, &chain, &err) != STATUS_OK) {
        fail_msg("%s", err.message);
    }
    return chain;
}

enum { STEPS = 6 };

/* The sample chain, a record a step: SEAL, ERASURE, SEAL, SEAL, EXPIRY, LEFT OUT. */
static enum status append_step(struct chain *chain, int step, struct chain_end *end,
                               struct error *err)
{
    struct chain_seal seal = seal_of(end->seals + 1);
    struct chain_erasure erasure = erasure_of(9);
    switch (step) {
    case 1:
        return chain_append_erasure(chain, end, &erasure, end, err);
    case 4:
        return chain_append_expiry(chain, end, &expiry, end, err);
    case 5:
        return chain_append_left_out(chain, end, &left_out, end, err);
    default:
        return chain_append_seal(chain, end, &seal, end, err);
    }
}

static void make_sample(struct disk *disk, struct chain_end *end)
{
    CLEANUP(chain_free) struct chain *chain = open_chain(disk, end);
    for (int step = 0; step < STEPS; step++) {
        assert_int_equal(append_step(chain, step, end, NULL), STATUS_OK);
    }
}

static void assert_seal(const struct chain_record *record, uint64_t number)
{
    struct chain_seal expected = seal_of(number);
    const struct chain_seal *seal = &record->seal;
    assert_int_equal(record->kind, CHAIN_SEAL);
    assert_int_equal(seal->number, number);
    assert_int_equal(seal->time_ms, expected.time_ms);
    assert_int_equal(seal->rows, expected.rows);
    assert_memory_equal(seal->root, expected.root, sizeof seal->root);
    assert_int_equal(seal->source_count, expected.source_count);
    for (uint32_t i = 0; i < seal->source_count; i++) {
        assert_true(uuid_equal(seal->sources[i].log_id, sources[i].log_id));
        assert_int_equal(seal->sources[i].partition, sources[i].partition);
        assert_int_equal(seal->sources[i].begin, sources[i].begin);
        assert_int_equal(seal->sources[i].end, sources[i].end);
    }
}

static void assert_erasure(const struct chain_record *record, uint64_t number)
{
    struct chain_erasure expected = erasure_of(number);
    assert_int_equal(record->kind, CHAIN_ERASURE);
    assert_int_equal(record->erasure.number, number);
    assert_int_equal(record->erasure.erased_at_ms, expected.erased_at_ms);
    assert_int_equal(record->erasure.rows, expected.rows);
    assert_memory_equal(record->erasure.salt, expected.salt, sizeof expected.salt);
    assert_memory_equal(record->erasure.user_hash, expected.user_hash, sizeof expected.user_hash);
}

static void assert_expiry(const struct chain_record *record)
{
    assert_int_equal(record->kind, CHAIN_EXPIRY);
    assert_int_equal(record->expiry.time_ms, expiry.time_ms);
    assert_int_equal(record->expiry.rows, expiry.rows);
    assert_int_equal(record->expiry.range_count, 2);
    assert_memory_equal(record->expiry.ranges, ranges, sizeof ranges);
}

static void assert_left_out(const struct chain_record *record)
{
    assert_int_equal(record->kind, CHAIN_LEFT_OUT);
    assert_int_equal(record->left_out.leaf_count, 2);
    for (size_t i = 0; i < ARRAY_LENGTH(leaves); i++) {
        const struct placed_leaf *leaf = &record->left_out.leaves[i];
        assert_true(uuid_equal(leaf->log_id, leaves[i].log_id));
        assert_int_equal(leaf->partition, leaves[i].partition);
        assert_int_equal(leaf->offset, leaves[i].offset);
        assert_memory_equal(leaf->hash, leaves[i].hash, sizeof leaf->hash);
    }
}

static void assert_step(const struct chain_record *record, int step)
{
    static const uint64_t seal_numbers[] = {1, 0, 2, 3};
    assert_non_null(record);
    switch (step) {
    case 1:
        assert_erasure(record, 9);
        break;
    case 4:
        assert_expiry(record);
        break;
    case 5:
        assert_left_out(record);
        break;
    default:
        assert_seal(record, seal_numbers[step]);
    }
}

/* Reads all and says how many records there were; `sample`: they are those of the sample. */
static enum status walk(struct disk *disk, const struct chain_end *until, bool sample,
                        int *out_count, struct error *err)
{
    CLEANUP(chain_reader_free) struct chain_reader *reader = NULL;
    struct chain_place place = place_on(disk);
    const struct chain_record *record = NULL;
    *out_count = 0;
    enum status status = chain_reader_open(&place, until, &reader, err);
    while (status == STATUS_OK) {
        status = chain_reader_next(reader, &record, err);
        if (status != STATUS_OK || record == NULL) {
            break;
        }
        if (sample) {
            assert_step(record, *out_count);
        }
        (*out_count)++;
    }
    return status;
}

static enum status read_all(struct disk *disk, const struct chain_end *until, int *out_count,
                            struct error *err)
{
    return walk(disk, until, false, out_count, err);
}

static void assert_readable(struct disk *disk, const struct chain_end *until, int count)
{
    struct error err = {0};
    int found = 0;
    if (walk(disk, until, true, &found, &err) != STATUS_OK) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(found, count);
}

static size_t read_file(struct disk *disk, uint8_t bytes[FILE_BYTES_MAX])
{
    struct disk_file *file;
    struct iovec into = {.iov_base = bytes, .iov_len = FILE_BYTES_MAX};
    size_t len;
    assert_int_equal(disk_open(disk, FILE_NAME, DISK_READ, &file, NULL), STATUS_OK);
    assert_int_equal(disk_file_read(file, 0, into, &len, NULL), STATUS_OK);
    disk_file_close(file);
    return len;
}

static void write_file(struct disk *disk, const uint8_t *bytes, size_t len)
{
    struct disk_file *file;
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = len};
    assert_int_equal(disk_open(disk, FILE_NAME, DISK_WRITE_OR_MAKE, &file, NULL), STATUS_OK);
    assert_int_equal(disk_file_truncate(file, 0, NULL), STATUS_OK);
    assert_int_equal(disk_file_write(file, 0, &part, 1, NULL), STATUS_OK);
    disk_file_close(file);
}

/* As it was --------------------------------------------------------------------------------- */

static void test_comes_back_as_it_was(void **state)
{
    (void)state;
    struct disk *disk = new_disk(1);
    struct chain_end end = nothing;
    make_sample(disk, &end);
    assert_int_equal(end.records, STEPS);
    assert_int_equal(end.seals, 3);
    assert_readable(disk, &end, STEPS);
    assert_readable(disk, NULL, STEPS);
    assert_readable(disk, &nothing, 0);
    chain_free(open_chain(disk, &end));
    assert_readable(disk, &end, STEPS);
    disk_simulated_free(disk);
}

/* What another program (Python's hashlib and a table for the CRC) makes of the definition. */
static void test_known_hash(void **state)
{
    (void)state;
    struct disk *disk = new_disk(1);
    struct chain_end end = nothing;
    char text[2 * SHA256_BYTES + 1];
    make_sample(disk, &end);
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        snprintf(text + 2 * i, 3, "%02x", end.hash[i]);
    }
    assert_int_equal(end.bytes, 970);
    assert_string_equal(text, "d73e705621fbc0add556eb0726491e1f24ee2eb9b8a90008d8e85ac8f668eda2");
    disk_simulated_free(disk);
}

/* More than is read at once, and the largest record, across the edges of pieces. */
static void test_long_chain(void **state)
{
    (void)state;
    enum { ERASURES = 1500 };
    struct disk *disk = new_disk(2);
    struct chain_place place = place_on(disk);
    struct chain_end end = nothing;
    static struct part_source many[PART_SOURCES_MAX];
    struct chain_seal seal = seal_of(1);
    struct chain *chain = open_chain(disk, &end);
    seal.sources = many;
    seal.source_count = PART_SOURCES_MAX;
    for (uint64_t i = 0; i < ERASURES; i++) {
        struct chain_erasure erasure = erasure_of(i);
        assert_int_equal(chain_append_erasure(chain, &end, &erasure, &end, NULL), STATUS_OK);
    }
    for (seal.number = 1; seal.number <= 3; seal.number++) {
        many[PART_SOURCES_MAX - 1].end = (int64_t)seal.number;
        assert_int_equal(chain_append_seal(chain, &end, &seal, &end, NULL), STATUS_OK);
    }
    chain_free(chain);
    struct chain_reader *reader;
    const struct chain_record *record;
    assert_int_equal(chain_reader_open(&place, &end, &reader, NULL), STATUS_OK);
    for (uint64_t i = 0; i < ERASURES; i++) {
        assert_int_equal(chain_reader_next(reader, &record, NULL), STATUS_OK);
        assert_erasure(record, i);
    }
    for (int64_t i = 1; i <= 3; i++) {
        assert_int_equal(chain_reader_next(reader, &record, NULL), STATUS_OK);
        assert_int_equal(record->seal.source_count, PART_SOURCES_MAX);
        assert_int_equal(record->seal.sources[PART_SOURCES_MAX - 1].end, i);
    }
    assert_int_equal(chain_reader_next(reader, &record, NULL), STATUS_OK);
    assert_null(record);
    assert_memory_equal(chain_reader_end(reader), &end, sizeof end);
    chain_reader_free(reader);
    disk_simulated_free(disk);
}

/* Changes ----------------------------------------------------------------------------------- */

static void test_every_bit_counts(void **state)
{
    (void)state;
    struct disk *disk = new_disk(1);
    struct chain_end end = nothing;
    struct error err;
    int count;
    make_sample(disk, &end);
    for (uint64_t bit = 0; bit < end.bytes * 8; bit++) {
        assert_true(disk_simulated_flip_bit(disk, FILE_NAME, bit));
        assert_int_equal(read_all(disk, &end, &count, &err), STATUS_CORRUPT);
        assert_int_equal(read_all(disk, NULL, &count, &err), STATUS_CORRUPT);
        assert_true(disk_simulated_flip_bit(disk, FILE_NAME, bit));
    }
    assert_readable(disk, &end, STEPS);
    disk_simulated_free(disk);
}

/* Somebody who repairs the checksum of what he changed is found by the record behind it, or by the
 * end that the manifest names. */
static void test_repaired_changes_are_found(void **state)
{
    (void)state;
    static uint8_t bytes[FILE_BYTES_MAX];
    struct disk *disk = new_disk(1);
    struct chain_end end = nothing;
    make_sample(disk, &end);
    size_t len = read_file(disk, bytes);
    size_t next;
    for (size_t at = CHAIN_HEADER_BYTES; at < len; at = next) {
        next = at + chain_record_bytes(little_endian_get_u32(bytes + at));
        size_t covered = next - at - CHAIN_CRC_BYTES;
        for (size_t bit = 0; bit < covered * 8; bit++) {
            struct error err;
            int count;
            bytes[at + bit / 8] ^= (uint8_t)(1u << bit % 8);
            little_endian_put_u32(bytes + at + covered, crc32c(bytes + at, covered));
            write_file(disk, bytes, len);
            assert_int_equal(read_all(disk, &end, &count, &err), STATUS_CORRUPT);
            assert_non_null(strstr(err.message, "record "));
            bytes[at + bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        little_endian_put_u32(bytes + at + covered, crc32c(bytes + at, covered));
    }
    write_file(disk, bytes, len);
    assert_readable(disk, &end, STEPS);
    disk_simulated_free(disk);
}

/* A chain that is cut between two records is whole; only the manifest, or a checkpoint, tells. */
static void test_cut_at_every_length(void **state)
{
    (void)state;
    static uint8_t bytes[FILE_BYTES_MAX];
    struct disk *disk = new_disk(1);
    struct chain_place place = place_on(disk);
    struct chain_end end = nothing;
    make_sample(disk, &end);
    size_t len = read_file(disk, bytes);
    int whole = 0;
    for (size_t cut = 0; cut < len; cut++) {
        struct chain *chain = NULL;
        struct error err;
        int count;
        write_file(disk, bytes, cut);
        assert_int_equal(read_all(disk, &end, &count, &err), STATUS_CORRUPT);
        assert_int_equal(chain_open(&place, &end, &chain, &err), STATUS_CORRUPT);
        assert_null(chain);
        if (read_all(disk, NULL, &count, &err) == STATUS_OK) {
            assert_int_equal(count, whole++);
        } else {
            assert_non_null(strstr(err.message, "cut"));
        }
    }
    assert_int_equal(whole, STEPS);
    disk_simulated_free(disk);
}

static void test_words(void **state)
{
    (void)state;
    struct disk *disk = new_disk(1);
    struct chain_place place = place_on(disk);
    struct chain_end end = nothing;
    struct chain_end other;
    struct chain *chain = NULL;
    struct error err;
    int count;
    assert_int_equal(read_all(disk, NULL, &count, &err), STATUS_NOT_FOUND);
    make_sample(disk, &end);
    other = end;
    other.hash[31] ^= 1;
    assert_int_equal(chain_open(&place, &other, &chain, &err), STATUS_CORRUPT);
    assert_non_null(strstr(err.message, "not the end that the manifest names"));
    assert_true(disk_simulated_flip_bit(disk, FILE_NAME, (end.bytes - 10) * 8));
    assert_int_equal(chain_open(&place, &end, &chain, &err), STATUS_CORRUPT);
    assert_non_null(strstr(err.message, "record 6 of the store's chain, at byte "));
    assert_int_equal(disk_remove(disk, FILE_NAME, NULL), STATUS_OK);
    assert_int_equal(chain_open(&place, &end, &chain, &err), STATUS_CORRUPT);
    assert_non_null(strstr(err.message, "missing"));
    assert_null(chain);
    disk_simulated_free(disk);
}

/* Nor is it written over where the own manifest knows of no records. */
static void test_another_stores_chain_is_refused(void **state)
{
    (void)state;
    static uint8_t bytes[FILE_BYTES_MAX];
    struct disk *disk = new_disk(1);
    struct chain_place place = place_on(disk);
    struct chain_end end = nothing;
    struct chain *chain = NULL;
    struct error err;
    make_sample(disk, &end);
    size_t len = read_file(disk, bytes);
    place.store_id.bytes[15]++;
    assert_int_equal(chain_open(&place, &end, &chain, &err), STATUS_CORRUPT);
    assert_non_null(strstr(err.message, "another store"));
    assert_int_equal(chain_open(&place, &nothing, &chain, &err), STATUS_CORRUPT);
    assert_non_null(strstr(err.message, "another store"));
    assert_null(chain);
    write_file(disk, bytes, CHAIN_HEADER_BYTES); /* without records it is nobody's loss */
    assert_int_equal(chain_open(&place, &nothing, &chain, &err), STATUS_OK);
    chain_free(chain);
    assert_int_equal(len, end.bytes);
    disk_simulated_free(disk);
}

static void test_newer_format_is_refused(void **state)
{
    (void)state;
    static uint8_t bytes[FILE_BYTES_MAX];
    struct disk *disk = new_disk(1);
    struct chain_place place = place_on(disk);
    struct chain_end end = nothing;
    struct chain *chain = NULL;
    struct error err;
    make_sample(disk, &end);
    size_t len = read_file(disk, bytes);
    little_endian_put_u32(bytes + 8, CHAIN_FORMAT + 1);
    little_endian_put_u32(bytes + 28, crc32c(bytes, 28));
    write_file(disk, bytes, len);
    assert_int_equal(chain_open(&place, &end, &chain, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "newer version"));
    assert_int_equal(chain_open(&place, &nothing, &chain, &err), STATUS_INVALID);
    assert_null(chain);
    disk_simulated_free(disk);
}

static void assert_next_is_refused(struct disk *disk, const struct chain_end *end)
{
    struct error err;
    int count;
    assert_int_equal(read_all(disk, end, &count, &err), STATUS_CORRUPT);
    assert_int_equal(count, STEPS);
    assert_int_equal(read_all(disk, NULL, &count, &err), STATUS_CORRUPT);
    assert_int_equal(count, STEPS);
}

/* The work of a program that is wrong: hashes fit, what they hold does not. */
static void test_senseless_records_are_refused(void **state)
{
    (void)state;
    static const struct part_source backward = {.begin = 2, .end = 1};
    static const struct chain_seal_range wrong_ranges[][2] = {
        {{0, 1}, {2, 2}}, {{1, 1}, {1, 2}}, {{1, 2}, {4, 4}}, {{2, 1}, {3, 3}}};
    struct disk *disk = new_disk(1);
    struct chain_end end = nothing;
    struct chain_end odd;
    struct chain_end wrong_end;
    make_sample(disk, &end);
    struct chain *chain = open_chain(disk, &end);
    for (size_t i = 0; i < ARRAY_LENGTH(wrong_ranges); i++) {
        struct chain_expiry wrong = expiry;
        wrong.ranges = wrong_ranges[i];
        assert_int_equal(chain_append_expiry(chain, &end, &wrong, &wrong_end, NULL), STATUS_OK);
        assert_next_is_refused(disk, &wrong_end);
    }
    struct chain_seal seal = seal_of(4);
    seal.sources = &backward;
    seal.source_count = 1;
    assert_int_equal(chain_append_seal(chain, &end, &seal, &wrong_end, NULL), STATUS_OK);
    assert_next_is_refused(disk, &wrong_end);
    odd = end;
    odd.seals++;
    assert_int_equal(append_step(chain, 0, &odd, NULL), STATUS_OK);
    assert_next_is_refused(disk, &odd);
    odd = end;
    odd.records++;
    assert_int_equal(append_step(chain, 0, &odd, NULL), STATUS_OK);
    assert_next_is_refused(disk, &odd);
    chain_free(chain);
    disk_simulated_free(disk);
}

/* A record that is longer than what it says. */
static void test_nothing_may_be_left_over(void **state)
{
    (void)state;
    enum { ERASURE_BYTES = 72 };
    static uint8_t bytes[FILE_BYTES_MAX];
    struct disk *disk = new_disk(1);
    struct chain_end end = nothing;
    make_sample(disk, &end);
    struct chain *chain = open_chain(disk, &end);
    assert_int_equal(append_step(chain, 1, &end, NULL), STATUS_OK);
    chain_free(chain);
    size_t len = read_file(disk, bytes);
    size_t covered = chain_record_bytes(ERASURE_BYTES) - CHAIN_CRC_BYTES;
    uint8_t *record = bytes + len - covered - CHAIN_CRC_BYTES;
    assert_int_equal(little_endian_get_u32(record), ERASURE_BYTES);
    little_endian_put_u32(record, ERASURE_BYTES + 1);
    little_endian_put_u32(record + covered + 1, crc32c(record, covered + 1));
    write_file(disk, bytes, len + 1);
    end.bytes++;
    assert_next_is_refused(disk, &end);
    disk_simulated_free(disk);
}

static void test_cut_while_it_is_read(void **state)
{
    (void)state;
    static uint8_t bytes[FILE_BYTES_MAX];
    struct disk *disk = new_disk(1);
    struct chain_place place = place_on(disk);
    struct chain_end end = nothing;
    struct chain_reader *reader;
    const struct chain_record *record;
    struct error err;
    make_sample(disk, &end);
    assert_int_equal(chain_reader_open(&place, &end, &reader, NULL), STATUS_OK);
    write_file(disk, bytes, CHAIN_HEADER_BYTES + 1);
    assert_int_equal(chain_reader_next(reader, &record, &err), STATUS_CORRUPT);
    assert_non_null(strstr(err.message, "record 1 of the store's chain, at byte 32, is cut"));
    chain_reader_free(reader);
    disk_simulated_free(disk);
}

/* Crashes ----------------------------------------------------------------------------------- */

/* A torn or a whole record whose manifest never came, and bytes of any kind. */
static void test_tail_is_cut_at_open(void **state)
{
    (void)state;
    static uint8_t bytes[FILE_BYTES_MAX];
    struct disk *disk = new_disk(1);
    struct chain_end end = nothing;
    struct chain_end named;
    make_sample(disk, &end);
    named = end;
    struct chain *chain = open_chain(disk, &end);
    assert_int_equal(append_step(chain, 0, &end, NULL), STATUS_OK);
    chain_free(chain);
    size_t len = read_file(disk, bytes);
    for (size_t cut = (size_t)named.bytes; cut <= len; cut++) {
        write_file(disk, bytes, cut);
        chain_free(open_chain(disk, &named));
        assert_readable(disk, NULL, STEPS);
    }
    memset(bytes + named.bytes, 0xff, 500);
    write_file(disk, bytes, (size_t)named.bytes + 500);
    assert_readable(disk, &named, STEPS);
    chain_free(open_chain(disk, &named));
    assert_readable(disk, NULL, STEPS);
    write_file(disk, bytes, (size_t)named.bytes + 500);
    chain_free(open_chain(disk, &nothing));
    assert_readable(disk, NULL, 0);
    disk_simulated_free(disk);
}

/* The manifest of a record could not be saved, so the next takes its place, whole. */
static void test_record_takes_the_place_of_one_that_did_not_count(void **state)
{
    (void)state;
    struct disk *disk = new_disk(1);
    struct chain_end end = nothing;
    struct chain_end dropped;
    struct chain_seal long_one = seal_of(1);
    struct chain *chain = open_chain(disk, &end);
    long_one.source_count = 3;
    assert_int_equal(chain_append_seal(chain, &end, &long_one, &dropped, NULL), STATUS_OK);
    for (int step = 0; step < STEPS; step++) {
        assert_int_equal(append_step(chain, step, &end, NULL), STATUS_OK);
        assert_readable(disk, NULL, step + 1);
    }
    chain_free(chain);
    disk_simulated_free(disk);
}

/* Goes on with the sample from `end`; `end` is what a manifest would name. */
static enum status go_on(struct disk *disk, struct chain_end *end, struct error *err)
{
    struct chain_place place = place_on(disk);
    CLEANUP(chain_free) struct chain *chain = NULL;
    enum status status = chain_open(&place, end, &chain, err);
    for (int step = (int)end->records; status == STATUS_OK && step < STEPS; step++) {
        status = append_step(chain, step, end, err);
    }
    return status;
}

/* Wherever the power goes or the disk fails, once or from then on: what was returned is there
 * afterwards, and the chain goes on from it. */
static void test_disk_fails_at_each_operation(void **state)
{
    (void)state;
    static const int causes[] = {0, EIO, ENOSPC}; /* 0: the power */
    for (size_t i = 0; i < 2 * ARRAY_LENGTH(causes); i++) {
        int cause = causes[i / 2];
        bool ended = false;
        for (uint64_t nth = 1; !ended; nth++) {
            struct disk *disk = new_disk(nth * 7 + i);
            struct chain_end end = nothing;
            struct error err = {0};
            if (cause == 0) {
                disk_simulated_cut_power_at(disk, nth);
            } else {
                disk_simulated_fail_at(disk, nth, cause, i % 2 == 1);
            }
            enum status status = go_on(disk, &end, &err);
            ended = status == STATUS_OK;
            assert_true(ended || err.status == status);
            disk_simulated_fail_at(disk, 1, 0, false);
            disk_simulated_cut_power(disk);
            disk_simulated_power_on(disk);
            assert_readable(disk, &end, (int)end.records);
            assert_int_equal(go_on(disk, &end, &err), STATUS_OK);
            assert_readable(disk, &end, STEPS);
            disk_simulated_free(disk);
            assert_true(nth < 1000);
        }
    }
}

/* A write that failed may be tried again; a sync that failed may not, until all is read anew. */
static void test_failed_sync_ends_it(void **state)
{
    (void)state;
    enum { WRITE = 1, SYNC = 2 }; /* the operations of an append */
    for (uint64_t failing = WRITE; failing <= SYNC; failing++) {
        const struct disk_simulated_options options = {.seed = failing};
        struct disk *disk = disk_simulated_new(&options);
        struct chain_end end = nothing;
        struct error err;
        assert_int_equal(disk_make_durable_directory(disk, "store", NULL), STATUS_OK);
        struct chain *chain = open_chain(disk, &end);
        assert_int_equal(append_step(chain, 0, &end, NULL), STATUS_OK);
        disk_simulated_fail_at(disk, failing, EIO, false);
        assert_int_equal(append_step(chain, 1, &end, &err), STATUS_UNAVAILABLE);
        assert_int_equal(end.records, 1);
        for (int step = 1; step < STEPS; step++) {
            enum status status = append_step(chain, step, &end, &err);
            assert_int_equal(status, failing == SYNC ? STATUS_UNAVAILABLE : STATUS_OK);
            assert_true(failing != SYNC || strstr(err.message, "until a restart") != NULL);
        }
        chain_free(chain);
        assert_int_equal(end.records, failing == SYNC ? 1 : STEPS);
        assert_int_equal(go_on(disk, &end, NULL), STATUS_OK);
        assert_readable(disk, &end, STEPS);
        disk_simulated_free(disk);
    }
}

/* On the machine's disk, since the simulated one does without failing allocations itself. */
static void test_memory_runs_out(void **state)
{
    (void)state;
    bool failed = true;
    char directory[] = "/tmp/chain_test_XXXXXX";
    assert_non_null(mkdtemp(directory));
    assert_int_equal(chdir(directory), 0);
    assert_int_equal(disk_make_directory(disk_posix(), "store", NULL), STATUS_OK);
    for (unsigned long nth = 0; failed; nth++) {
        struct chain_end end = nothing;
        int count = 0;
        failing_memory_arm(nth);
        enum status status = go_on(disk_posix(), &end, NULL);
        if (status == STATUS_OK) {
            status = read_all(disk_posix(), &end, &count, NULL);
        }
        failed = failing_memory_disarm();
        assert_int_equal(status, failed ? STATUS_NO_MEMORY : STATUS_OK);
        assert_int_equal(go_on(disk_posix(), &end, NULL), STATUS_OK);
        assert_readable(disk_posix(), &end, STEPS);
        assert_true(nth < 1000);
    }
    assert_int_equal(unlink(FILE_NAME) + rmdir("store") + rmdir(directory), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_comes_back_as_it_was),
        cmocka_unit_test(test_known_hash),
        cmocka_unit_test(test_long_chain),
        cmocka_unit_test(test_every_bit_counts),
        cmocka_unit_test(test_repaired_changes_are_found),
        cmocka_unit_test(test_cut_at_every_length),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_another_stores_chain_is_refused),
        cmocka_unit_test(test_newer_format_is_refused),
        cmocka_unit_test(test_senseless_records_are_refused),
        cmocka_unit_test(test_nothing_may_be_left_over),
        cmocka_unit_test(test_cut_while_it_is_read),
        cmocka_unit_test(test_tail_is_cut_at_open),
        cmocka_unit_test(test_record_takes_the_place_of_one_that_did_not_count),
        cmocka_unit_test(test_disk_fails_at_each_operation),
        cmocka_unit_test(test_failed_sync_ends_it),
        cmocka_unit_test(test_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
