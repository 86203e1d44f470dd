/* Guards waits: they end when they are told to, and by themselves when it is time. */
#include "base/clock.h"
#include "base/condition.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

struct bell {
    pthread_mutex_t mutex;
    pthread_cond_t rung;
    bool ringing;
};

static void make(struct bell *bell)
{
    *bell = (struct bell){0};
    pthread_mutex_init(&bell->mutex, NULL);
    condition_init(&bell->rung);
}

static void drop(struct bell *bell)
{
    pthread_cond_destroy(&bell->rung);
    pthread_mutex_destroy(&bell->mutex);
}

static void test_it_ends_by_itself(void **state)
{
    (void)state;
    struct bell bell;
    make(&bell);
    static const uint64_t waits_ms[] = {0, 1, 30};
    for (size_t i = 0; i < sizeof waits_ms / sizeof waits_ms[0]; i++) {
        uint64_t begun_ns = clock_monotonic_ns(&clock_system);
        struct timespec deadline = condition_deadline(waits_ms[i]);
        pthread_mutex_lock(&bell.mutex);
        while (condition_wait_until(&bell.rung, &bell.mutex, &deadline)) {
        }
        pthread_mutex_unlock(&bell.mutex);
        uint64_t waited_ns = clock_monotonic_ns(&clock_system) - begun_ns;
        assert_true(waited_ns >= waits_ms[i] * NANOSECONDS_PER_MILLISECOND);
    }
    drop(&bell);
}

static void *ring(void *context)
{
    struct bell *bell = context;
    pthread_mutex_lock(&bell->mutex);
    bell->ringing = true;
    pthread_cond_signal(&bell->rung);
    pthread_mutex_unlock(&bell->mutex);
    return NULL;
}

static void test_it_ends_when_told(void **state)
{
    (void)state;
    enum { A_DAY_MS = 24 * 60 * 60 * 1000 };
    struct bell bell;
    pthread_t thread;
    make(&bell);
    pthread_mutex_lock(&bell.mutex);
    struct timespec deadline = condition_deadline(A_DAY_MS);
    assert_int_equal(pthread_create(&thread, NULL, ring, &bell), 0);
    while (!bell.ringing) {
        assert_true(condition_wait_until(&bell.rung, &bell.mutex, &deadline));
    }
    pthread_mutex_unlock(&bell.mutex);
    pthread_join(thread, NULL);
    drop(&bell);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_ends_by_itself),
        cmocka_unit_test(test_it_ends_when_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
