/* Files of formats that were released are read by today's code, each row as it was. */
#include "golden.h"
#include "infrastructure/activity_store_local/chain_reader.h"
#include "infrastructure/activity_store_local/part_sample.h"
#include "infrastructure/disk/disk_posix.h"
#include "infrastructure/event_log_local/segment_walk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

enum { LINES_BYTES_MAX = 4 << 20 };

/* Where the first line differs, so that a failure can be read. */
static void assert_lines(const struct buffer *found, const char *path)
{
    size_t len = 0;
    char *expected = golden_read(path, &len);
    assert_non_null(expected);
    size_t line = 1;
    for (size_t at = 0; at < len && at < found->len; at++) {
        if (found->data[at] != expected[at]) {
            fail_msg("%s:%zu differs", path, line);
        }
        line += expected[at] == '\n';
    }
    assert_int_equal(found->len, len);
    free(expected);
}

/* Parts ------------------------------------------------------------------------------------- */

static void expect_part(const char *path, const char *rows_path)
{
    CLEANUP(part_close) struct part *part = NULL;
    CLEANUP(part_view_free) struct part_view *view = NULL;
    struct error err = {0};
    struct buffer lines;
    struct arena arena;
    buffer_init(&lines, LINES_BYTES_MAX);
    arena_init(&arena, LINES_BYTES_MAX);
    if (part_open(disk_posix(), path, &sample_name, &part, &err) != STATUS_OK ||
        part_verify(part, &err) != STATUS_OK) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(part_view_new(part, &view, NULL), STATUS_OK);
    for (uint32_t i = 0; i < part_footer(part)->row_count; i++) {
        struct part_row row;
        arena_reset(&arena);
        assert_int_equal(part_view_row(view, i, &arena, &row, NULL), STATUS_OK);
        golden_append_row(&lines, &row);
    }
    assert_lines(&lines, rows_path);
    buffer_deinit(&lines);
    arena_deinit(&arena);
}

static void test_a_part_without_salts(void **state)
{
    (void)state;
    expect_part(GOLDEN_PART, GOLDEN_PART_ROWS);
}

static void test_a_part_with_salts(void **state)
{
    (void)state;
    expect_part(GOLDEN_SALTED, GOLDEN_SALTED_ROWS);
}

/* A store's folder with one golden file under the name that it has there. */
struct folder {
    char path[64];
    char file[128];
};

static void folder_init(struct folder *folder, const char *name, const char *golden)
{
    char here[512];
    char from[640];
    *folder = (struct folder){.path = "/tmp/usertrail-golden-XXXXXX"};
    assert_non_null(mkdtemp(folder->path));
    assert_non_null(getcwd(here, sizeof here));
    snprintf(folder->file, sizeof folder->file, "%s/%s", folder->path, name);
    snprintf(from, sizeof from, "%s/%s", here, golden);
    assert_int_equal(symlink(from, folder->file), 0);
}

static void folder_deinit(const struct folder *folder)
{
    assert_int_equal(unlink(folder->file), 0);
    assert_int_equal(rmdir(folder->path), 0);
}

/* Manifests --------------------------------------------------------------------------------- */

static void assert_same_chain(const struct chain_end *a, const struct chain_end *b)
{
    assert_int_equal(a->records, b->records);
    assert_int_equal(a->seals, b->seals);
    assert_int_equal(a->bytes, b->bytes);
    assert_memory_equal(a->hash, b->hash, sizeof a->hash);
}

static void assert_same_parts(const struct manifest *a, const struct manifest *b)
{
    assert_int_equal(a->part_count, b->part_count);
    for (size_t i = 0; i < a->part_count; i++) {
        const struct manifest_part *part = &a->parts[i];
        const struct manifest_part *found = &b->parts[i];
        assert_int_equal(part->number, found->number);
        assert_int_equal(part->rows, found->rows);
        assert_int_equal(part->bytes, found->bytes);
        assert_int_equal(part->erasures, found->erasures);
        assert_int_equal(part->seals.begin, found->seals.begin);
        assert_int_equal(part->seals.end, found->seals.end);
    }
}

static void assert_same_positions(const struct position_set *a, const struct position_set *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        assert_int_equal(a->items[i].partition, b->items[i].partition);
        assert_int_equal(a->items[i].offset, b->items[i].offset);
    }
}

static void assert_same_manifest(const struct manifest *a, const struct manifest *b)
{
    assert_true(uuid_equal(a->store_id, b->store_id));
    assert_int_equal(a->next_part, b->next_part);
    assert_int_equal(a->next_erasure, b->next_erasure);
    assert_same_chain(&a->chain, &b->chain);
    assert_same_parts(a, b);
    assert_int_equal(a->covered.count, b->covered.count);
    for (size_t i = 0; i < a->covered.count; i++) {
        const struct log_coverage *log = &a->covered.logs[i];
        const struct log_coverage *found = &b->covered.logs[i];
        assert_true(uuid_equal(log->log_id, found->log_id));
        assert_same_positions(&log->positions, &found->positions);
        assert_same_positions(&log->starts, &found->starts);
        assert_memory_equal(&log->counts, &found->counts, sizeof log->counts);
    }
    assert_int_equal(a->tombstones.count, b->tombstones.count);
    for (size_t i = 0; i < a->tombstones.count; i++) {
        const struct tombstone *tombstone = &a->tombstones.items[i];
        const struct tombstone *found = tombstones_find(&b->tombstones, tombstone->user_id);
        assert_non_null(found);
        assert_int_equal(tombstone->erased_at_ms, found->erased_at_ms);
        assert_int_equal(tombstone->number, found->number);
    }
}

static void expect_manifest(const char *path, struct manifest *expected)
{
    struct folder folder;
    struct manifest found;
    struct error err = {0};
    folder_init(&folder, "manifest", path);
    if (manifest_load(disk_posix(), folder.path, &found, &err) != STATUS_OK) {
        fail_msg("%s", err.message);
    }
    assert_same_manifest(expected, &found);
    manifest_deinit(expected);
    manifest_deinit(&found);
    folder_deinit(&folder);
}

/* Without a chain, and without seals of its parts. */
static void test_a_manifest_of_format_1(void **state)
{
    (void)state;
    struct manifest expected;
    golden_manifest_1(&expected);
    expect_manifest(GOLDEN_MANIFEST_1, &expected);
}

static void test_a_manifest_of_format_2(void **state)
{
    (void)state;
    struct manifest expected;
    golden_manifest_2(&expected);
    expect_manifest(GOLDEN_MANIFEST_2, &expected);
}

static void test_a_manifest_of_format_3(void **state)
{
    (void)state;
    struct manifest expected;
    golden_manifest_3(&expected);
    expect_manifest(GOLDEN_MANIFEST_3, &expected);
}

/* The chain --------------------------------------------------------------------------------- */

static enum status append_records(struct chain_reader *reader, struct buffer *lines,
                                  struct error *err)
{
    const struct chain_record *record = NULL;
    enum status status = chain_reader_next(reader, &record, err);
    while (status == STATUS_OK && record != NULL) {
        golden_append_record(lines, record, chain_reader_end(reader));
        status = chain_reader_next(reader, &record, err);
    }
    return status;
}

/* The last line says the hash of the end. */
static void test_a_chain(void **state)
{
    (void)state;
    CLEANUP(chain_reader_free) struct chain_reader *reader = NULL;
    struct folder folder;
    struct error err = {0};
    struct buffer lines;
    buffer_init(&lines, LINES_BYTES_MAX);
    folder_init(&folder, "chain", GOLDEN_CHAIN);
    const struct chain_place place = {disk_posix(), folder.path, golden_store_id};
    if (chain_reader_open(&place, NULL, &reader, &err) != STATUS_OK ||
        append_records(reader, &lines, &err) != STATUS_OK) {
        fail_msg("%s", err.message);
    }
    assert_lines(&lines, GOLDEN_CHAIN_RECORDS);
    buffer_deinit(&lines);
    folder_deinit(&folder);
}

/* Segments ---------------------------------------------------------------------------------- */

static void assert_segment(const char *path, const char *rows_path, unsigned headers_expected)
{
    struct segment_walk walk;
    struct walk_found found = {0};
    struct disk_file *file = NULL;
    struct buffer lines;
    unsigned headers = 0;
    buffer_init(&lines, LINES_BYTES_MAX);
    segment_walk_init(&walk, golden_log_id);
    assert_int_equal(disk_open(disk_posix(), path, DISK_READ, &file, NULL), STATUS_OK);
    segment_walk_open(&walk, file);
    assert_int_equal(disk_file_size(file, &walk.limit, NULL), STATUS_OK);
    walk.bound = INT64_MAX;
    while (found.item != WALK_END) {
        assert_int_equal(segment_walk_next(&walk, true, &found, NULL), STATUS_OK);
        assert_int_not_equal(found.item, WALK_DAMAGE);
        headers += found.item == WALK_HEADER;
        if (found.item == WALK_ROW) {
            const struct part_row row = {.activity = found.row.activity,
                                         .offset = found.row.position.offset};
            golden_append_row(&lines, &row);
        }
    }
    assert_int_equal(headers, headers_expected);
    assert_lines(&lines, rows_path);
    segment_walk_deinit(&walk);
    buffer_deinit(&lines);
}

static void test_a_segment(void **state)
{
    (void)state;
    assert_segment(GOLDEN_SEGMENT, GOLDEN_SEGMENT_ROWS, 6);
}

static void test_a_segment_with_traces(void **state)
{
    (void)state;
    assert_segment(GOLDEN_TRACED, GOLDEN_TRACED_ROWS, 3);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_part_without_salts),
        cmocka_unit_test(test_a_part_with_salts),
        cmocka_unit_test(test_a_manifest_of_format_1),
        cmocka_unit_test(test_a_manifest_of_format_2),
        cmocka_unit_test(test_a_manifest_of_format_3),
        cmocka_unit_test(test_a_chain),
        cmocka_unit_test(test_a_segment),
        cmocka_unit_test(test_a_segment_with_traces),
    };
    if (chdir(argc == 2 ? argv[1] : GOLDEN_FOLDER) != 0) {
        perror("the golden files");
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
