/* Guards the text that Prometheus reads, to the letter: what stands around a sample, what is
 * escaped where, how durations are written, and that buckets count what is below them. */
#include "base/metric_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct metric rows = {"test_rows_total", METRIC_COUNTER, "Rows."};
static const struct metric level = {"test_level", METRIC_GAUGE, "A \\ and\na \"line\"."};
static const struct metric spans = {"test_span_seconds", METRIC_HISTOGRAM, "Spans."};

struct bed {
    struct buffer buffer;
    struct metric_text text;
};

static void begin(struct bed *bed)
{
    buffer_init(&bed->buffer, 64 * 1024);
    bed->text = (struct metric_text){.buffer = &bed->buffer};
}

static void assert_text(struct bed *bed, const char *expected)
{
    buffer_append_char(&bed->buffer, '\0');
    assert_int_equal(bed->buffer.failed, STATUS_OK);
    assert_string_equal(bed->buffer.data, expected);
    buffer_deinit(&bed->buffer);
}

static void a_number_stands_alone(void **state)
{
    (void)state;
    struct bed bed;
    begin(&bed);
    metric_tell(&bed.text, &rows, UINT64_MAX);
    assert_text(&bed, "# HELP test_rows_total Rows.\n# TYPE test_rows_total counter\n"
                      "test_rows_total 18446744073709551615\n");
}

static void texts_are_escaped(void **state)
{
    (void)state;
    struct bed bed;
    begin(&bed);
    metric_begin(&bed.text, &level);
    metric_add_signed(&bed.text, METRIC_LABELS({"a", STR("x\"y\\z\nw")}, {"b", STR("")}), -7);
    assert_text(&bed, "# HELP test_level A \\\\ and\\na \"line\".\n# TYPE test_level gauge\n"
                      "test_level{a=\"x\\\"y\\\\z\\nw\",b=\"\"} -7\n");
}

static void durations_are_exact(void **state)
{
    (void)state;
    struct bed bed;
    begin(&bed);
    metric_begin(&bed.text, &level);
    bed.buffer.len = 0;
    metric_add_seconds(&bed.text, METRIC_NO_LABELS, 0);
    metric_add_seconds(&bed.text, METRIC_NO_LABELS, 1);
    metric_add_seconds(&bed.text, METRIC_NO_LABELS, UINT64_C(120500000000));
    metric_add_seconds(&bed.text, METRIC_NO_LABELS, UINT64_C(100000000000));
    assert_text(&bed, "test_level 0\ntest_level 0.000000001\ntest_level 120.5\ntest_level 100\n");
}

static void buckets_count_what_is_below(void **state)
{
    (void)state;
    struct bed bed;
    struct histogram histogram = {0};
    struct histogram_sums sums = {.bounds = &histogram_bounds_requests};
    histogram_add(&histogram, &histogram_bounds_requests, 7000000);
    histogram_add(&histogram, &histogram_bounds_requests, 1000000);
    histogram_add(&histogram, &histogram_bounds_requests, UINT64_C(11000000000));
    histogram_sum(&histogram, &sums);
    begin(&bed);
    metric_begin(&bed.text, &spans);
    bed.buffer.len = 0;
    metric_add_histogram(&bed.text, METRIC_LABELS({"a", STR("b")}), &sums);
    assert_text(&bed, "test_span_seconds_bucket{a=\"b\",le=\"0.005\"} 1\n"
                      "test_span_seconds_bucket{a=\"b\",le=\"0.01\"} 2\n"
                      "test_span_seconds_bucket{a=\"b\",le=\"0.025\"} 2\n"
                      "test_span_seconds_bucket{a=\"b\",le=\"0.05\"} 2\n"
                      "test_span_seconds_bucket{a=\"b\",le=\"0.075\"} 2\n"
                      "test_span_seconds_bucket{a=\"b\",le=\"0.1\"} 2\n"
                      "test_span_seconds_bucket{a=\"b\",le=\"0.25\"} 2\n"
                      "test_span_seconds_bucket{a=\"b\",le=\"0.5\"} 2\n"
                      "test_span_seconds_bucket{a=\"b\",le=\"0.75\"} 2\n"
                      "test_span_seconds_bucket{a=\"b\",le=\"1\"} 2\n"
                      "test_span_seconds_bucket{a=\"b\",le=\"2.5\"} 2\n"
                      "test_span_seconds_bucket{a=\"b\",le=\"5\"} 2\n"
                      "test_span_seconds_bucket{a=\"b\",le=\"7.5\"} 2\n"
                      "test_span_seconds_bucket{a=\"b\",le=\"10\"} 2\n"
                      "test_span_seconds_bucket{a=\"b\",le=\"+Inf\"} 3\n"
                      "test_span_seconds_sum{a=\"b\"} 11.008\n"
                      "test_span_seconds_count{a=\"b\"} 3\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_stands_alone),
        cmocka_unit_test(texts_are_escaped),
        cmocka_unit_test(durations_are_exact),
        cmocka_unit_test(buckets_count_what_is_below),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
