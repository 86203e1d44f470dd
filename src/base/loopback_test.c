/* Guards what is taken for this machine, where nobody has to prove who they are. */
#include "base/loopback.h"
#include "base/macros.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void knows_this_machine(void **state)
{
    (void)state;
    static const char *const hosts[] = {"127.0.0.1", "127.255.255.255", "::1",
                                        "[::1]",     "localhost",       "LocalHost"};
    for (size_t i = 0; i < ARRAY_LENGTH(hosts); i++) {
        assert_true(loopback_is_host(str_from(hosts[i])));
    }
}

static void takes_nothing_else_for_it(void **state)
{
    (void)state;
    static const char *const hosts[] = {
        "",
        "[]",
        "128.0.0.1",
        "0.0.0.0",
        "10.127.0.1",
        "::",
        "::2",
        "[::1",
        "localhost.example",
        "127.0.0.1.example",
        "127.0.0.1 ",
        "127.0.0.1.127.0.0.1.127.0.0.1.127.0.0.1.127.0.0.1.example"};
    for (size_t i = 0; i < ARRAY_LENGTH(hosts); i++) {
        assert_false(loopback_is_host(str_from(hosts[i])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_this_machine),
        cmocka_unit_test(takes_nothing_else_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
