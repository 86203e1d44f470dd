/* Guards the line of progress: share, rate and time left, with and without a known whole. */
#include "interfaces/cli/progress_figures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

static void expect(const struct progress_figures *figures, bool bar, const char *expected)
{
    struct buffer text;
    buffer_init(&text, PROGRESS_FIGURES_BYTES_MAX);
    struct progress_figures of_lines = *figures;
    of_lines.noun = "lines";
    progress_figures_append(&text, &of_lines, bar);
    buffer_append_char(&text, '\0');
    assert_int_equal(text.failed, STATUS_OK);
    assert_string_equal(text.data, expected);
    buffer_deinit(&text);
}

static void a_file_has_share_rate_and_time_left(void **state)
{
    (void)state;
    struct progress_figures figures = {
        .done = 500, .total = 1000, .items = 120, .elapsed_ms = 75000};
    expect(&figures, true, "[############............] 50 %, 120 lines, 1/s, 1:15 left");
    expect(&figures, false, "50 %, 120 lines, 1/s, 1:15 left");
    figures.refused = 3;
    figures.done = 999;
    expect(&figures, true, "[#######################.] 99 %, 120 lines, 1/s, 0:00 left, 3 refused");
    figures.done = 1000;
    figures.refused = 0;
    expect(&figures, true, "[########################] 100 %, 120 lines, 1/s");
}

static void the_start_divides_by_nothing(void **state)
{
    (void)state;
    const struct progress_figures nothing = {.total = 1000};
    expect(&nothing, true, "[........................] 0 %, 0 lines, 0/s");
}

static void an_earlier_run_does_not_count_as_speed(void **state)
{
    (void)state;
    const struct progress_figures figures = {.done = 600,
                                             .total = 1000,
                                             .done_before = 400,
                                             .items = 60,
                                             .items_before = 40,
                                             .elapsed_ms = 2000};
    expect(&figures, false, "60 %, 60 lines, 10/s, 0:04 left");
    assert_int_equal(progress_figures_rate(&figures), 10);
}

static void a_file_that_grew_is_not_beyond_its_end(void **state)
{
    (void)state;
    const struct progress_figures figures = {
        .done = 3000, .total = 1000, .items = 5, .elapsed_ms = 1000};
    expect(&figures, true, "[########################] 100 %, 5 lines, 5/s");
}

static void a_stream_has_bytes_and_rate(void **state)
{
    (void)state;
    const struct progress_figures figures = {
        .done = UINT64_C(12345678901), .items = 5000000, .refused = 1, .elapsed_ms = 10000};
    expect(&figures, true, "12345 MB, 5000000 lines, 500000/s, 1 refused");
}

static void the_largest_figures_fit(void **state)
{
    (void)state;
    const struct progress_figures figures = {.done = 1,
                                             .total = UINT64_MAX,
                                             .items = UINT64_MAX,
                                             .refused = UINT64_MAX,
                                             .elapsed_ms = 1};
    struct buffer text;
    buffer_init(&text, PROGRESS_FIGURES_BYTES_MAX);
    progress_figures_append(&text, &figures, true);
    assert_int_equal(text.failed, STATUS_OK);
    buffer_deinit(&text);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_has_share_rate_and_time_left),
        cmocka_unit_test(the_start_divides_by_nothing),
        cmocka_unit_test(an_earlier_run_does_not_count_as_speed),
        cmocka_unit_test(a_file_that_grew_is_not_beyond_its_end),
        cmocka_unit_test(a_stream_has_bytes_and_rate),
        cmocka_unit_test(the_largest_figures_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
