/* Guards which bucket a duration is counted in, also at its bounds, and that several histograms add
 * up to one. */
#include "base/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MS UINT64_C(1000000)

static struct histogram_sums sums_of(const struct histogram *histogram)
{
    struct histogram_sums sums = {.bounds = &histogram_bounds_requests};
    histogram_sum(histogram, &sums);
    return sums;
}

static void a_bound_belongs_to_its_bucket(void **state)
{
    (void)state;
    struct histogram histogram = {0};
    histogram_add(&histogram, &histogram_bounds_requests, 0);
    histogram_add(&histogram, &histogram_bounds_requests, 5 * MS);
    histogram_add(&histogram, &histogram_bounds_requests, 5 * MS + 1);
    histogram_add(&histogram, &histogram_bounds_requests, 10000 * MS);
    histogram_add(&histogram, &histogram_bounds_requests, 10000 * MS + 1);
    struct histogram_sums sums = sums_of(&histogram);
    assert_int_equal(sums.counts[0], 2);
    assert_int_equal(sums.counts[1], 1);
    assert_int_equal(sums.counts[HISTOGRAM_BOUNDS - 1], 1);
    assert_int_equal(sums.counts[HISTOGRAM_BOUNDS], 1);
    assert_int_equal(sums.sum_ns, 20010 * MS + 2);
    assert_int_equal(histogram_count(&sums), 5);
}

static void histograms_add_up(void **state)
{
    (void)state;
    struct histogram some = {0};
    struct histogram others = {0};
    histogram_add(&some, &histogram_bounds_requests, 30 * MS);
    histogram_add(&others, &histogram_bounds_requests, 40 * MS);
    histogram_add(&others, &histogram_bounds_requests, 1 * MS);
    struct histogram_sums sums = sums_of(&some);
    histogram_sum(&others, &sums);
    assert_int_equal(sums.counts[0], 1);
    assert_int_equal(sums.counts[3], 2);
    assert_int_equal(sums.sum_ns, 71 * MS);
    assert_int_equal(histogram_count(&sums), 3);
}

static void bounds_ascend(void **state)
{
    (void)state;
    for (size_t i = 1; i < HISTOGRAM_BOUNDS; i++) {
        assert_true(histogram_bounds_requests.ns[i - 1] < histogram_bounds_requests.ns[i]);
        assert_true(histogram_bounds_disk.ns[i - 1] < histogram_bounds_disk.ns[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bound_belongs_to_its_bucket),
        cmocka_unit_test(histograms_add_up),
        cmocka_unit_test(bounds_ascend),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
