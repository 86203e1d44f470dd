/* Guards the order of expiry, which everything about time hangs on. */
#include "interfaces/http/http_deadlines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const uint64_t timeouts[HTTP_DEADLINE_COUNT] = {[HTTP_DEADLINE_HEADER] = 100,
                                                       [HTTP_DEADLINE_BODY] = 200,
                                                       [HTTP_DEADLINE_IDLE] = 1000,
                                                       [HTTP_DEADLINE_WRITE] = 50,
                                                       [HTTP_DEADLINE_LINGER] = 2000};

static void expires_in_order_and_once(void **state)
{
    (void)state;
    struct http_deadlines deadlines;
    struct http_deadline items[3] = {0};
    enum http_deadline_kind kind;
    uint64_t due_ms = 0;
    http_deadlines_init(&deadlines, timeouts);
    assert_false(http_deadlines_next(&deadlines, &due_ms));
    http_deadline_set(&deadlines, &items[0], HTTP_DEADLINE_HEADER, 1000);
    http_deadline_set(&deadlines, &items[1], HTTP_DEADLINE_HEADER, 1010);
    http_deadline_set(&deadlines, &items[2], HTTP_DEADLINE_WRITE, 1055);
    assert_true(http_deadlines_next(&deadlines, &due_ms));
    assert_int_equal(due_ms, 1100);
    assert_null(http_deadlines_take_due(&deadlines, 1099, &kind));
    assert_ptr_equal(http_deadlines_take_due(&deadlines, 1100, &kind), &items[0]);
    assert_int_equal(kind, HTTP_DEADLINE_HEADER);
    assert_int_equal(items[0].kind, HTTP_DEADLINE_NONE);
    assert_ptr_equal(http_deadlines_take_due(&deadlines, 1107, &kind), &items[2]);
    assert_int_equal(kind, HTTP_DEADLINE_WRITE);
    http_deadline_clear(&items[1]);
    http_deadline_clear(&items[1]);
    assert_false(http_deadlines_next(&deadlines, &due_ms));
    assert_null(http_deadlines_take_due(&deadlines, UINT64_MAX, &kind));
}

static void setting_again_starts_anew(void **state)
{
    (void)state;
    struct http_deadlines deadlines;
    struct http_deadline items[2] = {0};
    enum http_deadline_kind kind;
    http_deadlines_init(&deadlines, timeouts);
    http_deadline_set(&deadlines, &items[0], HTTP_DEADLINE_BODY, 0);
    http_deadline_set(&deadlines, &items[1], HTTP_DEADLINE_BODY, 10);
    http_deadline_set(&deadlines, &items[0], HTTP_DEADLINE_BODY, 20);
    assert_ptr_equal(http_deadlines_take_due(&deadlines, 215, &kind), &items[1]);
    assert_null(http_deadlines_take_due(&deadlines, 215, &kind));
    http_deadline_set(&deadlines, &items[0], HTTP_DEADLINE_IDLE, 20);
    assert_null(http_deadlines_take_due(&deadlines, 1019, &kind));
    http_deadlines_shorten(&deadlines, HTTP_DEADLINE_IDLE, 5, 500);
    assert_ptr_equal(http_deadlines_take_due(&deadlines, 505, &kind), &items[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expires_in_order_and_once),
        cmocka_unit_test(setting_again_starts_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
