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
    filter.user_ids.items = users;
    filter.actions.items = actions;
    filter.user_ids.count = 1;
    assert_false(activity_filter_matches(&filter, &ann));
    filter.user_ids.count = 2;
    assert_true(activity_filter_matches(&filter, &ann));
    filter.actions.count = 1;
    assert_false(activity_filter_matches(&filter, &ann));
    filter.actions.count = 2;
    assert_true(activity_filter_matches(&filter, &ann));
    filter.user_ids.items = users + 2;
    filter.user_ids.count = 1;
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

/* What is excluded never matches, also where it is asked for. */
static void test_exclusions(void **state)
{
    (void)state;
    struct str users[] = {STR("ann"), STR("an"), STR("bob")};
    struct str actions[] = {STR("click"), STR("clic")};
    struct activity_filter filter = activity_filter_all();
    filter.excluded.user_ids.items = users + 1;
    filter.excluded.user_ids.count = 2;
    filter.excluded.actions.items = actions + 1;
    filter.excluded.actions.count = 1;
    assert_true(activity_filter_matches(&filter, &ann));
    filter.excluded.user_ids.items = users;
    assert_false(activity_filter_matches(&filter, &ann));
    filter.user_ids.items = users;
    filter.user_ids.count = 1;
    assert_false(activity_filter_matches(&filter, &ann));
    filter.excluded.user_ids.count = 0;
    assert_true(activity_filter_matches(&filter, &ann));
    assert_true(activity_filter_asks_actions(&filter));
    filter.excluded.actions.items = actions;
    assert_false(activity_filter_matches(&filter, &ann));
    filter.excluded.actions.count = 0;
    assert_false(activity_filter_asks_actions(&filter));
    assert_true(activity_filter_matches(&filter, &ann));
}

/* One value of any path is enough to be excluded; where nothing is at the paths, nothing is. */
static void test_excluded_metadata(void **state)
{
    (void)state;
    static struct metadata_filter excluded;
    static struct metadata_filter wanted;
    struct activity_filter filter = activity_filter_all();
    struct activity activity = ann;
    filter.excluded.metadata = &excluded;
    assert_false(activity_filter_asks_metadata(&filter));
    assert_int_equal(metadata_filter_add(&excluded, STR("a"), STR("1"), NULL), STATUS_OK);
    assert_int_equal(metadata_filter_add(&excluded, STR("a"), STR("null"), NULL), STATUS_OK);
    assert_int_equal(metadata_filter_add(&excluded, STR("b.c"), STR("x"), NULL), STATUS_OK);
    assert_int_equal(activity_filter_metadata_values(&filter), 3);
    static const struct {
        const char *metadata;
        bool matches;
    } cases[] = {
        {"{}", true},
        {"{\"a\":2}", true},
        {"{\"a\":1.0}", false},
        {"{\"a\":[3,\"1\"]}", false},
        {"{\"a\":null}", false},
        {"{\"a\":{}}", true},
        {"{\"b\":{\"c\":\"y\"}}", true},
        {"{\"a\":2,\"b\":[{\"c\":\"y\"},{\"c\":\"x\"}]}", false},
        {"{\"b\":\"x\"}", true},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        activity.metadata = str_from(cases[i].metadata);
        if (activity_filter_matches(&filter, &activity) != cases[i].matches) {
            fail_msg("%s", cases[i].metadata);
        }
    }
    filter.metadata = &wanted;
    assert_int_equal(metadata_filter_add(&wanted, STR("a"), STR("1"), NULL), STATUS_OK);
    activity.metadata = STR("{\"a\":1}");
    assert_false(activity_filter_matches(&filter, &activity));
    activity.metadata = STR("{\"a\":2}");
    assert_false(activity_filter_matches(&filter, &activity));
}

static uint64_t hash_of(const struct str *users, size_t user_count, const struct str *actions,
                        size_t action_count)
{
    struct activity_filter filter = activity_filter_all();
    filter.user_ids.items = users;
    filter.user_ids.count = user_count;
    filter.actions.items = actions;
    filter.actions.count = action_count;
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

/* With these excluded: users and actions by how many of the texts, metadata by NULL for none. */
static uint64_t hash_without(size_t user_count, size_t action_count,
                             const struct metadata_filter *metadata)
{
    static const struct str texts[] = {{"ann", 3}, {"bob", 3}};
    struct activity_filter filter = activity_filter_all();
    filter.excluded.user_ids.items = filter.excluded.actions.items = texts;
    filter.excluded.user_ids.count = user_count;
    filter.excluded.actions.count = action_count;
    filter.excluded.metadata = metadata;
    return activity_filter_hash(&filter);
}

static void test_hash_of_exclusions(void **state)
{
    (void)state;
    static const struct metadata_filter empty;
    static struct metadata_filter one;
    struct str ann_alone[] = {STR("ann")};
    assert_int_equal(metadata_filter_add(&one, STR("a"), STR("1"), NULL), STATUS_OK);
    const uint64_t hashes[] = {
        hash_of(NULL, 0, NULL, 0), hash_of(ann_alone, 1, NULL, 0), hash_of(NULL, 0, ann_alone, 1),
        hash_of_metadata("a=1"),   hash_without(1, 0, NULL),       hash_without(0, 1, NULL),
        hash_without(1, 1, NULL),  hash_without(2, 0, NULL),       hash_without(0, 0, &one),
        hash_without(1, 0, &one),
    };
    for (size_t a = 0; a < ARRAY_LENGTH(hashes); a++) {
        for (size_t b = 0; b < a; b++) {
            assert_true(hashes[a] != hashes[b]);
        }
    }
    assert_true(hash_without(0, 0, &empty) == hashes[0]);
    assert_true(hash_without(1, 0, &empty) == hash_without(1, 0, NULL));
    assert_true(hash_without(1, 2, &one) == UINT64_C(0xcfef6c8826f5e3e1));
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
    struct str room[2];
    struct name_list list = {0};
    assert_int_equal(name_list_add(&list, room, 2, STR("a")), STATUS_OK);
    assert_int_equal(name_list_add(&list, room, 2, STR("b")), STATUS_OK);
    assert_int_equal(name_list_add(&list, room, 2, STR("a")), STATUS_OK);
    assert_int_equal(name_list_add(&list, room, 2, STR("c")), STATUS_TOO_LARGE);
    assert_int_equal(list.count, 2);
    assert_true(str_equal(list.items[0], STR("a")) && str_equal(list.items[1], STR("b")));
}

static struct name_choice choice_of(size_t wanted_count, size_t excluded_count)
{
    static const struct str wanted[] = {{"a", 1}, {"b", 1}};
    static const struct str excluded[] = {{"b", 1}, {"a", 1}};
    struct name_choice choice;
    name_choice_make(&(struct name_list){wanted, wanted_count},
                     &(struct name_list){excluded, excluded_count}, &choice);
    return choice;
}

static void expect_choice(struct name_choice choice, enum name_sense sense, size_t count)
{
    assert_int_equal(choice.sense, sense);
    assert_int_equal(choice.count, count);
}

/* Stores look names up by it: to want names that are all excluded is to want nothing. */
static void test_wanted_and_excluded_names_are_one_condition(void **state)
{
    (void)state;
    expect_choice(choice_of(0, 0), ANY_NAME, 0);
    expect_choice(choice_of(2, 0), ONE_OF, 2);
    expect_choice(choice_of(2, 1), ONE_OF, 1);
    assert_true(str_equal(choice_of(2, 1).names[0], STR("a")));
    expect_choice(choice_of(2, 2), ONE_OF, 0);
    expect_choice(choice_of(0, 2), NONE_OF, 2);
}

/* What does not occur need not be excluded, but cannot be found either. */
static void test_a_choice_of_unknown_names(void **state)
{
    (void)state;
    struct name_choice wanted = choice_of(1, 0);
    struct name_choice excluded = choice_of(0, 1);
    assert_int_equal(name_choice_sense(&wanted, 0), ONE_OF);
    assert_int_equal(name_choice_sense(&excluded, 0), ANY_NAME);
    assert_int_equal(name_choice_sense(&excluded, 1), NONE_OF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_matches_everything),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_metadata),
        cmocka_unit_test(test_exclusions),
        cmocka_unit_test(test_excluded_metadata),
        cmocka_unit_test(test_hash_of_exclusions),
        cmocka_unit_test(test_hash_ignores_order),
        cmocka_unit_test(test_hash_tells_filters_apart),
        cmocka_unit_test(test_hash_is_stable),
        cmocka_unit_test(test_hash_of_metadata),
        cmocka_unit_test(test_a_list_holds_each_once_and_has_a_bound),
        cmocka_unit_test(test_wanted_and_excluded_names_are_one_condition),
        cmocka_unit_test(test_a_choice_of_unknown_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
