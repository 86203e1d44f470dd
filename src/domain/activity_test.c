/* Guards the order of all answers and what makes two activities the same. */
#include "base/macros.h"
#include "domain/activity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>
static void test_keys_are_in_total_order(void **state)
{
    (void)state;
    static const struct activity_key ordered[] = {
        {0, {"", 0}},  {0, {"Z", 1}}, {0, {"a", 1}}, {0, {"a\0", 2}},  {0, {"ab", 2}},
        {0, {"b", 1}}, {1, {"", 0}},  {1, {"A", 1}}, {1, {"\xff", 1}}, {INT64_MAX, {"a", 1}},
    };
    for (size_t a = 0; a < ARRAY_LENGTH(ordered); a++) {
        for (size_t b = 0; b < ARRAY_LENGTH(ordered); b++) {
            int order = activity_key_compare(ordered[a], ordered[b]);
            assert_int_equal((order > 0) - (order < 0), (a > b) - (a < b));
        }
    }
}

static void test_key_of(void **state)
{
    (void)state;
    struct activity activity = {.id = STR("x"), .timestamp_ms = 5, .received_at_ms = 9};
    struct activity_key key = activity_key_of(&activity);
    assert_int_equal(key.timestamp_ms, 5);
    assert_true(str_equal(key.id, STR("x")));
}

/* What a client decides counts, each member of it; id and time of receipt do not. */
static void test_same_content(void **state)
{
    (void)state;
    struct activity a = {
        .id = STR("1"),
        .user_id = STR("u"),
        .action = STR("x"),
        .metadata = STR("{}"),
        .timestamp_ms = 5,
        .received_at_ms = 6,
    };
    struct activity b = a;
    b.id = STR("2");
    b.received_at_ms = 7;
    assert_true(activity_same_content(&a, &b, true));
    b.timestamp_ms = 6;
    assert_false(activity_same_content(&a, &b, true));
    assert_true(activity_same_content(&a, &b, false));
    b = a;
    b.user_id = STR("v");
    assert_false(activity_same_content(&a, &b, false));
    b = a;
    b.action = STR("X");
    assert_false(activity_same_content(&a, &b, false));
    b = a;
    b.metadata = STR("{ }");
    assert_false(activity_same_content(&a, &b, false));
}

/* A timestamp that the server filled in, on either side, makes no conflict; a client's own does. */
static void test_repetition(void **state)
{
    (void)state;
    struct activity own = {
        .user_id = STR("u"), .action = STR("x"), .timestamp_ms = 5, .received_at_ms = 9};
    struct activity other = own;
    other.received_at_ms = 20;
    assert_true(activity_is_repetition(&own, &other));
    other.timestamp_ms = 6;
    assert_false(activity_is_repetition(&own, &other));
    other.timestamp_ms = other.received_at_ms;
    assert_true(activity_is_repetition(&own, &other));
    assert_true(activity_is_repetition(&other, &own));
    other.action = STR("y");
    assert_false(activity_is_repetition(&own, &other));
    assert_false(activity_is_repetition(&other, &own));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_are_in_total_order),
        cmocka_unit_test(test_key_of),
        cmocka_unit_test(test_same_content),
        cmocka_unit_test(test_repetition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
