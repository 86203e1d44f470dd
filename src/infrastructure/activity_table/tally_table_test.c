/* Guards the table of groups: sums, the bound on groups, which groups come first, and that an
 * answer without memory is none. */
#include "infrastructure/activity_table/tally_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

enum { NAMES = 5000 };

static struct activity_tally_request request_by(enum activity_grouping grouping, size_t limit)
{
    return (struct activity_tally_request){
        .grouping = grouping, .limit = limit, .groups_max = NAMES};
}

/* The n-th name is counted n / 10 + 1 times, in parts. */
static void count_names(struct tally_table *table)
{
    for (int round = 0; round <= 1; round++) {
        for (unsigned i = 0; i < NAMES; i++) {
            char name[16];
            snprintf(name, sizeof name, "name-%04u", i);
            uint64_t count = round == 0 ? 1 : i / 10;
            assert_int_equal(tally_table_add_name(table, str_from(name), count), STATUS_OK);
        }
    }
}

static void names_are_added_up_and_ordered(void **state)
{
    (void)state;
    static const size_t limits[] = {1, 2, 9, 10, 11, 1000, NAMES - 1, NAMES, NAMES + 1};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        const struct activity_tally_request request = request_by(GROUP_BY_USER, limits[i]);
        struct activity_tally tally;
        struct tally_table table;
        struct arena arena;
        arena_init(&arena, 1 << 20);
        tally_table_init(&table, &request, i);
        count_names(&table);
        assert_int_equal(tally_table_answer(&table, &arena, &tally), STATUS_OK);
        tally_table_deinit(&table);
        assert_int_equal(tally.count, limits[i] < NAMES ? limits[i] : NAMES);
        assert_true(tally.more == (limits[i] < NAMES));
        for (unsigned at = 0; at < tally.count; at++) {
            char name[16];
            unsigned block = NAMES / 10 - 1 - at / 10;
            snprintf(name, sizeof name, "name-%04u", block * 10 + at % 10);
            assert_true(str_equal(tally.groups[at].name, str_from(name)));
            assert_int_equal(tally.groups[at].count, block + 1);
        }
        arena_deinit(&arena);
    }
}

static void times_fall_into_their_days(void **state)
{
    (void)state;
    static const int64_t days[] = {3, 1, 3, 2, 1, 1};
    const struct activity_tally_request request = request_by(GROUP_BY_DAY, 10);
    struct activity_tally tally;
    struct tally_table table;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    tally_table_init(&table, &request, 9);
    for (size_t i = 0; i < sizeof days / sizeof days[0]; i++) {
        int64_t time_ms = days[i] * 86400000 + (int64_t)i;
        assert_int_equal(tally_table_add_time(&table, time_ms, 2), STATUS_OK);
    }
    assert_int_equal(tally_table_answer(&table, &arena, &tally), STATUS_OK);
    assert_int_equal(tally.count, 3);
    assert_false(tally.more);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(tally.groups[i].start_ms, (i + 1) * INT64_C(86400000));
        assert_int_equal(tally.groups[i].count, i == 0 ? 6 : i == 1 ? 2 : 4);
    }
    tally_table_deinit(&table);
    arena_deinit(&arena);
}

static void values_of_metadata_count_once_a_row(void **state)
{
    (void)state;
    static const char *const rows[] = {"{\"k\":[\"a\",\"b\",\"a\",1,1.0,\"1\"]}",
                                       "{\"k\":\"a\"}",
                                       "{\"k\":1e0}",
                                       "{\"k\":{\"a\":1}}",
                                       "{\"other\":\"a\"}",
                                       "{\"k\":\"\\u0061\"}"};
    static const char *const names[] = {"a", "1", "b"};
    static const uint64_t counts[] = {3, 2, 1};
    struct metadata_path path;
    struct activity_tally_request request = request_by(GROUP_BY_METADATA, 10);
    struct activity_tally tally;
    struct tally_table table;
    struct arena arena;
    assert_int_equal(metadata_path_read(STR("k"), &path, NULL), STATUS_OK);
    request.path = &path;
    request.groups_max = 3;
    arena_init(&arena, 1 << 20);
    tally_table_init(&table, &request, 9);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct activity row = {.metadata = str_from(rows[i])};
        assert_int_equal(tally_table_add_row(&table, &row), STATUS_OK);
    }
    assert_int_equal(tally_table_answer(&table, &arena, &tally), STATUS_OK);
    assert_int_equal(tally.count, 3);
    for (size_t i = 0; i < tally.count; i++) {
        assert_true(str_equal(tally.groups[i].name, str_from(names[i])));
        assert_int_equal(tally.groups[i].count, counts[i]);
    }
    assert_int_equal(tally_table_add_metadata(&table, STR("{\"k\":\"new\"}")), STATUS_TOO_LARGE);
    tally_table_deinit(&table);
    arena_deinit(&arena);
}

static void groups_have_their_bound(void **state)
{
    (void)state;
    struct activity_tally_request request = request_by(GROUP_BY_ACTION, 10);
    struct activity_tally tally;
    struct tally_table table;
    struct arena arena;
    request.groups_max = 2;
    arena_init(&arena, 1 << 20);
    tally_table_init(&table, &request, 9);
    assert_int_equal(tally_table_add_name(&table, STR("a"), 1), STATUS_OK);
    assert_int_equal(tally_table_add_name(&table, STR("b"), 1), STATUS_OK);
    assert_int_equal(tally_table_add_name(&table, STR("c"), 0), STATUS_OK);
    assert_int_equal(tally_table_add_name(&table, STR("c"), 1), STATUS_TOO_LARGE);
    assert_int_equal(tally_table_add_name(&table, STR("a"), 5), STATUS_OK);
    assert_int_equal(tally_table_answer(&table, &arena, &tally), STATUS_OK);
    assert_int_equal(tally.count, 2);
    assert_int_equal(tally.groups[0].count, 6);
    tally_table_deinit(&table);
    arena_deinit(&arena);
}

static void an_answer_must_fit_the_arena(void **state)
{
    (void)state;
    const struct activity_tally_request request = request_by(GROUP_BY_ACTION, 10);
    struct activity_tally tally = {.count = 77};
    struct tally_table table;
    tally_table_init(&table, &request, 9);
    assert_int_equal(tally_table_add_name(&table, STR("a"), 1), STATUS_OK);
    enum status status = STATUS_NO_MEMORY;
    for (size_t bytes = 0; status != STATUS_OK; bytes += 8) {
        struct arena arena;
        arena_init(&arena, bytes);
        assert_int_equal(tally.count, 77);
        status = tally_table_answer(&table, &arena, &tally);
        assert_true(status == STATUS_OK || status == STATUS_NO_MEMORY);
        arena_deinit(&arena);
    }
    assert_int_equal(tally.count, 1);
    tally_table_deinit(&table);
}

static void nothing_counted_is_an_answer(void **state)
{
    (void)state;
    const struct activity_tally_request request = request_by(GROUP_BY_HOUR, 10);
    struct activity_tally tally = {.count = 77};
    struct tally_table table;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    tally_table_init(&table, &request, 9);
    assert_int_equal(tally_table_answer(&table, &arena, &tally), STATUS_OK);
    assert_int_equal(tally.count, 0);
    assert_false(tally.more);
    tally_table_deinit(&table);
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_added_up_and_ordered),
        cmocka_unit_test(times_fall_into_their_days),
        cmocka_unit_test(values_of_metadata_count_once_a_row),
        cmocka_unit_test(groups_have_their_bound),
        cmocka_unit_test(an_answer_must_fit_the_arena),
        cmocka_unit_test(nothing_counted_is_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
