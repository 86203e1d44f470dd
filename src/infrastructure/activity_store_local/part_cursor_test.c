/* Guards what a part answers to questions: the same rows in the same order, the same skips and the
 * same counts as a walk over all rows that looks at each; no more read than that takes; deadlines
 * kept; damage told. */
#include "base/crc32c.h"
#include "base/little_endian.h"
#include "infrastructure/activity_store_local/part_bed.h"
#include "infrastructure/activity_store_local/part_count.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

/* Whether the cursor stands at this row. */
static bool stands_at(const struct part_cursor *cursor, const struct sample *sample, uint32_t row)
{
    return part_cursor_row(cursor) == row &&
           activity_key_compare(part_cursor_key(cursor),
                                activity_key_of(&sample->rows[row].activity)) == 0;
}

/* What a caller does between two rows: read the one, and now and then another page. */
static bool reads_between(const struct bed *bed, uint32_t row, uint32_t count)
{
    struct part_row read;
    struct arena arena;
    const struct page *page;
    arena_init(&arena, 1 << 20);
    bool same = part_view_row(bed->view, row, &arena, &read, NULL) == STATUS_OK &&
                str_equal(read.activity.id, bed->sample.rows[row].activity.id);
    if (count % 2 == 0) {
        uint32_t other = (row + PAGE_ROWS) % bed->sample.row_count;
        same = same && part_view_page(bed->view, other, &page, NULL) == STATUS_OK;
    }
    arena_deinit(&arena);
    return same;
}

/* Whether a walk to the end gives just these rows. */
static bool walks_over(const struct bed *bed, const struct part_question *question,
                       const struct answer *answer)
{
    CLEANUP(part_cursor_free) struct part_cursor *cursor = NULL;
    struct error err = {.cause = 77};
    if (part_cursor_new(bed->view, question, &cursor, &err) != STATUS_OK || err.cause != 77) {
        return false;
    }
    for (uint32_t i = 0; i < answer->count; i++) {
        if (part_cursor_next(cursor, &err) != STATUS_OK ||
            !stands_at(cursor, &bed->sample, answer->rows[i]) ||
            (i % 37 == 0 && !reads_between(bed, answer->rows[i], i / 37))) {
            return false;
        }
    }
    enum status first = part_cursor_next(cursor, &err);
    enum status second = part_cursor_next(cursor, &err);
    return first == STATUS_NOT_FOUND && second == STATUS_NOT_FOUND && err.cause == 77;
}

/* Skips and steps in turns; whether each comes out at the right row. */
static bool skips_over(const struct bed *bed, const struct part_question *question,
                       const struct answer *answer, const struct random *random)
{
    static const uint64_t most[] = {1, 2, 30, PAGE_ROWS, 3000};
    CLEANUP(part_cursor_free) struct part_cursor *cursor = NULL;
    if (part_cursor_new(bed->view, question, &cursor, NULL) != STATUS_OK) {
        return false;
    }
    uint64_t at = 0;
    enum status status = STATUS_OK;
    while (status == STATUS_OK) {
        uint64_t left = answer->count - at;
        uint64_t asked = random_below(random, 1 + most[random_below(random, ARRAY_LENGTH(most))]);
        uint64_t skipped = 0;
        if (part_cursor_skip(cursor, asked, &skipped, NULL) != STATUS_OK ||
            skipped != (asked < left ? asked : left)) {
            return false;
        }
        at += skipped;
        for (uint64_t steps = random_below(random, 4); status == STATUS_OK && steps > 0; steps--) {
            status = part_cursor_next(cursor, NULL);
            if (status == STATUS_OK &&
                (at == answer->count || !stands_at(cursor, &bed->sample, answer->rows[at++]))) {
                return false;
            }
        }
    }
    return status == STATUS_NOT_FOUND && at == answer->count;
}

static bool counts(const struct bed *bed, const struct part_question *question)
{
    static struct answer answer;
    struct part_question all = *question;
    uint64_t count = 0;
    all.after = NULL;
    answer_by_looking(&bed->sample, &all, &answer);
    return part_count(bed->view, question, &count, NULL) == STATUS_OK && count == answer.count;
}

/* Tests ------------------------------------------------------------------------------------- */

static void expect_answers(const struct bed *bed, uint64_t seed, int questions)
{
    static struct answer answer;
    struct random_seeded seeded;
    struct random random = random_from_seed(&seeded, seed);
    for (int i = 0; i < questions; i++) {
        struct asking asking;
        asking_init_any(&asking, bed, &random);
        answer_by_looking(&bed->sample, &asking.question, &answer);
        bool walked = walks_over(bed, &asking.question, &answer);
        bool skipped = skips_over(bed, &asking.question, &answer, &random);
        bool counted = counts(bed, &asking.question);
        if (!walked || !skipped || !counted) {
            fail_msg("seed %llu, %u rows, question %d: walk %d, skip %d, count %d",
                     (unsigned long long)seed, bed->sample.row_count, i, walked, skipped, counted);
        }
        asking_deinit(&asking);
    }
}

static void any_question_is_answered_as_by_looking(void **state)
{
    (void)state;
    static const uint32_t row_counts[] = {1, 255, 256, 257, 5000};
    for (size_t i = 0; i < ARRAY_LENGTH(row_counts); i++) {
        for (uint64_t seed = 1; seed <= 6; seed++) {
            struct bed bed;
            bed_init(&bed, 10 * i + seed, row_counts[i], (enum bed_kind)(seed % BED_KINDS));
            expect_answers(&bed, 10 * i + seed, 150);
            bed_deinit(&bed);
        }
    }
}

/* The negative control: a wrong row, a row more and a row less are noticed. */
static void a_wrong_answer_is_noticed(void **state)
{
    (void)state;
    static struct answer answer;
    struct bed bed;
    struct asking asking;
    bed_init(&bed, 60, 300, PLAIN);
    asking_init(&asking);
    answer_by_looking(&bed.sample, &asking.question, &answer);
    assert_int_equal(answer.count, 300);
    assert_true(walks_over(&bed, &asking.question, &answer));
    answer.rows[123] ^= 1;
    assert_false(walks_over(&bed, &asking.question, &answer));
    answer.rows[123] ^= 1;
    answer.count--;
    assert_false(walks_over(&bed, &asking.question, &answer));
    answer.rows[answer.count++] = 0;
    answer.rows[answer.count++] = 0;
    assert_false(walks_over(&bed, &asking.question, &answer));
    bed_deinit(&bed);
}

static void a_key_has_its_bounds(void **state)
{
    (void)state;
    for (uint64_t seed = 70; seed < 74; seed++) {
        struct bed bed;
        bed_init(&bed, seed, 1500, seed % 2 == 0 ? CROWDED : PLAIN);
        for (uint32_t row = 0; row < bed.sample.row_count; row++) {
            struct activity_key key = activity_key_of(&bed.sample.rows[row].activity);
            uint32_t lower = UINT32_MAX;
            uint32_t upper = UINT32_MAX;
            assert_int_equal(part_view_lower_bound(bed.view, key, &lower, NULL), STATUS_OK);
            assert_int_equal(part_view_upper_bound(bed.view, key, &upper, NULL), STATUS_OK);
            assert_int_equal(lower, row);
            assert_int_equal(upper, row + 1);
        }
        bed_deinit(&bed);
    }
}

static uint64_t count_of(struct bed *bed, const struct asking *asking)
{
    uint64_t count = UINT64_MAX;
    assert_int_equal(part_count(bed->view, &asking->question, &count, NULL), STATUS_OK);
    return count;
}

/* What footer, directory and lists know is not looked up in pages; each read is an operation of the
 * disk. */
static void no_more_is_read_than_needed(void **state)
{
    (void)state;
    struct bed bed;
    struct asking asking;
    uint64_t skipped;
    bed_init(&bed, 80, 5000, PLAIN);
    struct part_cursor *cursor = NULL;
    uint64_t before = disk_simulated_count(bed.disk);
    asking_init(&asking);
    assert_int_equal(count_of(&bed, &asking), 5000);
    assert_int_equal(part_cursor_new(bed.view, &asking.question, &cursor, NULL), STATUS_OK);
    assert_int_equal(part_cursor_skip(cursor, 4000, &skipped, NULL), STATUS_OK);
    assert_int_equal(skipped, 4000);
    part_cursor_free(cursor);
    asking_hide(&asking, &bed.sample, 7);
    assert_int_equal(count_of(&bed, &asking), 5000 - sample_rows_of_user(&bed.sample, 7));
    asking_deinit(&asking);
    asking_init(&asking);
    asking.actions[asking.filter.actions.count++] = bed.sample.actions[3];
    assert_in_range(count_of(&bed, &asking), 1, 4999);
    asking.actions[0] = STR("unknown");
    asking.filter.from_ms = bed.sample.rows[2000].activity.timestamp_ms;
    assert_int_equal(count_of(&bed, &asking), 0);
    assert_int_equal(disk_simulated_count(bed.disk), before);
    bed_deinit(&bed);
}

/* A cursor whose view has read nothing before; sets how many operations the disk did until then. */
static struct part_cursor *open_unread(struct bed *bed, struct asking *asking, int order,
                                       uint64_t *out_before)
{
    struct part_cursor *cursor = NULL;
    bed_renew_view(bed);
    asking->question.order = (enum activity_order)order;
    *out_before = disk_simulated_count(bed->disk);
    assert_int_equal(part_cursor_new(bed->view, &asking->question, &cursor, NULL), STATUS_OK);
    return cursor;
}

/* A long list is read from the end that is asked for: block of users, index, one chunk, and the
 * page of the row. */
static void a_long_list_is_read_from_its_end(void **state)
{
    (void)state;
    struct bed bed;
    struct asking asking;
    bed_init(&bed, 81, 5000, PLAIN);
    asking_init(&asking);
    uint32_t user = sample_frequent_user(&bed.sample);
    uint32_t rows = sample_rows_of_user(&bed.sample, user);
    assert_true(rows > 3 * LIST_CHUNK_ROWS);
    asking.users[asking.filter.user_ids.count++] = bed.sample.users[user];
    for (int order = ORDER_NEWEST_FIRST; order <= ORDER_OLDEST_FIRST; order++) {
        uint64_t skipped = 0;
        uint64_t before;
        struct part_cursor *cursor = open_unread(&bed, &asking, order, &before);
        assert_int_equal(part_cursor_next(cursor, NULL), STATUS_OK);
        assert_int_equal(disk_simulated_count(bed.disk), before + 4);
        assert_int_equal(part_cursor_skip(cursor, rows - 2, &skipped, NULL), STATUS_OK);
        assert_int_equal(skipped, rows - 2);
        assert_int_equal(disk_simulated_count(bed.disk), before + 4);
        assert_int_equal(part_cursor_next(cursor, NULL), STATUS_OK);
        assert_int_equal(disk_simulated_count(bed.disk), before + 6);
        assert_int_equal(part_cursor_next(cursor, NULL), STATUS_NOT_FOUND);
        part_cursor_free(cursor);
    }
    bed_renew_view(&bed);
    uint64_t before = disk_simulated_count(bed.disk);
    assert_int_equal(count_of(&bed, &asking), rows);
    assert_int_equal(disk_simulated_count(bed.disk), before + 2);
    bed_deinit(&bed);
}

/* Pages that can hold none of the actions are passed over: this one stands in the first only. */
static void pages_without_the_action_are_passed_over(void **state)
{
    (void)state;
    struct bed bed;
    struct asking asking;
    bed_init(&bed, 82, 3000, GATHERED);
    asking_init(&asking);
    asking.actions[asking.filter.actions.count++] = bed.sample.rows[0].activity.action;
    for (int order = ORDER_NEWEST_FIRST; order <= ORDER_OLDEST_FIRST; order++) {
        uint64_t skipped = 0;
        uint64_t before;
        struct part_cursor *cursor = open_unread(&bed, &asking, order, &before);
        assert_int_equal(part_cursor_skip(cursor, UINT64_MAX, &skipped, NULL), STATUS_OK);
        assert_int_equal(skipped, GATHERED_ROWS);
        assert_int_equal(disk_simulated_count(bed.disk), before + 1);
        part_cursor_free(cursor);
    }
    bed_deinit(&bed);
}

/* Of a user's rows only blocks of metadata are read that hold one of them, each once. */
static void each_touched_block_is_read_once(void **state)
{
    (void)state;
    struct bed bed;
    struct asking asking;
    bed_init(&bed, 83, 5000, PLAIN);
    asking_init(&asking);
    asking_want_path(&asking, "no such path");
    asking.filter.from_ms = bed.sample.rows[1000].activity.timestamp_ms;
    asking.filter.to_ms = bed.sample.rows[2000].activity.timestamp_ms;
    asking.users[asking.filter.user_ids.count++] =
        bed.sample.users[sample_frequent_user(&bed.sample)];
    uint64_t blocks = 0;
    uint64_t pages = 0;
    uint32_t last = UINT32_MAX;
    for (uint32_t row = 0; row < bed.sample.row_count; row++) {
        struct activity activity = bed.sample.rows[row].activity;
        activity.metadata = STR("{\"path\":\"no such path\"}");
        if (activity_filter_matches(&asking.filter, &activity)) {
            blocks += last == UINT32_MAX || row / PAGE_BLOCK_ROWS != last / PAGE_BLOCK_ROWS;
            pages += last == UINT32_MAX || row / PAGE_ROWS != last / PAGE_ROWS;
            last = row;
        }
    }
    assert_in_range(blocks, 10, 40);
    for (int order = ORDER_NEWEST_FIRST; order <= ORDER_OLDEST_FIRST; order++) {
        uint64_t before;
        struct part_cursor *cursor = open_unread(&bed, &asking, order, &before);
        before = disk_simulated_count(bed.disk);
        assert_int_equal(part_cursor_next(cursor, NULL), STATUS_NOT_FOUND);
        uint64_t reads = disk_simulated_count(bed.disk) - before;
        /* Besides, chunks of the user's list. */
        assert_in_range(reads, blocks + pages, blocks + pages + 1000 / LIST_CHUNK_ROWS + 2);
        part_cursor_free(cursor);
    }
    bed_deinit(&bed);
}

/* A clock that goes on by one whenever it is read. */
static uint64_t tick_ns(void *context)
{
    uint64_t *now_ns = context;
    return ++*now_ns;
}

static void a_deadline_in_the_past_times_out(void **state)
{
    (void)state;
    struct bed bed;
    struct asking asking;
    struct part_cursor *cursor = NULL;
    struct error err = {0};
    uint64_t count;
    uint64_t now_ns = 1000;
    struct clock clock = {.wall_ns = tick_ns, .monotonic_ns = tick_ns, .context = &now_ns};
    bed_init(&bed, 90, 300, PLAIN);
    asking_init(&asking);
    asking.question.clock = &clock;
    asking.question.deadline_ns = 1000;
    assert_int_equal(part_cursor_new(bed.view, &asking.question, &cursor, &err), STATUS_TIMED_OUT);
    assert_string_equal(err.message, "the query took longer than it may; ask for less, such as a "
                                     "shorter time or fewer users");
    assert_int_equal(part_count(bed.view, &asking.question, &count, &err), STATUS_TIMED_OUT);
    bed_deinit(&bed);
}

/* Skips rows with a clock that goes on at each look until the deadline is there. */
static void expect_skip_to_time_out(const struct bed *bed, struct asking *asking,
                                    uint64_t deadline_ns, uint64_t count)
{
    CLEANUP(part_cursor_free) struct part_cursor *cursor = NULL;
    uint64_t skipped;
    uint64_t now_ns = 0;
    struct clock clock = {.wall_ns = tick_ns, .monotonic_ns = tick_ns, .context = &now_ns};
    asking->question.clock = &clock;
    asking->question.deadline_ns = deadline_ns;
    assert_int_equal(part_cursor_new(bed->view, &asking->question, &cursor, NULL), STATUS_OK);
    assert_int_equal(part_cursor_skip(cursor, count, &skipped, NULL), STATUS_TIMED_OUT);
    assert_int_equal(now_ns, deadline_ns);
    asking_deinit(asking);
}

/* However the rows come, the clock is read often enough on the way: for each page, for each block
 * of metadata, and for 256 rows of users that need none. */
static void a_deadline_ends_a_walk(void **state)
{
    (void)state;
    struct bed bed;
    struct asking asking;
    bed_init(&bed, 91, 5000, PLAIN);
    asking_init(&asking);
    asking_hide(&asking, &bed.sample, 3);
    expect_skip_to_time_out(&bed, &asking, 30, UINT64_MAX);
    asking_init(&asking);
    asking.actions[asking.filter.actions.count++] = bed.sample.actions[0];
    expect_skip_to_time_out(&bed, &asking, 30, UINT64_MAX);
    asking_init(&asking);
    for (uint32_t i = 0; i < ASKING_USERS_MAX; i++) {
        asking.users[asking.filter.user_ids.count++] =
            bed.sample.users[(sample_frequent_user(&bed.sample) + i) % bed.sample.user_count];
    }
    expect_skip_to_time_out(&bed, &asking, 1 + ASKING_USERS_MAX + 2, 500);
    asking_init(&asking);
    asking_want_path(&asking, "no such path");
    expect_skip_to_time_out(&bed, &asking, 5000 / PAGE_BLOCK_ROWS, 1);
    bed_deinit(&bed);
}

/* Damage ------------------------------------------------------------------------------------ */

/* Opens the part and asks it; OK only where the answer is right or need not be. */
static enum status ask_again(struct bed *bed, const struct part_question *question,
                             const struct answer *answer, struct error *err)
{
    CLEANUP(part_close) struct part *part = NULL;
    CLEANUP(part_view_free) struct part_view *view = NULL;
    CLEANUP(part_cursor_free) struct part_cursor *cursor = NULL;
    uint64_t count;
    enum status status = part_open(bed->disk, SAMPLE_PATH, &sample_name, &part, err);
    if (status == STATUS_OK) {
        status = part_view_new(part, &view, err);
    }
    if (status == STATUS_OK) {
        status = part_cursor_new(view, question, &cursor, err);
    }
    for (uint32_t at = 0; status == STATUS_OK; at++) {
        status = part_cursor_next(cursor, err);
        if (status == STATUS_OK && answer != NULL) {
            assert_true(at < answer->count && stands_at(cursor, &bed->sample, answer->rows[at]));
        } else if (status == STATUS_OK) {
            assert_true(part_cursor_row(cursor) < bed->sample.row_count);
        } else if (status == STATUS_NOT_FOUND && answer != NULL) {
            assert_int_equal(at, answer->count);
        }
    }
    return status == STATUS_NOT_FOUND ? part_count(view, question, &count, err) : status;
}

/* A part that is asked for two users, of which one has a long list and one a short. */
static void bed_init_for_two(struct bed *bed, uint64_t seed, struct asking *asking,
                             struct answer *answer)
{
    bed_init(bed, seed, 2000, PLAIN);
    uint32_t user = sample_frequent_user(&bed->sample);
    asking_init(asking);
    asking->users[0] = bed->sample.users[user];
    asking->users[1] = bed->sample.users[(user + 1) % bed->sample.user_count];
    asking->filter.user_ids.count = 2;
    asking->filter.from_ms = bed->sample.rows[500].activity.timestamp_ms;
    answer_by_looking(&bed->sample, &asking->question, answer);
}

static void a_flipped_bit_is_told_or_does_no_harm(void **state)
{
    (void)state;
    static struct answer answer;
    struct bed bed;
    struct asking asking;
    struct error err = {0};
    int told = 0;
    bed_init_for_two(&bed, 100, &asking, &answer);
    for (uint64_t bit = 3; disk_simulated_flip_bit(bed.disk, SAMPLE_PATH, bit); bit += 1283) {
        enum status status = ask_again(&bed, &asking.question, &answer, &err);
        assert_true(status == STATUS_OK || status == STATUS_CORRUPT || status == STATUS_INVALID);
        told += status == STATUS_CORRUPT;
        assert_true(disk_simulated_flip_bit(bed.disk, SAMPLE_PATH, bit));
    }
    assert_true(told > 0);
    bed_deinit(&bed);
}

static void a_failing_disk_is_told(void **state)
{
    (void)state;
    static struct answer answer;
    struct bed bed;
    struct asking asking;
    struct error err = {0};
    enum status status = STATUS_UNAVAILABLE;
    bed_init_for_two(&bed, 101, &asking, &answer);
    for (uint64_t nth = 1; status != STATUS_OK; nth++) {
        disk_simulated_fail_at(bed.disk, nth, EIO, false);
        status = ask_again(&bed, &asking.question, &answer, &err);
        assert_true(status == STATUS_OK || status == STATUS_UNAVAILABLE);
        assert_true(nth < 10000);
    }
    bed_deinit(&bed);
}

/* Writes a run whose byte `at` is another, with a CRC that says it is right. */
static void overwrite_byte(struct disk *disk, struct run_place place, const uint8_t *run, size_t at,
                           uint8_t byte)
{
    uint8_t bytes[4096];
    struct disk_file *file = NULL;
    size_t covered = (size_t)place.length - RUN_CRC_BYTES;
    uint32_t seed = run_seed(sample_name.store_id, sample_name.number);
    struct iovec part = {.iov_base = bytes, .iov_len = (size_t)place.length};
    memcpy(bytes, run, covered);
    bytes[at] = byte;
    little_endian_put_u32(bytes + covered, crc32c_extend(seed, bytes, covered));
    assert_int_equal(disk_open(disk, SAMPLE_PATH, DISK_WRITE, &file, NULL), STATUS_OK);
    assert_int_equal(disk_file_write(file, place.offset, &part, 1, NULL), STATUS_OK);
    disk_file_close(file);
}

/* Every byte of a run becomes another in several ways; the questions end in some way. */
static void expect_no_harm(struct bed *bed, struct run_place place,
                           const struct part_question *question)
{
    static const uint8_t with[] = {0x01, 0x80, 0xff, 0x20};
    uint8_t run[4096];
    struct reading reading;
    struct error err = {0};
    assert_true(place.length <= sizeof run);
    assert_int_equal(part_view_run(bed->view, place, &reading, NULL), STATUS_OK);
    size_t len = reading_left(&reading);
    memcpy(run, reading.at, len);
    for (size_t i = 0; i < len * ARRAY_LENGTH(with); i++) {
        size_t at = i / ARRAY_LENGTH(with);
        uint8_t byte = (uint8_t)(run[at] ^ with[i % ARRAY_LENGTH(with)]);
        overwrite_byte(bed->disk, place, run, at, byte);
        enum status status = ask_again(bed, question, NULL, &err);
        assert_true(status == STATUS_OK || status == STATUS_CORRUPT);
    }
    overwrite_byte(bed->disk, place, run, 0, run[0]);
}

/* A program that wrote nonsense with the right CRC is told as damage, too, or gives other rows of
 * the part. */
static void a_nonsensical_list_does_no_harm(void **state)
{
    (void)state;
    static struct answer answer;
    struct bed bed;
    struct asking asking;
    struct part_user user;
    struct part_list list;
    struct error err = {0};
    bed_init_for_two(&bed, 102, &asking, &answer);
    assert_int_equal(part_view_find_user(bed.view, asking.users[0], &user, NULL), STATUS_OK);
    assert_int_equal(part_view_list_open(bed.view, &user, &list, NULL), STATUS_OK);
    assert_int_equal(list_chunk_count(list.count), 2);
    expect_no_harm(&bed, user.found.index, &asking.question);
    expect_no_harm(&bed, list.chunks[0].place, &asking.question);
    expect_no_harm(&bed, list.chunks[1].place, &asking.question);
    expect_no_harm(&bed, part_directory(bed.part)->names[0].place, &asking.question);
    assert_int_equal(ask_again(&bed, &asking.question, &answer, &err), STATUS_OK);
    part_list_deinit(&list);
    bed_deinit(&bed);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_question_is_answered_as_by_looking),
        cmocka_unit_test(a_wrong_answer_is_noticed),
        cmocka_unit_test(a_key_has_its_bounds),
        cmocka_unit_test(no_more_is_read_than_needed),
        cmocka_unit_test(a_long_list_is_read_from_its_end),
        cmocka_unit_test(pages_without_the_action_are_passed_over),
        cmocka_unit_test(each_touched_block_is_read_once),
        cmocka_unit_test(a_deadline_in_the_past_times_out),
        cmocka_unit_test(a_deadline_ends_a_walk),
        cmocka_unit_test(a_flipped_bit_is_told_or_does_no_harm),
        cmocka_unit_test(a_failing_disk_is_told),
        cmocka_unit_test(a_nonsensical_list_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
