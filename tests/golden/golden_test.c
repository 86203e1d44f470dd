/* Files of formats that were released are read by today's code, each row as it was. */
#include "golden.h"
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

static void test_a_part(void **state)
{
    (void)state;
    CLEANUP(part_close) struct part *part = NULL;
    CLEANUP(part_view_free) struct part_view *view = NULL;
    struct error err = {0};
    struct buffer lines;
    struct arena arena;
    buffer_init(&lines, LINES_BYTES_MAX);
    arena_init(&arena, LINES_BYTES_MAX);
    if (part_open(disk_posix(), GOLDEN_PART, &sample_name, &part, &err) != STATUS_OK ||
        part_verify(part, &err) != STATUS_OK) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(part_view_new(part, &view, NULL), STATUS_OK);
    for (uint32_t i = 0; i < part_footer(part)->row_count; i++) {
        struct part_row row;
        arena_reset(&arena);
        assert_int_equal(part_view_row(view, i, &arena, &row, NULL), STATUS_OK);
        golden_append_row(&lines, &row.activity, (int32_t)row.source, row.offset);
    }
    assert_lines(&lines, GOLDEN_PART_ROWS);
    buffer_deinit(&lines);
    arena_deinit(&arena);
}

static void assert_same_manifest(const struct manifest *a, const struct manifest *b)
{
    assert_true(uuid_equal(a->store_id, b->store_id));
    assert_int_equal(a->next_part, b->next_part);
    assert_int_equal(a->next_erasure, b->next_erasure);
    assert_int_equal(a->part_count, b->part_count);
    assert_memory_equal(a->parts, b->parts, a->part_count * sizeof *a->parts);
    assert_int_equal(a->covered.count, b->covered.count);
    for (size_t i = 0; i < a->covered.count; i++) {
        const struct log_coverage *log = &a->covered.logs[i];
        const struct position_set *found = coverage_find(&b->covered, log->log_id);
        assert_non_null(found);
        assert_int_equal(log->positions.count, found->count);
        assert_memory_equal(log->positions.items, found->items,
                            found->count * sizeof *found->items);
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

/* It is read under its own name in a folder. */
static void test_a_manifest(void **state)
{
    (void)state;
    char folder[] = "/tmp/usertrail-golden-XXXXXX";
    char path[64];
    char here[512];
    char from[640];
    struct manifest expected;
    struct manifest found;
    assert_non_null(mkdtemp(folder));
    assert_non_null(getcwd(here, sizeof here));
    snprintf(path, sizeof path, "%s/manifest", folder);
    snprintf(from, sizeof from, "%s/%s", here, GOLDEN_MANIFEST);
    assert_int_equal(symlink(from, path), 0);
    struct error err = {0};
    if (manifest_load(disk_posix(), folder, &found, &err) != STATUS_OK) {
        fail_msg("%s", err.message);
    }
    golden_manifest(&expected);
    assert_same_manifest(&expected, &found);
    manifest_deinit(&expected);
    manifest_deinit(&found);
    unlink(path);
    rmdir(folder);
}

static void test_a_segment(void **state)
{
    (void)state;
    struct segment_walk walk;
    struct walk_found found = {0};
    struct disk_file *file = NULL;
    struct buffer lines;
    unsigned headers = 0;
    buffer_init(&lines, LINES_BYTES_MAX);
    segment_walk_init(&walk, golden_log_id);
    assert_int_equal(disk_open(disk_posix(), GOLDEN_SEGMENT, DISK_READ, &file, NULL), STATUS_OK);
    segment_walk_open(&walk, file);
    assert_int_equal(disk_file_size(file, &walk.limit, NULL), STATUS_OK);
    walk.bound = INT64_MAX;
    while (found.item != WALK_END) {
        assert_int_equal(segment_walk_next(&walk, true, &found, NULL), STATUS_OK);
        assert_int_not_equal(found.item, WALK_DAMAGE);
        headers += found.item == WALK_HEADER;
        if (found.item == WALK_ROW) {
            golden_append_row(&lines, &found.row.activity, 0, found.row.position.offset);
        }
    }
    assert_int_equal(headers, 6);
    assert_lines(&lines, GOLDEN_SEGMENT_ROWS);
    segment_walk_deinit(&walk);
    buffer_deinit(&lines);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_part),
        cmocka_unit_test(test_a_manifest),
        cmocka_unit_test(test_a_segment),
    };
    if (chdir(argc == 2 ? argv[1] : GOLDEN_FOLDER) != 0) {
        perror("the golden files");
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
