/* Guards that a broken invariant ends the process, in release builds, too, and a kept one does not.
 */
#include "base/assert.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>
/* The signal that ended a child which asserts the value, 0 when it went on. */
static int signal_after_asserting(int value)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(STDERR_FILENO);
        ASSERT(value == 1);
        _exit(0);
    }
    int ended = 0;
    assert_int_equal(waitpid(child, &ended, 0), child);
    return WIFSIGNALED(ended) ? WTERMSIG(ended) : WEXITSTATUS(ended);
}

static void test_broken_invariant_aborts(void **state)
{
    (void)state;
    assert_int_equal(signal_after_asserting(1), 0);
    assert_int_equal(signal_after_asserting(2), SIGABRT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_broken_invariant_aborts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
