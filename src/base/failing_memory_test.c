#include "base/failing_memory.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

/* Compilers leave out allocations that nobody looks at. */
static void *volatile seen;

static bool allocate(void)
{
    seen = malloc(8);
    bool got = seen != NULL;
    free(seen);
    return got;
}

/* One fails, at its turn, and disarming tells whether it came to that. */
static void test_one_allocation_fails(void **state)
{
    (void)state;
    failing_memory_arm(2);
    bool first = allocate();
    bool second = allocate();
    bool third = allocate();
    bool fourth = allocate();
    bool failed = failing_memory_disarm();
    assert_true(first && second && fourth);
    assert_false(third);
    assert_true(failed);
    failing_memory_arm(1);
    first = allocate();
    failed = failing_memory_disarm();
    assert_true(first && allocate());
    assert_false(failed);
}

static void test_every_kind_fails(void **state)
{
    (void)state;
    failing_memory_arm(0);
    seen = calloc(1, 8);
    assert_true(failing_memory_disarm());
    assert_null(seen);
    failing_memory_arm(0);
    seen = realloc(NULL, 8);
    assert_true(failing_memory_disarm());
    assert_null(seen);
}

static void *allocate_on_command(void *context)
{
    bool *spares = context;
    failing_memory_spare_this_thread(*spares);
    return allocate() ? context : NULL;
}

static bool allocate_elsewhere(bool spares)
{
    pthread_t thread;
    void *got;
    assert_int_equal(pthread_create(&thread, NULL, allocate_on_command, &spares), 0);
    assert_int_equal(pthread_join(thread, &got), 0);
    return got != NULL;
}

/* Whichever thread's turn it is, but for one that is spared. */
static void test_any_thread_may_fail(void **state)
{
    (void)state;
    failing_memory_arm(0);
    bool got = allocate_elsewhere(false);
    assert_true(failing_memory_disarm());
    assert_false(got);
    failing_memory_arm(0);
    got = allocate_elsewhere(true);
    bool own = allocate();
    assert_true(failing_memory_disarm());
    assert_true(got);
    assert_false(own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_allocation_fails),
        cmocka_unit_test(test_every_kind_fails),
        cmocka_unit_test(test_any_thread_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
