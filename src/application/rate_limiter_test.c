/*
 * Guards what a bucket gives: its burst at once, its rate in the long run, debts that are paid, and
 * memory that stays as it is however many come; and that another limit refills no bucket.
 */
#include "application/rate_limiter.h"
#include "base/assert.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
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
    assert_int_equal(rate_limiter_new(&random, &limiter), STATUS_OK);
    assert_false(rate_limiter_is_on(limiter));
    assert_int_equal(rate_limiter_reserve(limiter), STATUS_OK);
    rate_limiter_set_limit(limiter, (struct rate_limit){per_second, burst}, 1);
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

/* --- another limit --- */

static void set(struct rate_limiter *limiter, uint64_t per_second, uint64_t burst, uint64_t now_ns)
{
    rate_limiter_set_limit(limiter, (struct rate_limit){per_second, burst}, now_ns);
}

/* Out of a bucket of 30, which misses 12, and what another limit leaves of it. */
static void what_was_taken_stays_taken(void **state)
{
    (void)state;
    static const struct {
        struct rate_limit limit;
        uint64_t remaining; /* of one that is asked for one */
        uint64_t full_in_s;
    } cases[] = {
        {{10, 30}, 17, 2},
        {{1, 30}, 17, 13},
        {{1000000, 30}, 17, 1},
        {{10, 100}, 87, 2},
        {{3, 13}, 0, 5},
        {{RATE_LIMIT_PER_SECOND_MAX, RATE_LIMIT_BURST_MAX}, RATE_LIMIT_BURST_MAX - 13, 1},
        {{1, RATE_LIMIT_BURST_MAX}, RATE_LIMIT_BURST_MAX - 13, 13},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        CLEANUP(rate_limiter_free) struct rate_limiter *limiter = make(10, 30);
        struct rate_standing standing;
        for (int taken = 0; taken < 12; taken++) {
            assert_true(enter(limiter, 1, LONG_AFTER));
        }
        set(limiter, cases[i].limit.per_second, cases[i].limit.burst, LONG_AFTER);
        assert_true(rate_limiter_enter(limiter, bucket(1), LONG_AFTER, &standing));
        assert_int_equal(standing.limit.burst, cases[i].limit.burst);
        assert_int_equal(standing.remaining, cases[i].remaining);
        assert_int_equal(standing.full_in_s, cases[i].full_in_s);
        assert_true(rate_limiter_enter(limiter, bucket(2), LONG_AFTER, &standing));
        assert_int_equal(standing.remaining, cases[i].limit.burst - 1); /* a full one stays full */
    }
}

static void a_smaller_bucket_is_empty_and_not_in_debt(void **state)
{
    (void)state;
    CLEANUP(rate_limiter_free) struct rate_limiter *limiter = make(10, 1000);
    for (int taken = 0; taken < 900; taken++) {
        assert_true(enter(limiter, 1, LONG_AFTER));
    }
    set(limiter, 1, 5, LONG_AFTER);
    assert_false(enter(limiter, 1, LONG_AFTER + 999 * MILLISECOND));
    assert_true(enter(limiter, 1, LONG_AFTER + SECOND));
}

static void debts_stay_in_tokens(void **state)
{
    (void)state;
    CLEANUP(rate_limiter_free) struct rate_limiter *limiter = make(10, 20);
    struct rate_standing standing;
    assert_true(rate_limiter_charge(limiter, bucket(1), LONG_AFTER, 100, &standing));
    set(limiter, 20, 10, LONG_AFTER);
    assert_false(rate_limiter_enter(limiter, bucket(1), LONG_AFTER, &standing));
    assert_int_equal(standing.full_in_s, 5); /* 10 missing and 80 owed: 4.5 s */
    assert_false(enter(limiter, 1, LONG_AFTER + 4049 * MILLISECOND));
    assert_true(enter(limiter, 1, LONG_AFTER + 4050 * MILLISECOND));
}

static void the_largest_debt_survives_any_limits(void **state)
{
    (void)state;
    CLEANUP(rate_limiter_free) struct rate_limiter *limiter = make(1, RATE_LIMIT_BURST_MAX);
    struct rate_standing standing;
    for (int i = 0; i < 1001; i++) {
        assert_true(rate_limiter_charge(limiter, bucket(1), LONG_AFTER, UINT64_MAX, &standing));
    }
    for (int i = 0; i < 10; i++) {
        set(limiter, RATE_LIMIT_PER_SECOND_MAX, RATE_LIMIT_BURST_MAX, LONG_AFTER);
        set(limiter, 1, RATE_LIMIT_BURST_MAX, LONG_AFTER);
    }
    assert_false(rate_limiter_enter(limiter, bucket(1), LONG_AFTER, &standing));
    assert_int_equal(standing.full_in_s, UINT64_C(1001) * 1000 * 1000);
}

static void a_limit_is_turned_off_and_on(void **state)
{
    (void)state;
    CLEANUP(rate_limiter_free) struct rate_limiter *limiter = make(10, 30);
    struct rate_standing standing;
    for (int taken = 0; taken < 30; taken++) {
        assert_true(enter(limiter, 1, LONG_AFTER));
    }
    set(limiter, 0, 0, LONG_AFTER);
    assert_false(rate_limiter_is_on(limiter));
    assert_int_equal(rate_limiter_limit(limiter).per_second, 0);
    for (int i = 0; i < 1000; i++) {
        assert_true(rate_limiter_enter(limiter, bucket(1), LONG_AFTER, &standing));
        assert_int_equal(standing.limit.per_second, 0);
    }
    assert_true(rate_limiter_charge(limiter, bucket(1), LONG_AFTER, 1000, &standing));
    set(limiter, 10, 30, LONG_AFTER + SECOND);
    assert_true(rate_limiter_is_on(limiter));
    assert_int_equal(rate_limiter_limit(limiter).burst, 30);
    assert_true(rate_limiter_enter(limiter, bucket(1), LONG_AFTER + SECOND, &standing));
    assert_int_equal(standing.remaining, 9); /* of what came in the second between */
}

static void a_limiter_without_a_limit_has_no_buckets(void **state)
{
    (void)state;
    CLEANUP(rate_limiter_free) struct rate_limiter *limiter = NULL;
    assert_int_equal(rate_limiter_new(&random_system, &limiter), STATUS_OK);
    assert_false(rate_limiter_is_on(NULL));
    assert_int_equal(rate_limiter_limit(NULL).per_second, 0);
    set(limiter, 0, 0, LONG_AFTER);
    assert_true(enter(limiter, 1, LONG_AFTER));
}

struct asking {
    struct rate_limiter *limiter;
    atomic_bool *ends;
    size_t let_in;
    size_t strange; /* standings by a limit that nobody set */
};

static void *run_asking(void *context)
{
    struct asking *asking = context;
    struct rate_standing standing;
    while (!atomic_load(asking->ends)) {
        asking->let_in += rate_limiter_enter(asking->limiter, bucket(1), LONG_AFTER, &standing);
        asking->strange += standing.limit.burst != 1000 || standing.limit.per_second % 10 != 0 ||
                           standing.limit.per_second == 0;
    }
    return NULL;
}

/* Time stands still, so one burst is all there is, whatever limits come; rates whose tokens take a
 * whole number of nanoseconds, as nothing is lost by rounding then. */
static void limits_come_while_threads_ask(void **state)
{
    (void)state;
    enum { THREADS = 4, LIMITS = 300 };
    CLEANUP(rate_limiter_free) struct rate_limiter *limiter = make(10, 1000);
    struct asking asking[THREADS];
    pthread_t threads[THREADS];
    atomic_bool ends = false;
    size_t let_in = 0;
    for (size_t i = 0; i < THREADS; i++) {
        asking[i] = (struct asking){.limiter = limiter, .ends = &ends};
        assert_int_equal(pthread_create(&threads[i], NULL, run_asking, &asking[i]), 0);
    }
    for (uint64_t i = 0; i < LIMITS; i++) {
        set(limiter, i % 2 == 0 ? 20 : 10, 1000, LONG_AFTER);
    }
    atomic_store(&ends, true);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        let_in += asking[i].let_in;
        assert_int_equal(asking[i].strange, 0);
    }
    assert_in_range(let_in, 1, 1000);
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
        cmocka_unit_test(what_was_taken_stays_taken),
        cmocka_unit_test(a_smaller_bucket_is_empty_and_not_in_debt),
        cmocka_unit_test(debts_stay_in_tokens),
        cmocka_unit_test(the_largest_debt_survives_any_limits),
        cmocka_unit_test(a_limit_is_turned_off_and_on),
        cmocka_unit_test(a_limiter_without_a_limit_has_no_buckets),
        cmocka_unit_test(limits_come_while_threads_ask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
