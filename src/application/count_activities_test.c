/* Guards what the use case asks of a store: the question as it is, its own bounds, and a deadline
 * that begins now. */
#include "application/count_activities.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

struct fixture {
    struct activity_store store;
    struct activity_tally_request asked;
    enum status answer;
};

static enum status store_tally(struct activity_store *store,
                               const struct activity_tally_request *request, struct arena *arena,
                               struct activity_tally *out_tally, struct error *err)
{
    static struct activity_group group = {.name = {"a", 1}, .count = 5};
    struct fixture *fixture = CONTAINER_OF(store, struct fixture, store);
    (void)arena;
    fixture->asked = *request;
    if (fixture->answer != STATUS_OK) {
        return error_set(err, fixture->answer, 0, "the store says no");
    }
    *out_tally = (struct activity_tally){.groups = &group, .count = 1};
    return STATUS_OK;
}

static const struct activity_store_operations operations = {.tally = store_tally};

static void test_hands_the_question_on(void **state)
{
    (void)state;
    struct fixture fixture = {.store.operations = &operations};
    struct count_activities counter;
    struct activity_tally tally;
    struct error err;
    struct count_activities_question question = {
        .filter = activity_filter_all(),
        .grouping = {.kind = GROUP_BY_DAY},
        .limit = 3,
        .asked_ns = UINT64_C(7000000000),
    };
    question.filter.from_ms = 17;
    count_activities_init(&counter,
                          &(struct count_activities_config){&fixture.store, .deadline_ms = 250});
    assert_int_equal(count_activities_in_groups(&counter, &question, NULL, &tally, &err),
                     STATUS_OK);
    assert_int_equal(tally.groups[0].count, 5);
    assert_int_equal(fixture.asked.filter.from_ms, 17);
    assert_int_equal(fixture.asked.grouping, GROUP_BY_DAY);
    assert_int_equal(fixture.asked.limit, 3);
    assert_int_equal(fixture.asked.groups_max, COUNT_GROUPS_MAX);
    assert_int_equal(fixture.asked.deadline_ns, UINT64_C(7250000000));
    fixture.answer = STATUS_TOO_LARGE;
    assert_int_equal(count_activities_in_groups(&counter, &question, NULL, &tally, &err),
                     STATUS_TOO_LARGE);
    assert_string_equal(err.message, "the store says no");
}

static void test_a_group_has_its_notation(void **state)
{
    (void)state;
    struct buffer json;
    buffer_init(&json, 1000);
    count_activities_append_json(&json, &(struct activity_group){.name = STR("a\"\n"), .count = 7});
    count_activities_append_json(&json, &(struct activity_group){.start_ms = 86400000, .count = 1});
    assert_true(
        str_equal(buffer_str(&json), STR("{\"key\":\"a\\\"\\n\",\"count\":7}"
                                         "{\"key\":\"1970-01-02T00:00:00.000Z\",\"count\":1}")));
    buffer_deinit(&json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hands_the_question_on),
        cmocka_unit_test(test_a_group_has_its_notation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
