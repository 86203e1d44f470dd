#include "base/condition.h"

#include "base/assert.h"
#include "base/clock.h"

#include <errno.h>

#define SECOND_NS ((long)NANOSECONDS_PER_SECOND)

void condition_init(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    int failed = pthread_condattr_init(&attributes);
    ASSERT(failed == 0);
    failed = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    ASSERT(failed == 0);
    failed = pthread_cond_init(condition, &attributes);
    ASSERT(failed == 0);
    pthread_condattr_destroy(&attributes);
}

struct timespec condition_deadline(uint64_t wait_ms)
{
    struct timespec deadline;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += (time_t)(wait_ms / MILLISECONDS_PER_SECOND);
    deadline.tv_nsec += (long)(wait_ms % MILLISECONDS_PER_SECOND * NANOSECONDS_PER_MILLISECOND);
    deadline.tv_sec += deadline.tv_nsec / SECOND_NS;
    deadline.tv_nsec %= SECOND_NS;
    return deadline;
}

bool condition_wait_until(pthread_cond_t *condition, pthread_mutex_t *mutex,
                          const struct timespec *deadline)
{
    return pthread_cond_timedwait(condition, mutex, deadline) != ETIMEDOUT;
}
