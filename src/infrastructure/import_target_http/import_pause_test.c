/* Guards the pauses before a server is asked again: they grow, have a bound, and heed the server.
 */
#include "infrastructure/import_target_http/import_pause.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

static void pauses_grow_up_to_a_bound(void **state)
{
    (void)state;
    assert_int_equal(import_pause_ms(1, 0), IMPORT_PAUSE_MS_MIN);
    assert_int_equal(import_pause_ms(2, 0), 2 * IMPORT_PAUSE_MS_MIN);
    assert_int_equal(import_pause_ms(5, 0), 16 * IMPORT_PAUSE_MS_MIN);
    assert_int_equal(import_pause_ms(1000, 0), IMPORT_PAUSE_MS_MAX);
    assert_int_equal(import_pause_ms(UINT_MAX, 0), IMPORT_PAUSE_MS_MAX);
}

static void the_server_may_ask_for_more(void **state)
{
    (void)state;
    assert_int_equal(import_pause_ms(1, 5000), 5000);
    assert_int_equal(import_pause_ms(1, 50), IMPORT_PAUSE_MS_MIN);
    assert_int_equal(import_pause_ms(1, 3600000), IMPORT_PAUSE_MS_MAX);
}

static void retry_after_is_read_in_seconds(void **state)
{
    (void)state;
    assert_int_equal(import_retry_after_ms(STR("30")), 30000);
    assert_int_equal(import_retry_after_ms(STR(" 1 ")), 1000);
    assert_int_equal(import_retry_after_ms(STR("0")), 0);
    assert_int_equal(import_retry_after_ms(STR("")), 0);
    assert_int_equal(import_retry_after_ms(STR("-1")), 0);
    assert_int_equal(import_retry_after_ms(STR("99999999999999999999")), 0);
    assert_int_equal(import_retry_after_ms(STR("Wed, 21 Oct 2015 07:28:00 GMT")), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(pauses_grow_up_to_a_bound),
        cmocka_unit_test(the_server_may_ask_for_more),
        cmocka_unit_test(retry_after_is_read_in_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
