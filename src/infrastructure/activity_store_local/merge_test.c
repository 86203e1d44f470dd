/* Guards the merge of parts: every row of every part is in the new one, in order and complete, but
 * for those of hidden users, of whom nothing is left; what fails or is damaged is told. */
#include "base/failing_memory.h"
#include "infrastructure/activity_store_local/dictionary.h"
#include "infrastructure/activity_store_local/merge_sample.h"
#include "infrastructure/disk/disk_posix.h"
#include "infrastructure/disk/disk_simulated.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

/* Every failure names the seed, with which it can be repeated. */
static void expect(const struct merge_sample *merge, bool holds, const char *what, uint32_t number)
{
    if (!holds) {
        fail_msg("seed %llu: %s %u", (unsigned long long)merge->seed, what, number);
    }
}

static bool row_is_left(const struct merge_sample *merge, uint32_t row)
{
    return !merge->is_hidden[merge->part_of[row]][merge->sample.rows[row].user];
}

static void expect_row(const struct merge_sample *merge, struct part *part, struct part_view *view,
                       uint32_t row, const struct sample_row *wanted)
{
    struct part_row found;
    struct error err = {0};
    struct arena arena;
    uint32_t by_id;
    arena_init(&arena, 1 << 20);
    if (part_view_row(view, row, &arena, &found, &err) != STATUS_OK) {
        fail_msg("seed %llu, row %u: %s", (unsigned long long)merge->seed, row, err.message);
    }
    const struct part_source *source = &part_footer(part)->sources[found.source];
    const struct part_source *of_sample = &merge->sample.sources[wanted->source];
    expect(merge, str_equal(found.activity.id, wanted->activity.id), "id of row", row);
    expect(merge, activity_same_content(&found.activity, &wanted->activity, true), "content of row",
           row);
    expect(merge, found.activity.received_at_ms == wanted->activity.received_at_ms,
           "receipt of row", row);
    expect(merge, uuid_equal(source->log_id, of_sample->log_id), "log of row", row);
    expect(merge, source->partition == of_sample->partition, "partition of row", row);
    expect(merge, found.offset == wanted->offset, "offset of row", row);
    expect(merge, found.salt == wanted->salt, "salt of row", row);
    expect(merge, part_view_find_id(view, wanted->activity.id, &by_id, &err) == STATUS_OK,
           "id to be found of row", row);
    expect(merge, by_id == row, "row of id", row);
    arena_deinit(&arena);
}

/* Users that have no row left must be gone, the others have all of theirs. */
static void expect_users(const struct merge_sample *merge, struct part_view *view,
                         const uint32_t *rows_of_users)
{
    uint32_t left = 0;
    for (uint32_t user = 0; user < merge->sample.user_count; user++) {
        struct part_user found;
        enum status status = part_view_find_user(view, merge->sample.users[user], &found, NULL);
        enum status wanted = rows_of_users[user] > 0 ? STATUS_OK : STATUS_NOT_FOUND;
        expect(merge, status == wanted, "user", user);
        if (wanted == STATUS_OK) {
            expect(merge, found.number == left, "number of user", user);
            expect(merge, found.found.count == rows_of_users[user], "rows of user", user);
            left++;
        }
    }
}

static void expect_actions(const struct merge_sample *merge, const struct part_footer *footer,
                           const uint32_t *rows_of_actions)
{
    uint32_t left = 0;
    for (uint32_t action = 0; action < merge->sample.action_count; action++) {
        if (rows_of_actions[action] > 0) {
            expect(merge, left < footer->action_count, "missing action", action);
            const struct part_action *found = &footer->actions[left++];
            expect(merge, str_equal(found->text, merge->sample.actions[action]), "action", action);
            expect(merge, found->count == rows_of_actions[action], "rows of action", action);
        }
    }
    expect(merge, footer->action_count == left, "actions beyond", left);
}

static void expect_sources(const struct merge_sample *merge, const struct part_footer *footer)
{
    expect(merge, footer->source_count == MERGE_SAMPLE_SOURCES, "sources", footer->source_count);
    for (uint32_t i = 0; i < footer->source_count; i++) {
        expect(merge, footer->sources[i].begin == 100 - (int64_t)(merge->part_count - 1),
               "begin of source", i);
        expect(merge, footer->sources[i].end == 10000 + (int64_t)(merge->part_count - 1),
               "end of source", i);
    }
}

/* The new part holds exactly the rows that nobody hid. */
static void expect_merged(struct merge_sample *merge)
{
    const struct sample *sample = &merge->sample;
    CLEANUP(part_close) struct part *part = NULL;
    CLEANUP(part_view_free) struct part_view *view = NULL;
    struct error err = {0};
    uint32_t rows_of_users[SAMPLE_USERS] = {0};
    uint32_t rows_of_actions[SAMPLE_ACTIONS] = {0};
    uint32_t left = 0;
    if (part_open(merge->disk, MERGED_PATH, &merged_name, &part, &err) != STATUS_OK ||
        part_verify(part, &err) != STATUS_OK || part_view_new(part, &view, &err) != STATUS_OK) {
        fail_msg("seed %llu: %s", (unsigned long long)merge->seed, err.message);
    }
    for (uint32_t row = 0; row < sample->row_count; row++) {
        if (row_is_left(merge, row)) {
            expect(merge, left < part_footer(part)->row_count, "missing row", row);
            expect_row(merge, part, view, left++, &sample->rows[row]);
            rows_of_users[sample->rows[row].user]++;
            rows_of_actions[sample->rows[row].action]++;
        }
    }
    expect(merge, part_footer(part)->row_count == left, "rows beyond", left);
    expect(merge, merge_row_count(merge->parts, merge->part_count) == left, "row count", left);
    expect_users(merge, view, rows_of_users);
    expect_actions(merge, part_footer(part), rows_of_actions);
    expect_sources(merge, part_footer(part));
}

static void run_ok(struct merge_sample *merge)
{
    struct error err = {0};
    if (merge_sample_run(merge, &err) != STATUS_OK) {
        fail_msg("seed %llu: %s", (unsigned long long)merge->seed, err.message);
    }
}

static void remove_merged(struct merge_sample *merge)
{
    enum status status = disk_remove(merge->disk, MERGED_PATH, NULL);
    assert_true(status == STATUS_OK || status == STATUS_NOT_FOUND);
}

static void every_row_is_in_the_new_part(void **state)
{
    (void)state;
    static const uint32_t counts[] = {1, 2, 31, 257, 1000, 1500, SAMPLE_ROWS_MAX};
    static struct merge_sample merge;
    for (uint32_t i = 0; i < ARRAY_LENGTH(counts); i++) {
        for (uint32_t parts = 1; parts <= MERGE_SAMPLE_PARTS_MAX; parts++) {
            merge_sample_init(&merge, 1000 + 10 * i + parts, counts[i], parts);
            merge_sample_write(&merge);
            run_ok(&merge);
            expect_merged(&merge);
            merge_sample_deinit(&merge);
        }
    }
}

/* The usual case: a part begins where the one before ends. */
static void parts_that_follow_each_other_merge(void **state)
{
    (void)state;
    static struct merge_sample merge;
    merge_sample_init(&merge, 17, 3000, 4);
    for (uint32_t row = 0; row < 3000; row++) {
        merge.part_of[row] = (uint8_t)(row / 750);
    }
    merge_sample_write(&merge);
    run_ok(&merge);
    expect_merged(&merge);
    merge_sample_deinit(&merge);
}

/* In one part, in all of them, and one of many rows. */
static void hidden_users_are_left_out(void **state)
{
    (void)state;
    static struct merge_sample merge;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct random_seeded seeded;
        struct random random = random_from_seed(&seeded, seed);
        uint32_t rows = 20 + (uint32_t)random_below(&random, 2500);
        merge_sample_init(&merge, seed, rows, 1 + (uint32_t)(seed % MERGE_SAMPLE_PARTS_MAX));
        merge_sample_write(&merge);
        for (uint64_t i = 0; i < 1 + seed * 4; i++) {
            uint32_t user = (uint32_t)random_below(&random, merge.sample.user_count);
            uint32_t part = (uint32_t)random_below(&random, merge.part_count);
            merge_sample_hide(&merge, part, user);
            for (uint32_t j = 0; i % 3 == 0 && j < merge.part_count; j++) {
                merge_sample_hide(&merge, j, user);
            }
        }
        if (merge_row_count(merge.parts, merge.part_count) > 0) {
            run_ok(&merge);
            expect_merged(&merge);
        }
        merge_sample_deinit(&merge);
    }
}

/* Hides everybody who ever did it; expect_merged looks for actions without rows. */
static void an_action_without_rows_is_left_out(void **state)
{
    (void)state;
    static struct merge_sample merge;
    merge_sample_init(&merge, 23, 400, 3);
    merge_sample_write(&merge);
    for (uint32_t row = 0; row < merge.sample.row_count; row++) {
        for (uint32_t part = 0; merge.sample.rows[row].action == 5 && part < 3; part++) {
            merge_sample_hide(&merge, part, merge.sample.rows[row].user);
        }
    }
    run_ok(&merge);
    expect_merged(&merge);
    merge_sample_deinit(&merge);
}

static void nothing_is_left_when_all_are_hidden(void **state)
{
    (void)state;
    static struct merge_sample merge;
    merge_sample_init(&merge, 24, 300, 2);
    merge_sample_write(&merge);
    assert_int_equal(merge_row_count(merge.parts, 2), 300);
    for (uint32_t user = 0; user < merge.sample.user_count; user++) {
        merge_sample_hide(&merge, 0, user);
    }
    run_ok(&merge);
    expect_merged(&merge);
    for (uint32_t user = 0; user < merge.sample.user_count; user++) {
        merge_sample_hide(&merge, 1, user);
    }
    assert_int_equal(merge_row_count(merge.parts, 2), 0);
    merge_sample_deinit(&merge);
}

/* Whether the bytes stand anywhere in the new part. */
static bool merged_holds(struct merge_sample *merge, struct str text)
{
    CLEANUP(disk_file_close) struct disk_file *file = NULL;
    uint64_t size = 0;
    size_t len = 0;
    assert_int_equal(disk_open(merge->disk, MERGED_PATH, DISK_READ, &file, NULL), STATUS_OK);
    assert_int_equal(disk_file_size(file, &size, NULL), STATUS_OK);
    char *bytes = malloc(size);
    assert_non_null(bytes);
    struct iovec into = {.iov_base = bytes, .iov_len = size};
    assert_int_equal(disk_file_read(file, 0, into, &len, NULL), STATUS_OK);
    bool holds = memmem(bytes, len, text.data, text.len) != NULL;
    free(bytes);
    return holds;
}

/* A dictionary shows pieces of metadata as they are. */
static void the_dictionary_does_not_tell_of_hidden_users(void **state)
{
    (void)state;
    struct str secret = STR("the address of somebody who asked to be forgotten");
    struct str piece = STR("somebody who"); /* a dictionary need not hold all of it together */
    static struct merge_sample merge;
    merge_sample_init(&merge, 25, 4000, 3);
    for (uint32_t row = 0; row < merge.sample.row_count; row++) {
        char json[128];
        if (merge.sample.rows[row].user == 0) {
            snprintf(json, sizeof json, "{\"where\":\"%.*s\",\"row\":%u}", STR_FORMAT(secret), row);
            merge.sample.rows[row].activity.metadata =
                arena_copy_str(&merge.sample.arena, str_from(json));
        }
    }
    merge_sample_write(&merge);
    run_ok(&merge);
    expect_merged(&merge);
    assert_true(merged_holds(&merge, piece));
    remove_merged(&merge);
    for (uint32_t part = 0; part < merge.part_count; part++) {
        merge_sample_hide(&merge, part, 0);
    }
    run_ok(&merge);
    expect_merged(&merge);
    assert_false(merged_holds(&merge, piece));
    merge_sample_deinit(&merge);
}

static void a_part_has_a_dictionary_from_some_size_on(void **state)
{
    (void)state;
    static struct merge_sample merge;
    for (uint32_t rows = DICTIONARY_ROWS_MIN - 1; rows <= DICTIONARY_ROWS_MIN; rows++) {
        struct part *part = NULL;
        merge_sample_init(&merge, 26, rows, 2);
        merge_sample_write(&merge);
        run_ok(&merge);
        assert_int_equal(part_open(merge.disk, MERGED_PATH, &merged_name, &part, NULL), STATUS_OK);
        assert_int_equal(part_footer(part)->dictionary.length > 0, rows >= DICTIONARY_ROWS_MIN);
        part_close(part);
        merge_sample_deinit(&merge);
    }
}

static void a_cancelled_merge_is_busy(void **state)
{
    (void)state;
    static struct merge_sample merge;
    struct error err = {0};
    merge_sample_init(&merge, 27, 500, 2);
    merge_sample_write(&merge);
    atomic_store(&merge.cancel, true);
    assert_int_equal(merge_sample_run(&merge, &err), STATUS_BUSY);
    remove_merged(&merge);
    atomic_store(&merge.cancel, false);
    run_ok(&merge);
    expect_merged(&merge);
    merge_sample_deinit(&merge);
}

static void a_failing_disk_is_told(void **state)
{
    (void)state;
    static struct merge_sample merge;
    enum status status = STATUS_UNAVAILABLE;
    merge_sample_init(&merge, 28, 300, 3);
    merge_sample_write(&merge);
    merge_sample_hide(&merge, 1, 0);
    uint64_t nth = 0;
    while (status != STATUS_OK) {
        struct error err = {0};
        nth++;
        disk_simulated_fail_at(merge.disk, nth, EIO, true);
        status = merge_sample_run(&merge, &err);
        disk_simulated_fail_at(merge.disk, 0, 0, false);
        assert_true(status == STATUS_OK || status == STATUS_UNAVAILABLE);
        if (status != STATUS_OK) {
            remove_merged(&merge);
        }
    }
    assert_true(nth > 20);
    expect_merged(&merge);
    merge_sample_deinit(&merge);
}

/* Only a missing dictionary may pass without a word: the part is then merely larger. On the
 * machine's disk, since the simulated one does without failing allocations itself. */
static void every_failing_allocation_is_told(void **state)
{
    (void)state;
    static struct merge_sample merge;
    char directory[] = "/tmp/merge_test_XXXXXX";
    assert_non_null(mkdtemp(directory));
    assert_int_equal(chdir(directory), 0);
    merge_sample_init(&merge, 29, DICTIONARY_ROWS_MIN, 2);
    merge.disk = disk_posix();
    merge_sample_write(&merge);
    merge_sample_hide(&merge, 1, 0);
    bool failed = true;
    for (unsigned long nth = 0; failed; nth++) {
        struct error err = {0};
        failing_memory_arm(nth);
        enum status status = merge_sample_run(&merge, &err);
        failed = failing_memory_disarm();
        assert_true(status == STATUS_OK || status == STATUS_NO_MEMORY);
        if (status == STATUS_OK) {
            expect_merged(&merge);
        }
        remove_merged(&merge);
    }
    assert_int_equal(unlink("0.part") + unlink("1.part") + rmdir(directory), 0);
    merge_sample_deinit(&merge);
}

/* What the merge reads is checked by CRCs; what it does not read it makes anew. */
static void a_damaged_part_is_told(void **state)
{
    (void)state;
    static struct merge_sample merge;
    struct error err = {0};
    unsigned corrupt = 0;
    merge_sample_init(&merge, 30, 100, 2);
    merge_sample_write(&merge);
    for (uint64_t bit = 0; disk_simulated_flip_bit(merge.disk, "1.part", bit); bit += 13) {
        enum status status = merge_sample_run(&merge, &err);
        if (status == STATUS_OK) {
            expect_merged(&merge);
        } else {
            assert_int_equal(status, STATUS_CORRUPT);
            assert_non_null(strstr(err.message, "part 11: "));
            corrupt++;
        }
        remove_merged(&merge);
        assert_true(disk_simulated_flip_bit(merge.disk, "1.part", bit));
    }
    assert_true(corrupt > 100);
    merge_sample_deinit(&merge);
}

/* Sets of hidden users that do not fit their part, and a part that stands twice in the job. */
static void what_does_not_fit_together_is_corrupt(void **state)
{
    (void)state;
    static struct merge_sample merge;
    struct error err = {0};
    merge_sample_init(&merge, 31, 200, 2);
    merge_sample_write(&merge);
    merge_sample_hide(&merge, 0, 0);
    for (int more = -1; more <= 1; more += 2) {
        merge.hidden[0]->rows += (uint64_t)more;
        assert_int_equal(merge_sample_run(&merge, &err), STATUS_CORRUPT);
        remove_merged(&merge);
        merge.hidden[0]->rows -= (uint64_t)more;
    }
    for (uint32_t user = 1; user < merge.sample.user_count; user++) {
        merge_sample_hide(&merge, 0, user);
        merge_sample_hide(&merge, 1, user);
    }
    merge_sample_hide(&merge, 1, 0);
    merge.hidden[0]->rows--;
    assert_int_equal(merge_sample_run(&merge, &err), STATUS_CORRUPT);
    assert_non_null(strstr(err.message, "part 10: "));
    merge.hidden[0]->rows++;

    struct merge_part twice[] = {{.part = merge.parts[0].part}, {.part = merge.parts[0].part}};
    struct merge_job job = {.disk = merge.disk,
                            .path = MERGED_PATH,
                            .name = merged_name,
                            .parts = twice,
                            .count = 2,
                            .level = 1,
                            .cancel = &merge.cancel};
    assert_int_equal(merge_run(&job, &err), STATUS_CORRUPT);
    merge_sample_deinit(&merge);
}

static enum status next_same(void *context, struct page_row *out_row, struct error *err)
{
    (void)err;
    *out_row = (struct page_row){.activity = context};
    return STATUS_OK;
}

/* A part of one row with as many sources as may be, of partitions from `first` on. */
static struct part *write_sources(struct disk *disk, const char *path, int32_t first)
{
    static struct part_source sources[PART_SOURCES_MAX];
    struct activity activity = {.metadata = STR("{}"), .id = str_from(path), .timestamp_ms = first};
    struct part *part = NULL;
    const struct str text = STR("one");
    for (int32_t i = 0; i < PART_SOURCES_MAX; i++) {
        sources[i] = (struct part_source){.partition = first + i, .end = 1};
    }
    const struct part_input input = {.users = &text,
                                     .user_count = 1,
                                     .actions = &text,
                                     .action_count = 1,
                                     .sources = sources,
                                     .source_count = PART_SOURCES_MAX,
                                     .row_count = 1,
                                     .next = next_same,
                                     .context = &activity};
    assert_int_equal(part_write(disk, path, &sample_name, &input, NULL), STATUS_OK);
    assert_int_equal(part_open(disk, path, &sample_name, &part, NULL), STATUS_OK);
    return part;
}

static void too_many_sources_are_told(void **state)
{
    (void)state;
    const struct disk_simulated_options options = {.seed = 1};
    CLEANUP(disk_simulated_free) struct disk *disk = disk_simulated_new(&options);
    struct merge_part parts[] = {{.part = write_sources(disk, "a", 0)},
                                 {.part = write_sources(disk, "b", 0)},
                                 {.part = write_sources(disk, "c", 1)}};
    struct error err = {0};
    const atomic_bool cancel = false;
    struct merge_job job = {.disk = disk,
                            .path = MERGED_PATH,
                            .name = merged_name,
                            .parts = parts,
                            .count = 3,
                            .level = 1,
                            .cancel = &cancel};
    assert_int_equal(merge_run(&job, &err), STATUS_TOO_LARGE);
    job.count = 2;
    assert_int_equal(merge_run(&job, &err), STATUS_OK);
    for (size_t i = 0; i < ARRAY_LENGTH(parts); i++) {
        part_close(parts[i].part);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_in_the_new_part),
        cmocka_unit_test(parts_that_follow_each_other_merge),
        cmocka_unit_test(hidden_users_are_left_out),
        cmocka_unit_test(an_action_without_rows_is_left_out),
        cmocka_unit_test(nothing_is_left_when_all_are_hidden),
        cmocka_unit_test(the_dictionary_does_not_tell_of_hidden_users),
        cmocka_unit_test(a_part_has_a_dictionary_from_some_size_on),
        cmocka_unit_test(a_cancelled_merge_is_busy),
        cmocka_unit_test(a_failing_disk_is_told),
        cmocka_unit_test(every_failing_allocation_is_told),
        cmocka_unit_test(a_damaged_part_is_told),
        cmocka_unit_test(what_does_not_fit_together_is_corrupt),
        cmocka_unit_test(too_many_sources_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
