/*
 * Guards what a bucket gives: its burst at once, its rate in the long run, debts that are paid, and
 * memory that stays as it is however many come.
 */
#include "application/rate_limiter.h"
#include "base/assert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define SECOND      UINT64_C(1000000000)
#define LONG_AFTER  (1000 * SECOND)
#define MILLISECOND UINT64_C(1000000)

static struct rate_limiter *make(uint64_t per_second, uint64_t burst)
{
    static struct random_seeded seeded;
    struct random random = random_from_seed(&seeded, 4);
    struct rate_limiter *limiter = NULL;
    struct rate_limit limit = {per_second, burst};
    assert_int_equal(rate_limiter_new(&limit, &random, &limiter), STATUS_OK);
    return limiter;
}

static struct rate_bucket bucket(uint64_t number)
{
    return (struct rate_bucket){.low = number};
}

static bool enter(struct rate_limiter *limiter, uint64_t number, uint64_t now_ns)
{
    struct rate_standing standing;
    return rate_limiter_enter(limiter, bucket(number), now_ns, &standing);
}

static void a_burst_and_then_the_rate(void **state)
{
    (void)state;
    CLEANUP(rate_limiter_free) struct rate_limiter *limiter = make(10, 30);
    struct rate_standing standing;
    for (uint64_t i = 0; i < 30; i++) {
        assert_true(rate_limiter_enter(limiter, bucket(1), LONG_AFTER, &standing));
        assert_int_equal(standing.remaining, 29 - i);
    }
    assert_int_equal(standing.full_in_s, 3);
    assert_false(rate_limiter_enter(limiter, bucket(1), LONG_AFTER, &standing));
    assert_int_equal(standing.remaining, 0);
    assert_int_equal(standing.wait_s, 1);
    assert_false(enter(limiter, 1, LONG_AFTER + 99 * MILLISECOND));
    assert_true(enter(limiter, 1, LONG_AFTER + 100 * MILLISECOND));
    assert_false(enter(limiter, 1, LONG_AFTER + 100 * MILLISECOND));
    assert_true(enter(limiter, 2, LONG_AFTER)); /* somebody else has a bucket of his own */
    size_t let_in = 0;
    for (uint64_t ms = 101; ms <= 10100; ms++) {
        let_in += enter(limiter, 1, LONG_AFTER + ms * MILLISECOND);
    }
    assert_int_equal(let_in, 100);
}

static void never_more_than_the_burst(void **state)
{
    (void)state;
    CLEANUP(rate_limiter_free) struct rate_limiter *limiter = make(1000, 5);
    for (uint64_t day = 1; day < 4; day++) {
        size_t let_in = 0;
        for (int i = 0; i < 20; i++) {
            let_in += enter(limiter, 1, day * 86400 * SECOND);
        }
        assert_int_equal(let_in, 5);
    }
}

static void what_it_costs_beyond_the_burst_is_owed(void **state)
{
    (void)state;
    CLEANUP(rate_limiter_free) struct rate_limiter *limiter = make(10, 20);
    struct rate_standing standing;
    assert_true(enter(limiter, 1, LONG_AFTER));
    assert_true(rate_limiter_charge(limiter, bucket(1), LONG_AFTER, 99, &standing));
    assert_int_equal(standing.remaining, 0);
    assert_int_equal(standing.wait_s, 9); /* 80 owed, and one more: 8.1 s */
    assert_false(rate_limiter_charge(limiter, bucket(1), LONG_AFTER, 1, &standing));
    assert_false(enter(limiter, 1, LONG_AFTER + 8 * SECOND));
    assert_true(enter(limiter, 1, LONG_AFTER + 8100 * MILLISECOND));
}

static void one_that_others_overtook_is_not_let_into_debt(void **state)
{
    (void)state;
    CLEANUP(rate_limiter_free) struct rate_limiter *limiter = make(10, 4);
    struct rate_standing standing;
    for (int i = 0; i < 4; i++) {
        assert_true(enter(limiter, 1, LONG_AFTER));
    }
    size_t charged = 0;
    for (int i = 0; i < 4; i++) {
        charged += rate_limiter_charge(limiter, bucket(1), LONG_AFTER, 1000, &standing);
    }
    assert_int_equal(charged, 1);
}

static void one_request_owes_no_more_than_a_million(void **state)
{
    (void)state;
    CLEANUP(rate_limiter_free) struct rate_limiter *limiter = make(1, 1);
    struct rate_standing standing;
    assert_true(rate_limiter_charge(limiter, bucket(1), LONG_AFTER, UINT64_MAX, &standing));
    assert_int_equal(standing.wait_s, 1000000);
}

/* Limits hold for as many as there are places for, and one more takes the fullest's. */
static void ten_thousand_have_a_bucket_each(void **state)
{
    (void)state;
    enum { KEYS = 10000, ASKED = 20 };
    CLEANUP(rate_limiter_free) struct rate_limiter *limiter = make(1, 10);
    size_t let_in = 0;
    for (int round = 0; round < ASKED; round++) {
        for (uint64_t key = 0; key < KEYS; key++) {
            let_in += enter(limiter, key, LONG_AFTER);
        }
    }
    assert_in_range(let_in, KEYS * 10, KEYS * 10 * 105 / 100);
}

static void a_crowd_does_not_empty_the_buckets_of_those_in_debt(void **state)
{
    (void)state;
    CLEANUP(rate_limiter_free) struct rate_limiter *limiter = make(10, 20);
    struct rate_standing standing;
    assert_true(rate_limiter_charge(limiter, bucket(1), LONG_AFTER, 10000, &standing));
    for (uint64_t other = 2; other < 3 * RATE_LIMITER_BUCKETS; other++) {
        assert_true(enter(limiter, other, LONG_AFTER));
    }
    assert_false(enter(limiter, 1, LONG_AFTER));
}

static void both_numbers_name_a_bucket(void **state)
{
    (void)state;
    CLEANUP(rate_limiter_free) struct rate_limiter *limiter = make(1, 1);
    struct rate_standing standing;
    for (uint64_t high = 0; high < 50; high++) {
        for (uint64_t low = 0; low < 50; low++) {
            assert_true(rate_limiter_enter(limiter, (struct rate_bucket){high, low}, 1, &standing));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_and_then_the_rate),
        cmocka_unit_test(never_more_than_the_burst),
        cmocka_unit_test(what_it_costs_beyond_the_burst_is_owed),
        cmocka_unit_test(one_that_others_overtook_is_not_let_into_debt),
        cmocka_unit_test(one_request_owes_no_more_than_a_million),
        cmocka_unit_test(ten_thousand_have_a_bucket_each),
        cmocka_unit_test(a_crowd_does_not_empty_the_buckets_of_those_in_debt),
        cmocka_unit_test(both_numbers_name_a_bucket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
