/* Guards that ids do not repeat, that seeds do, and that no value of a range is favoured. */
#include "base/random.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>
enum { WORDS = 4000 };

static int compare_words(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static void *draw_words(void *context)
{
    uint64_t *words = context;
    for (size_t i = 0; i < WORDS; i++) {
        words[i] = random_u64(&random_system);
    }
    return NULL;
}

static void test_system_does_not_repeat(void **state)
{
    (void)state;
    static uint64_t words[4 * WORDS];
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, draw_words, words + i * WORDS), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    qsort(words, 4 * WORDS, sizeof words[0], compare_words);
    for (size_t i = 1; i < 4 * WORDS; i++) {
        assert_true(words[i] != words[i - 1]);
    }
}

/* Every length is filled to its end and not beyond, across the borders of the pool. */
static void test_fills_exactly(void **state)
{
    (void)state;
    static unsigned char bytes[5000];
    static const size_t lengths[] = {0, 1, 7, 16, 1000, 1023, 1024, 1025, 4096};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        unsigned char seen[16] = {0};
        for (int turn = 0; turn < 20; turn++) {
            memset(bytes, 0, sizeof bytes);
            random_fill(&random_system, bytes, lengths[i]);
            for (size_t at = 0; at < lengths[i] && at < 16; at++) {
                seen[at] |= bytes[lengths[i] - 1 - at];
            }
            assert_int_equal(bytes[lengths[i]], 0);
        }
        for (size_t at = 0; at < lengths[i] && at < 16; at++) {
            assert_true(seen[at] != 0);
        }
    }
}

/* SplitMix64 with seed 1234567 gives these words first. */
static void test_seed_repeats(void **state)
{
    (void)state;
    struct random_seeded seeded;
    struct random random = random_from_seed(&seeded, 1234567);
    assert_true(random_u64(&random) == UINT64_C(6457827717110365317));
    assert_true(random_u64(&random) == UINT64_C(3203168211198807973));
    random = random_from_seed(&seeded, 1234567);
    assert_true(random_u64(&random) == UINT64_C(6457827717110365317));
    random = random_from_seed(&seeded, 1234568);
    assert_false(random_u64(&random) == UINT64_C(6457827717110365317));
}

static void test_below_stays_below_and_is_even(void **state)
{
    (void)state;
    struct random_seeded seeded;
    struct random random = random_from_seed(&seeded, 2);
    unsigned drawn[6] = {0};
    for (int i = 0; i < 60000; i++) {
        uint64_t value = random_below(&random, 6);
        assert_true(value < 6);
        drawn[value]++;
    }
    for (int i = 0; i < 6; i++) {
        assert_true(drawn[i] > 9500 && drawn[i] < 10500);
    }
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(random_below(&random, 1), 0);
        assert_true(random_below(&random, UINT64_MAX) < UINT64_MAX);
        /* Half of all words are drawn again with this bound, the worst of all. */
        assert_true(random_below(&random, (UINT64_C(1) << 63) + 1) <= UINT64_C(1) << 63);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_system_does_not_repeat),
        cmocka_unit_test(test_fills_exactly),
        cmocka_unit_test(test_seed_repeats),
        cmocka_unit_test(test_below_stays_below_and_is_even),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
