/* Guards what a caller does next: the status chosen for a failed system call, and messages that
 * end. */
#include "base/error.h"
#include "base/macros.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>
static void test_fills_and_returns(void **state)
{
    (void)state;
    struct error err;
    assert_int_equal(error_set(&err, STATUS_BUSY, 7, "queue %d is full", 3), STATUS_BUSY);
    assert_int_equal(err.status, STATUS_BUSY);
    assert_int_equal(err.cause, 7);
    assert_string_equal(err.message, "queue 3 is full");
    assert_int_equal(error_set(NULL, STATUS_BUSY, 7, "queue"), STATUS_BUSY);
}

static void test_causes_have_their_status(void **state)
{
    (void)state;
    static const struct {
        int cause;
        enum status status;
    } cases[] = {
        {ENOSPC, STATUS_NO_SPACE},  {EDQUOT, STATUS_NO_SPACE}, {EFBIG, STATUS_NO_SPACE},
        {ENOMEM, STATUS_NO_MEMORY}, {EIO, STATUS_UNAVAILABLE}, {EACCES, STATUS_UNAVAILABLE},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct error err;
        assert_int_equal(error_set_system(&err, cases[i].cause, "cannot write %s", "x.seg"),
                         cases[i].status);
        assert_int_equal(err.cause, cases[i].cause);
        assert_non_null(strstr(err.message, "cannot write x.seg: "));
        assert_non_null(strstr(err.message, strerror(cases[i].cause)));
    }
    assert_int_equal(error_set_system(NULL, EIO, "x"), STATUS_UNAVAILABLE);
}

static void test_long_messages_are_cut(void **state)
{
    (void)state;
    struct error err;
    assert_int_equal(error_set(&err, STATUS_INVALID, 0, "%0500d", 1), STATUS_INVALID);
    assert_int_equal(strlen(err.message), ERROR_MESSAGE_BYTES - 1);
    assert_int_equal(error_set_system(&err, ENOSPC, "%0500d", 1), STATUS_NO_SPACE);
    assert_int_equal(strlen(err.message), ERROR_MESSAGE_BYTES - 1);
}

static void test_long_paths_are_shown_by_their_end(void **state)
{
    (void)state;
    static const char sixty[] = "/9/2/4/6/8/0/2/4/6/8/0/2/4/6/8/0/2/4/6/8/0/2/4/6/8/0/2/4/6/8";
    char path[128];
    assert_int_equal(strlen(sixty), 60);
    assert_ptr_equal(error_path(sixty), sixty);
    assert_string_equal(error_path(""), "");
    snprintf(path, sizeof path, "/x%s", sixty);
    assert_string_equal(error_path(path), sixty);
    snprintf(path, sizeof path, "/\xc3\xbc%s", sixty + 1); /* half of it would fit */
    assert_string_equal(error_path(path), sixty + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fills_and_returns),
        cmocka_unit_test(test_causes_have_their_status),
        cmocka_unit_test(test_long_messages_are_cut),
        cmocka_unit_test(test_long_paths_are_shown_by_their_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
