/* Guards the verdicts on rows of which something is known beyond the table: a wrong one would store
 * an id twice, bring an erased user back, or count an activity twice. */
#include "infrastructure/activity_table/shared_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

enum { ROWS = 12, POSITIONS_COVERED = 6, ERASED_AT_MS = 50, LATER_MS = 100 };

struct fixture {
    struct shared_table shared;
    struct table_putter *putter;
    struct position covered_position;
    struct position_set covered;
    struct logged_activity rows[ROWS];
};

static struct activity make_activity(const char *id, const char *user_id)
{
    return (struct activity){.id = str_from(id),
                             .user_id = str_from(user_id),
                             .action = STR("view"),
                             .metadata = STR("{}"),
                             .timestamp_ms = 5,
                             .received_at_ms = LATER_MS};
}

static void setup(struct fixture *fixture)
{
    *fixture = (struct fixture){.covered_position = {.offset = POSITIONS_COVERED}};
    fixture->covered =
        (struct position_set){.items = &fixture->covered_position, .count = 1, .capacity = 1};
    assert_int_equal(shared_table_init(&fixture->shared, 0, &random_system, NULL), STATUS_OK);
    assert_int_equal(table_putter_new(&fixture->putter, NULL), STATUS_OK);
    for (size_t i = 0; i < ROWS; i++) {
        fixture->rows[i].position.offset = (int64_t)i;
    }
}

static void teardown(struct fixture *fixture)
{
    table_putter_free(fixture->putter);
    shared_table_deinit(&fixture->shared);
}

/* Puts the rows [begin, begin + count) of the fixture. */
static const struct table_outcome *put(struct fixture *fixture, size_t begin, size_t count,
                                       const enum elsewhere *elsewhere)
{
    struct activity_batch batch = {.rows = &fixture->rows[begin], .count = count};
    struct table_knowledge knowledge = {.covered = &fixture->covered, .elsewhere = elsewhere};
    const struct table_outcome *outcomes = NULL;
    assert_int_equal(
        shared_table_put(&fixture->shared, fixture->putter, &batch, &knowledge, &outcomes),
        STATUS_OK);
    return outcomes;
}

/* Each row of the table below: what is known elsewhere, then the verdict on a row that is in no
 * table, when its position is not covered and when it is. */
static void test_knowledge_from_elsewhere(void **state)
{
    (void)state;
    static const struct {
        enum elsewhere elsewhere;
        enum verdict verdict;
        enum verdict verdict_covered;
    } cases[] = {
        {ELSEWHERE_NOTHING, VERDICT_STORED, VERDICT_STORED},
        {ELSEWHERE_SAME, VERDICT_DUPLICATE, VERDICT_REDELIVERED},
        {ELSEWHERE_OTHER, VERDICT_CONFLICT, VERDICT_REDELIVERED},
        {ELSEWHERE_ERASED, VERDICT_ERASED, VERDICT_REDELIVERED},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct fixture fixture;
        setup(&fixture);
        fixture.rows[0].activity = make_activity("a", "u");
        fixture.rows[POSITIONS_COVERED].activity = make_activity("b", "u");
        assert_int_equal(put(&fixture, 0, 1, &cases[i].elsewhere)[0].verdict,
                         cases[i].verdict_covered);
        assert_int_equal(put(&fixture, POSITIONS_COVERED, 1, &cases[i].elsewhere)[0].verdict,
                         cases[i].verdict);
        assert_int_equal(shared_table_size(&fixture.shared).rows,
                         cases[i].verdict == VERDICT_STORED ? 2 : 0);
        teardown(&fixture);
    }
}

/* The table's own row and tombstone count whatever is known elsewhere, and each row of a batch has
 * its own knowledge. */
static void test_the_table_goes_before_elsewhere(void **state)
{
    (void)state;
    struct fixture fixture;
    uint64_t erased;
    setup(&fixture);
    struct logged_activity *rows = &fixture.rows[POSITIONS_COVERED];
    rows[0].activity = make_activity("a", "u");
    assert_int_equal(put(&fixture, POSITIONS_COVERED, 1, NULL)[0].verdict, VERDICT_STORED);
    assert_int_equal(shared_table_erase(&fixture.shared, STR("gone"), ERASED_AT_MS, &erased),
                     STATUS_OK);
    rows[1].activity = rows[0].activity;
    rows[2].activity = make_activity("a", "v");
    rows[3].activity = make_activity("b", "gone");
    rows[3].activity.received_at_ms = ERASED_AT_MS - 1;
    rows[4].activity = make_activity("c", "u");
    rows[5].activity = make_activity("c", "u");
    static const enum elsewhere elsewhere[] = {ELSEWHERE_OTHER, ELSEWHERE_SAME, ELSEWHERE_SAME,
                                               ELSEWHERE_NOTHING, ELSEWHERE_NOTHING};
    static const enum verdict expected[] = {VERDICT_DUPLICATE, VERDICT_CONFLICT, VERDICT_ERASED,
                                            VERDICT_STORED, VERDICT_DUPLICATE};
    const struct table_outcome *outcomes =
        put(&fixture, POSITIONS_COVERED + 1, ARRAY_LENGTH(elsewhere), elsewhere);
    for (size_t i = 0; i < ARRAY_LENGTH(expected); i++) {
        assert_int_equal(outcomes[i].verdict, expected[i]);
    }
    char space[UUID_TEXT_BYTES];
    struct activity stored = memory_table_view(&fixture.shared.table, outcomes[3].row, space);
    assert_true(str_equal(stored.id, STR("c")));
    teardown(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_knowledge_from_elsewhere),
        cmocka_unit_test(test_the_table_goes_before_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
