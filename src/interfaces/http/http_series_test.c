/* Guards that each request is counted where it belongs, whatever status a handler comes up with and
 * whichever allocation fails, and that counting never loses one. */
#include "base/failing_memory.h"
#include "interfaces/http/http_series.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { ROUTES = 3 };

#define MS UINT64_C(1000000)

static uint64_t count_of(const struct http_series *series, unsigned route, enum http_method method,
                         int status)
{
    struct histogram_sums sums = {.bounds = &histogram_bounds_requests};
    const struct http_series_key key = {route, method, status};
    http_series_sum(series, &key, &sums);
    return histogram_count(&sums);
}

static void add(struct http_series *series, unsigned route, enum http_method method, int status)
{
    const struct http_series_key key = {route, method, status};
    http_series_add(series, &key, 2 * MS);
}

static void each_has_its_place(void **state)
{
    (void)state;
    struct http_series series;
    assert_int_equal(http_series_init(&series, ROUTES), STATUS_OK);
    add(&series, 1, HTTP_METHOD_POST, 202);
    add(&series, 1, HTTP_METHOD_POST, 202);
    add(&series, 1, HTTP_METHOD_GET, 200);
    add(&series, 2, HTTP_METHOD_POST, 507);
    assert_int_equal(count_of(&series, 1, HTTP_METHOD_POST, 202), 2);
    assert_int_equal(count_of(&series, 1, HTTP_METHOD_POST, 200), 0);
    assert_int_equal(count_of(&series, 1, HTTP_METHOD_GET, 200), 1);
    assert_int_equal(count_of(&series, 2, HTTP_METHOD_POST, 507), 1);
    assert_int_equal(count_of(&series, 2, HTTP_METHOD_GET, 200), 0);
    assert_int_equal(count_of(&series, 0, HTTP_METHOD_OTHER, 400), 0);
    assert_true(http_series_has(&series, 2, HTTP_METHOD_POST));
    assert_false(http_series_has(&series, 2, HTTP_METHOD_GET));
    http_series_deinit(&series);
}

static void a_status_without_a_place_is_counted_with_others(void **state)
{
    (void)state;
    struct http_series series;
    assert_int_equal(http_series_init(&series, ROUTES), STATUS_OK);
    add(&series, 1, HTTP_METHOD_GET, 299);
    add(&series, 1, HTTP_METHOD_GET, 599);
    assert_int_equal(count_of(&series, 1, HTTP_METHOD_GET, 0), 2);
    assert_int_equal(count_of(&series, 1, HTTP_METHOD_GET, 200), 0);
    http_series_deinit(&series);
}

static void every_place_has_a_status_of_its_own(void **state)
{
    (void)state;
    assert_int_equal(http_series_status(HTTP_STATUS_OTHERS), 0);
    for (unsigned i = 1; i < HTTP_STATUS_PLACES; i++) {
        assert_in_range(http_series_status(i), 100, 599);
        for (unsigned j = 1; j < i; j++) {
            assert_int_not_equal(http_series_status(i), http_series_status(j));
        }
    }
    assert_int_equal(http_series_status(HTTP_STATUS_PLACES), 0);
}

static void without_memory_a_request_counts_as_of_no_route(void **state)
{
    (void)state;
    struct http_series series;
    assert_int_equal(http_series_init(&series, ROUTES), STATUS_OK);
    failing_memory_arm(0);
    add(&series, 1, HTTP_METHOD_POST, 202);
    assert_true(failing_memory_disarm());
    assert_int_equal(count_of(&series, 1, HTTP_METHOD_POST, 202), 0);
    assert_int_equal(count_of(&series, 0, HTTP_METHOD_OTHER, 202), 1);
    add(&series, 1, HTTP_METHOD_POST, 202);
    assert_int_equal(count_of(&series, 1, HTTP_METHOD_POST, 202), 1);
    http_series_deinit(&series);
    for (unsigned long working = 0; working < 2; working++) {
        failing_memory_arm(working);
        assert_int_equal(http_series_init(&series, ROUTES), STATUS_NO_MEMORY);
        assert_true(failing_memory_disarm());
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_has_its_place),
        cmocka_unit_test(a_status_without_a_place_is_counted_with_others),
        cmocka_unit_test(every_place_has_a_status_of_its_own),
        cmocka_unit_test(without_memory_a_request_counts_as_of_no_route),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
