/* Guards threads that no signal interrupts: they begin with all of them blocked, and their maker
 * goes on as it was. */
#include "base/thread.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

static void *look(void *context)
{
    pthread_sigmask(SIG_SETMASK, NULL, context);
    return context;
}

static void handles_no_signal(void **state)
{
    (void)state;
    pthread_t thread;
    sigset_t inside;
    void *returned = NULL;
    assert_int_equal(thread_start(&thread, look, &inside), 0);
    assert_int_equal(pthread_join(thread, &returned), 0);
    assert_ptr_equal(returned, &inside);
    assert_true(sigismember(&inside, SIGTERM) == 1);
    assert_true(sigismember(&inside, SIGHUP) == 1);
    assert_true(sigismember(&inside, SIGUSR1) == 1);
}

static void leaves_its_maker_as_it_was(void **state)
{
    (void)state;
    pthread_t thread;
    sigset_t inside;
    sigset_t mine;
    sigset_t after;
    sigemptyset(&mine);
    sigaddset(&mine, SIGUSR2);
    pthread_sigmask(SIG_SETMASK, &mine, NULL);
    assert_int_equal(thread_start(&thread, look, &inside), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    assert_true(sigismember(&after, SIGUSR2) == 1);
    assert_true(sigismember(&after, SIGTERM) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handles_no_signal),
        cmocka_unit_test(leaves_its_maker_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
