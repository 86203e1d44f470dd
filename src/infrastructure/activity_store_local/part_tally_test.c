/* Guards what a part counts in groups: the same as a look at each row, whatever is asked; nothing
 * read where footer and users know the answer, and little where times end within an hour; deadlines
 * kept; damage told. */
#include "base/timestamp.h"
#include "infrastructure/activity_store_local/part_bed.h"
#include "infrastructure/activity_store_local/part_count.h"
#include "infrastructure/activity_store_local/part_tally.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

#define HOUR_MS INT64_C(3600000)

enum { ROWS = 5000, GROUPS_MAX = 10000, ARENA_BYTES = 8 << 20 };

/* What a part counts. */
struct counted {
    struct activity_tally_request request;
    struct tally_table table;
    struct arena arena;
    struct activity_tally tally;
};

/* With all that a grouping may need. The sample's rows have "path" in their metadata. */
static struct activity_tally_request request_by(const struct asking *asking,
                                                enum activity_grouping grouping)
{
    static struct metadata_path path;
    assert_int_equal(metadata_path_read(STR("path"), &path, NULL), STATUS_OK);
    return (struct activity_tally_request){.filter = asking->filter,
                                           .grouping = grouping,
                                           .interval_ms = 7 * MS_PER_MINUTE,
                                           .path = &path,
                                           .limit = GROUPS_MAX,
                                           .groups_max = GROUPS_MAX};
}

static enum status count_groups(struct counted *counted, const struct bed *bed,
                                const struct asking *asking, enum activity_grouping grouping)
{
    struct error err = {0};
    counted->request = request_by(asking, grouping);
    arena_init(&counted->arena, ARENA_BYTES);
    tally_table_init(&counted->table, &counted->request, 1);
    enum status status = part_tally(bed->view, &asking->question, &counted->table, &err);
    if (status == STATUS_OK) {
        assert_int_equal(tally_table_answer(&counted->table, &counted->arena, &counted->tally),
                         STATUS_OK);
    } else {
        assert_int_equal(err.status, status);
    }
    return status;
}

static void forget(struct counted *counted)
{
    tally_table_deinit(&counted->table);
    arena_deinit(&counted->arena);
}

/* The same by looking at each row. */
static void count_by_looking(struct counted *counted, const struct bed *bed,
                             const struct asking *asking, enum activity_grouping grouping)
{
    static struct answer answer;
    struct part_question all = asking->question;
    all.after = NULL;
    answer_by_looking(&bed->sample, &all, &answer);
    counted->request = request_by(asking, grouping);
    arena_init(&counted->arena, ARENA_BYTES);
    tally_table_init(&counted->table, &counted->request, 2);
    for (uint32_t i = 0; i < answer.count; i++) {
        const struct activity *row = &bed->sample.rows[answer.rows[i]].activity;
        enum status status = tally_table_add_row(&counted->table, row);
        assert_int_equal(status, STATUS_OK);
    }
    assert_int_equal(tally_table_answer(&counted->table, &counted->arena, &counted->tally),
                     STATUS_OK);
}

static bool is_same(const struct activity_tally *a, const struct activity_tally *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++) {
        same = str_equal(a->groups[i].name, b->groups[i].name) &&
               a->groups[i].start_ms == b->groups[i].start_ms &&
               a->groups[i].count == b->groups[i].count;
    }
    return same;
}

static void expect_same(const struct bed *bed, const struct asking *asking,
                        enum activity_grouping grouping, const char *question)
{
    struct counted found;
    struct counted expected;
    assert_int_equal(count_groups(&found, bed, asking, grouping), STATUS_OK);
    count_by_looking(&expected, bed, asking, grouping);
    if (!is_same(&expected.tally, &found.tally)) {
        fail_msg("by %s, %s", activity_grouping_name(grouping), question);
    }
    forget(&found);
    forget(&expected);
}

/* Moves the ends of the question's times to whole hours, sometimes. */
static void round_times(struct asking *asking, const struct random *random)
{
    if (random_below(random, 2) == 0) {
        asking->filter.from_ms = asking->filter.from_ms / HOUR_MS * HOUR_MS;
    }
    if (random_below(random, 2) == 0 && asking->filter.to_ms <= TIMESTAMP_MS_MAX) {
        asking->filter.to_ms = (asking->filter.to_ms / HOUR_MS + 1) * HOUR_MS;
    }
}

static void any_question_is_counted_as_by_looking(void **state)
{
    (void)state;
    static const uint32_t row_counts[] = {1, 256, 257, ROWS};
    for (uint64_t seed = 1; seed <= 4 * ARRAY_LENGTH(row_counts); seed++) {
        struct bed bed;
        struct random_seeded seeded;
        struct random random = random_from_seed(&seeded, seed);
        bed_init(&bed, seed, row_counts[seed % ARRAY_LENGTH(row_counts)],
                 (enum bed_kind)(seed % BED_KINDS));
        for (int i = 0; i < 160; i++) {
            struct asking asking;
            char question[64];
            asking_init_any(&asking, &bed, &random);
            asking.filter.user_ids.count = i % 3 == 0 ? asking.filter.user_ids.count : 0;
            round_times(&asking, &random);
            snprintf(question, sizeof question, "seed %llu, question %d", (unsigned long long)seed,
                     i);
            expect_same(&bed, &asking, (enum activity_grouping)(i % GROUPING_COUNT), question);
            asking_deinit(&asking);
        }
        bed_deinit(&bed);
    }
}

/* How many operations of the disk a count takes whose view has read nothing before. */
static uint64_t reads_of(struct bed *bed, const struct asking *asking,
                         enum activity_grouping grouping)
{
    struct counted counted;
    bed_renew_view(bed);
    uint64_t before = disk_simulated_count(bed->disk);
    assert_int_equal(count_groups(&counted, bed, asking, grouping), STATUS_OK);
    assert_true(counted.tally.count > 0);
    forget(&counted);
    return disk_simulated_count(bed->disk) - before;
}

/* A whole hour in the midst of the part, of which there are rows on both sides. */
static int64_t middle_hour(const struct bed *bed)
{
    int64_t middle_ms = bed->sample.rows[bed->sample.row_count / 2].activity.timestamp_ms;
    return middle_ms / HOUR_MS * HOUR_MS;
}

static void the_footer_is_asked_and_no_row(void **state)
{
    (void)state;
    static const enum activity_grouping groupings[] = {GROUP_BY_ACTION, GROUP_BY_HOUR,
                                                       GROUP_BY_DAY};
    struct bed bed;
    bed_init(&bed, 7, ROWS, SPREAD);
    for (size_t i = 0; i < ARRAY_LENGTH(groupings); i++) {
        struct asking asking;
        asking_init(&asking);
        assert_int_equal(reads_of(&bed, &asking, groupings[i]), 0);
        asking.excluded_actions[asking.filter.excluded.actions.count++] = bed.sample.actions[1];
        assert_int_equal(reads_of(&bed, &asking, groupings[i]), 0);
        asking.actions[asking.filter.actions.count++] = bed.sample.actions[0];
        assert_int_equal(reads_of(&bed, &asking, groupings[i]), 0);
        asking.filter.from_ms = bed.sample.rows[0].activity.timestamp_ms;
        asking.filter.to_ms = bed.sample.rows[ROWS - 1].activity.timestamp_ms + 1;
        assert_int_equal(reads_of(&bed, &asking, groupings[i]), 0);
    }
    bed_deinit(&bed);
}

/* The border of a whole hour lies within one page, which may be read to find it. */
static void whole_hours_of_the_part_are_not_walked(void **state)
{
    (void)state;
    struct bed bed;
    struct asking asking;
    uint64_t count = 0;
    bed_init(&bed, 7, ROWS, SPREAD);
    asking_init(&asking);
    asking.filter.from_ms = middle_hour(&bed);
    assert_in_range(reads_of(&bed, &asking, GROUP_BY_HOUR), 0, 1);
    assert_in_range(reads_of(&bed, &asking, GROUP_BY_ACTION), 0, 1);
    asking.actions[asking.filter.actions.count++] = bed.sample.actions[0];
    bed_renew_view(&bed);
    uint64_t before = disk_simulated_count(bed.disk);
    assert_int_equal(part_count(bed.view, &asking.question, &count, NULL), STATUS_OK);
    assert_in_range(disk_simulated_count(bed.disk) - before, 0, 1);
    expect_same(&bed, &asking, GROUP_BY_DAY, "from a whole hour on");
    asking.filter.actions.count = 0;
    asking.excluded_actions[asking.filter.excluded.actions.count++] = bed.sample.actions[0];
    bed_renew_view(&bed);
    before = disk_simulated_count(bed.disk);
    assert_int_equal(part_count(bed.view, &asking.question, &count, NULL), STATUS_OK);
    assert_in_range(disk_simulated_count(bed.disk) - before, 0, 1);
    expect_same(&bed, &asking, GROUP_BY_DAY, "without an action");
    bed_deinit(&bed);
}

/* One page for each of their rows at the most, and the blocks and lists of their users. */
static void rows_of_hidden_users_are_taken_off(void **state)
{
    (void)state;
    struct bed bed;
    struct asking asking;
    uint32_t user = 0;
    bed_init(&bed, 8, ROWS, SPREAD);
    while (sample_rows_of_user(&bed.sample, user) == 0 ||
           sample_rows_of_user(&bed.sample, user) > 5) {
        assert_true(++user < bed.sample.user_count);
    }
    asking_init(&asking);
    asking_hide(&asking, &bed.sample, user);
    uint64_t reads = reads_of(&bed, &asking, GROUP_BY_ACTION);
    assert_in_range(reads, 2, 2 + sample_rows_of_user(&bed.sample, user));
    expect_same(&bed, &asking, GROUP_BY_ACTION, "one hidden");
    expect_same(&bed, &asking, GROUP_BY_HOUR, "one hidden");
    asking_deinit(&asking);
    bed_deinit(&bed);
}

/* Blocks of users, whose lists are not opened; and a user who is asked for without the others. */
static void users_are_counted_by_their_blocks(void **state)
{
    (void)state;
    struct bed bed;
    struct asking asking;
    bed_init(&bed, 9, ROWS, SPREAD);
    asking_init(&asking);
    assert_int_equal(reads_of(&bed, &asking, GROUP_BY_USER), part_directory(bed.part)->names_count);
    asking.users[asking.filter.user_ids.count++] =
        bed.sample.users[sample_frequent_user(&bed.sample)];
    assert_in_range(reads_of(&bed, &asking, GROUP_BY_USER), 1, 2);
    bed_deinit(&bed);
}

/* A clock that goes on by one whenever it is read. */
static uint64_t tick_ns(void *context)
{
    uint64_t *now_ns = context;
    return ++*now_ns;
}

/* Whatever way is taken, the clock is read on it; and with time enough there is an answer. */
static void a_deadline_ends_a_count(void **state)
{
    (void)state;
    struct bed bed;
    bed_init(&bed, 10, ROWS, SPREAD);
    for (int by = 0; by < GROUPING_COUNT; by++) {
        uint64_t now_ns = 0;
        struct clock clock = {.wall_ns = tick_ns, .monotonic_ns = tick_ns, .context = &now_ns};
        struct counted counted;
        struct asking asking;
        asking_init(&asking);
        asking_hide(&asking, &bed.sample, 3);
        asking.question.clock = &clock;
        asking.filter.from_ms = bed.sample.rows[ROWS / 3].activity.timestamp_ms;
        enum status status = STATUS_TIMED_OUT;
        for (uint64_t deadline_ns = 1; status != STATUS_OK; deadline_ns++) {
            now_ns = 0;
            asking.question.deadline_ns = deadline_ns;
            status = count_groups(&counted, &bed, &asking, (enum activity_grouping)by);
            forget(&counted);
            assert_true(status == STATUS_OK || status == STATUS_TIMED_OUT);
            assert_true(deadline_ns > 1 || status == STATUS_TIMED_OUT);
        }
        asking_deinit(&asking);
    }
    bed_deinit(&bed);
}

static void a_failing_disk_is_told(void **state)
{
    (void)state;
    struct bed bed;
    bed_init(&bed, 11, 2000, SPREAD);
    for (int by = 0; by < GROUPING_COUNT; by++) {
        struct counted counted;
        struct asking asking;
        asking_init(&asking);
        asking_hide(&asking, &bed.sample, 5);
        asking.filter.from_ms = bed.sample.rows[500].activity.timestamp_ms;
        enum status status = STATUS_UNAVAILABLE;
        for (uint64_t nth = 1; status != STATUS_OK; nth++) {
            bed_renew_view(&bed);
            disk_simulated_fail_at(bed.disk, nth, EIO, false);
            status = count_groups(&counted, &bed, &asking, (enum activity_grouping)by);
            forget(&counted);
            assert_true(status == STATUS_OK || status == STATUS_UNAVAILABLE);
            assert_true(nth < 10000);
        }
        asking_deinit(&asking);
    }
    bed_deinit(&bed);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_question_is_counted_as_by_looking),
        cmocka_unit_test(the_footer_is_asked_and_no_row),
        cmocka_unit_test(whole_hours_of_the_part_are_not_walked),
        cmocka_unit_test(rows_of_hidden_users_are_taken_off),
        cmocka_unit_test(users_are_counted_by_their_blocks),
        cmocka_unit_test(a_deadline_ends_a_count),
        cmocka_unit_test(a_failing_disk_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
