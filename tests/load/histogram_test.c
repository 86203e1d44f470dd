// Guards the figures: a percentile that is off by more than its bucket would make every latency
// that is printed a lie.
#include "histogram.h"
#include "unit_test.h"

static struct histogram histogram;

static int empty_histogram(void **state)
{
    (void)state;
    histogram = (struct histogram){0};
    return 0;
}

static void nothing_recorded_is_zero(void **state)
{
    (void)state;
    assert_int_equal(histogram_percentile(&histogram, 99), 0);
    assert_true(histogram_mean(&histogram) == 0.0);
}

static void small_values_are_exact(void **state)
{
    (void)state;
    for (uint64_t value = 1; value <= 100; value++)
        histogram_record(&histogram, value);
    assert_int_equal(histogram_percentile(&histogram, 0), 1);
    assert_int_equal(histogram_percentile(&histogram, 50), 50);
    assert_int_equal(histogram_percentile(&histogram, 99), 99);
    assert_int_equal(histogram_percentile(&histogram, 99.5), 100);
    assert_int_equal(histogram_percentile(&histogram, 100), 100);
}

// Each value alone with a greater one, so that the answer is its bucket's end.
static void every_size_is_within_a_bucket(void **state)
{
    (void)state;
    for (unsigned shift = 0; shift < 63; shift++) {
        const uint64_t steps[] = {0, 1, (UINT64_C(1) << shift) / 3, (UINT64_C(1) << shift) - 1};
        for (unsigned step = 0; step < 4; step++) {
            uint64_t value = (UINT64_C(1) << shift) + steps[step] % (UINT64_C(1) << shift);
            histogram = (struct histogram){0};
            histogram_record(&histogram, value);
            histogram_record(&histogram, UINT64_MAX);
            uint64_t told = histogram_percentile(&histogram, 50);
            assert_in_range(told, value, value + value / HISTOGRAM_PER_OCTAVE);
        }
    }
}

static void the_last_is_not_rounded_up(void **state)
{
    (void)state;
    histogram_record(&histogram, 1000001);
    assert_int_equal(histogram_percentile(&histogram, 99.9), 1000001);
    assert_int_equal(histogram.max, 1000001);
}

// A thousand quick ones must not hide the one that took a second.
static void one_slow_among_many_shows(void **state)
{
    (void)state;
    for (unsigned count = 0; count < 999; count++)
        histogram_record(&histogram, 100);
    histogram_record(&histogram, 1000000000);
    assert_int_equal(histogram_percentile(&histogram, 99.9), 100);
    assert_int_equal(histogram_percentile(&histogram, 99.91), 1000000000);
    assert_true(histogram_mean(&histogram) > 1000000.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_recorded_is_zero, empty_histogram),
        cmocka_unit_test_setup(small_values_are_exact, empty_histogram),
        cmocka_unit_test_setup(every_size_is_within_a_bucket, empty_histogram),
        cmocka_unit_test_setup(the_last_is_not_rounded_up, empty_histogram),
        cmocka_unit_test_setup(one_slow_among_many_shows, empty_histogram),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
