/* Guards that each status has a name of its own: logs and dashboards group by it. */
#include "base/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>
static void test_names(void **state)
{
    (void)state;
    assert_string_equal(status_name(STATUS_OK), "ok");
    assert_string_equal(status_name(STATUS_NO_SPACE), "no-space");
    for (int a = 0; a < STATUS_COUNT; a++) {
        const char *name = status_name((enum status)a);
        assert_non_null(name);
        for (const char *at = name; *at != '\0'; at++) {
            assert_true((*at >= 'a' && *at <= 'z') || *at == '-');
        }
        for (int b = 0; b < a; b++) {
            assert_string_not_equal(name, status_name((enum status)b));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
