#pragma once
/*
 * Condition variables whose waits end by the monotonic clock, so that nobody who sets the clock of
 * the wall makes a thread wait for hours. Any thread.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

void condition_init(pthread_cond_t *condition);

/* The moment `wait_ms` from now, for condition_wait_until. */
struct timespec condition_deadline(uint64_t wait_ms);

/* As pthread_cond_timedwait on a condition that was made by condition_init: false when the deadline
 * has passed; true says nothing about what is waited for. The caller holds the mutex. */
bool condition_wait_until(pthread_cond_t *condition, pthread_mutex_t *mutex,
                          const struct timespec *deadline);
