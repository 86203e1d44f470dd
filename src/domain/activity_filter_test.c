/* Guards that a filter never lets in more than was asked, and that a cursor knows its own filter.
 */
#include "base/macros.h"
#include "base/timestamp.h"
#include "domain/activity_filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>
static const struct activity ann = {
    .id = {"1", 1},
    .user_id = {"ann", 3},
    .action = {"click", 5},
    .metadata = {"{}", 2},
    .timestamp_ms = 100,
};

static void test_all_matches_everything(void **state)
{
    (void)state;
    struct activity_filter filter = activity_filter_all();
    struct activity activity = ann;
    assert_true(activity_filter_matches(&filter, &activity));
    activity.timestamp_ms = TIMESTAMP_MS_MIN;
    assert_true(activity_filter_matches(&filter, &activity));
    activity.timestamp_ms = TIMESTAMP_MS_MAX;
    assert_true(activity_filter_matches(&filter, &activity));
}

static void test_times(void **state)
{
    (void)state;
    struct activity_filter filter = activity_filter_all();
    filter.from_ms = 100;
    assert_true(activity_filter_matches(&filter, &ann));
    filter.from_ms = 101;
    assert_false(activity_filter_matches(&filter, &ann));
    filter.from_ms = 0;
    filter.to_ms = 100;
    assert_false(activity_filter_matches(&filter, &ann));
    filter.to_ms = 101;
    assert_true(activity_filter_matches(&filter, &ann));
}

/* Of a list one must match; of both lists, each. */
static void test_lists(void **state)
{
    (void)state;
    struct str users[] = {STR("bob"), STR("ann"), STR("an")};
    struct str actions[] = {STR("view"), STR("click")};
    struct activity_filter filter = activity_filter_all();
    filter.user_ids = users;
    filter.actions = actions;
    filter.user_id_count = 1;
    assert_false(activity_filter_matches(&filter, &ann));
    filter.user_id_count = 2;
    assert_true(activity_filter_matches(&filter, &ann));
    filter.action_count = 1;
    assert_false(activity_filter_matches(&filter, &ann));
    filter.action_count = 2;
    assert_true(activity_filter_matches(&filter, &ann));
    filter.user_ids = users + 2;
    filter.user_id_count = 1;
    assert_false(activity_filter_matches(&filter, &ann));
}

static void test_metadata(void **state)
{
    (void)state;
    static struct metadata_filter metadata;
    struct activity_filter filter = activity_filter_all();
    struct activity activity = ann;
    filter.metadata = &metadata;
    assert_false(activity_filter_asks_metadata(&filter));
    assert_true(activity_filter_matches(&filter, &activity));
    assert_int_equal(metadata_filter_add(&metadata, STR("a"), STR("1"), NULL), STATUS_OK);
    assert_true(activity_filter_asks_metadata(&filter));
    assert_false(activity_filter_matches(&filter, &activity));
    activity.metadata = STR("{\"a\":1}");
    assert_true(activity_filter_matches(&filter, &activity));
    filter.from_ms = 101;
    assert_false(activity_filter_matches(&filter, &activity));
}

static uint64_t hash_of(const struct str *users, size_t user_count, const struct str *actions,
                        size_t action_count)
{
    struct activity_filter filter = activity_filter_all();
    filter.user_ids = users;
    filter.user_id_count = user_count;
    filter.actions = actions;
    filter.action_count = action_count;
    return activity_filter_hash(&filter);
}

static void test_hash_ignores_order(void **state)
{
    (void)state;
    struct str one[] = {STR("a"), STR("b"), STR("c")};
    struct str other[] = {STR("c"), STR("a"), STR("b")};
    assert_true(hash_of(one, 3, one, 2) == hash_of(other, 3, other + 1, 2));
}

static void test_hash_tells_filters_apart(void **state)
{
    (void)state;
    struct str texts[] = {STR("a"), STR("b"), STR("ab"), STR("")};
    struct activity_filter from = activity_filter_all();
    struct activity_filter to = activity_filter_all();
    from.from_ms = 1;
    to.to_ms = 1;
    const uint64_t hashes[] = {
        hash_of(NULL, 0, NULL, 0),      hash_of(texts, 1, NULL, 0),
        hash_of(NULL, 0, texts, 1),     hash_of(texts, 1, texts, 1),
        hash_of(texts, 2, NULL, 0),     hash_of(texts + 2, 1, NULL, 0),
        hash_of(texts + 3, 1, NULL, 0), hash_of(texts + 2, 2, NULL, 0),
        activity_filter_hash(&from),    activity_filter_hash(&to),
    };
    for (size_t a = 0; a < ARRAY_LENGTH(hashes); a++) {
        for (size_t b = 0; b < a; b++) {
            assert_true(hashes[a] != hashes[b]);
        }
    }
}

/* Of conditions "path=value" with one sign each, separated by spaces. */
static uint64_t hash_of_metadata(const char *conditions)
{
    static struct metadata_filter metadata;
    struct activity_filter filter = activity_filter_all();
    struct str rest = str_from(conditions);
    memset(&metadata, 0, sizeof metadata);
    while (rest.data != NULL) {
        struct str value = str_split(&rest, ' ');
        struct str path = str_split(&value, '=');
        assert_int_equal(metadata_filter_add(&metadata, path, value, NULL), STATUS_OK);
    }
    filter.metadata = &metadata;
    return activity_filter_hash(&filter);
}

static void test_hash_of_metadata(void **state)
{
    (void)state;
    static const char *const apart[] = {"a=1",     "a=2",   "a=1 a=2", "b=1",     "a=1 b=2",
                                        "a=2 b=1", "a.b=1", "b.a=1",   "a\\.b=1", "ab=1",
                                        "a=b1",    "a=",    "a=1.0",   "a=1 b=1", "a=1 b=1 b=2"};
    uint64_t none = hash_of(NULL, 0, NULL, 0);
    for (size_t i = 0; i < ARRAY_LENGTH(apart); i++) {
        assert_true(hash_of_metadata(apart[i]) != none);
        for (size_t j = 0; j < i; j++) {
            if (hash_of_metadata(apart[i]) == hash_of_metadata(apart[j])) {
                fail_msg("%s and %s have one hash", apart[i], apart[j]);
            }
        }
    }
    assert_true(hash_of_metadata("a=1 b.c=x a=2") == hash_of_metadata("a=2 a=1 a=2 b.c=x"));
    assert_true(hash_of_metadata("a=1") == UINT64_C(0x8ce7e2ec767b29d4));
    assert_true(hash_of_metadata("a.b=1 c=x") == UINT64_C(0x430cc0ec6105c81d));
}

/* A cursor made by one release is used with the next one. */
static void test_hash_is_stable(void **state)
{
    (void)state;
    struct str users[] = {STR("ann")};
    struct str actions[] = {STR("click"), STR("view")};
    assert_true(hash_of(NULL, 0, NULL, 0) == UINT64_C(0xbb9b892c756775f1));
    assert_true(hash_of(users, 1, actions, 2) == UINT64_C(0xeff3a43a4bd2c596));
}

static void test_a_list_holds_each_once_and_has_a_bound(void **state)
{
    (void)state;
    struct str list[2];
    size_t count = 0;
    assert_int_equal(activity_filter_add(list, 2, &count, STR("a")), STATUS_OK);
    assert_int_equal(activity_filter_add(list, 2, &count, STR("b")), STATUS_OK);
    assert_int_equal(activity_filter_add(list, 2, &count, STR("a")), STATUS_OK);
    assert_int_equal(activity_filter_add(list, 2, &count, STR("c")), STATUS_TOO_LARGE);
    assert_int_equal(count, 2);
    assert_true(str_equal(list[0], STR("a")) && str_equal(list[1], STR("b")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_matches_everything),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_metadata),
        cmocka_unit_test(test_hash_ignores_order),
        cmocka_unit_test(test_hash_tells_filters_apart),
        cmocka_unit_test(test_hash_is_stable),
        cmocka_unit_test(test_hash_of_metadata),
        cmocka_unit_test(test_a_list_holds_each_once_and_has_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
