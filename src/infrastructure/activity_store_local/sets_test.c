/* The two small sets of the store: users who were erased, and users that a part hides. */
#include "base/random.h"
#include "infrastructure/activity_store_local/hidden_users.h"
#include "infrastructure/activity_store_local/tombstones.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

enum { USERS = 500 };

static struct str user_text(uint64_t user, char space[32])
{
    int len = snprintf(space, 32, "user-%llu", (unsigned long long)user * 7919 % USERS);
    return (struct str){space, (size_t)len};
}

/* Each user has the latest time and the latest number, in whatever order they came. */
static void test_tombstones(void **state)
{
    (void)state;
    struct random_seeded seeded;
    struct random random = random_from_seed(&seeded, 5);
    struct tombstones tombstones;
    int64_t times[USERS];
    uint64_t numbers[USERS] = {0};
    char space[32];
    tombstones_init(&tombstones);
    for (uint64_t number = 1; number < 3000; number++) {
        uint64_t user = random_below(&random, USERS - 1); /* the last one never */
        int64_t time = (int64_t)random_below(&random, 1000);
        const struct tombstone tombstone = {user_text(user, space), time, number};
        assert_int_equal(tombstones_set(&tombstones, &tombstone), STATUS_OK);
        times[user] = numbers[user] == 0 || times[user] < time ? time : times[user];
        numbers[user] = number;
    }
    for (uint64_t user = 0; user < USERS; user++) {
        const struct tombstone *found = tombstones_find(&tombstones, user_text(user, space));
        assert_true((found != NULL) == (numbers[user] != 0));
        if (found != NULL) {
            assert_int_equal(found->erased_at_ms, times[user]);
            assert_int_equal(found->number, numbers[user]);
        }
    }
    for (size_t i = 1; i < tombstones.count; i++) {
        assert_true(str_compare(tombstones.items[i - 1].user_id, tombstones.items[i].user_id) < 0);
    }
    tombstones_deinit(&tombstones);
}

static void test_hidden_users(void **state)
{
    (void)state;
    struct random_seeded seeded;
    struct random random = random_from_seed(&seeded, 9);
    struct hidden_users *set = NULL;
    bool is_hidden[USERS] = {false};
    uint64_t rows = 0;
    for (int i = 0; i < 200; i++) {
        uint32_t number = (uint32_t)random_below(&random, USERS);
        if (is_hidden[number]) {
            continue;
        }
        struct hidden_user user = {.number = number, .rows = 1 + number};
        struct hidden_users *more = hidden_users_with(set, user);
        assert_non_null(more);
        hidden_users_unref(set);
        set = more;
        is_hidden[number] = true;
        rows += 1 + number;
        assert_int_equal(hidden_users_rows(set), rows);
    }
    for (uint32_t number = 0; number < USERS; number++) {
        assert_true(hidden_users_contain(set, number) == is_hidden[number]);
    }
    assert_false(hidden_users_contain(NULL, 3));
    assert_int_equal(hidden_users_rows(NULL), 0);
    hidden_users_unref(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tombstones),
        cmocka_unit_test(test_hidden_users),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
