#pragma once
/*
 * Threads that work beside the one that handles signals.
 */
#include "base/macros.h"

#include <pthread.h>

/* Starts a thread on which no signal is ever handled; `context` must outlive it. Returns 0, or why
 * it cannot be made, as errno would say it: then *out_thread says nothing. Any thread. */
MUST_USE int thread_start(pthread_t *out_thread, void *(*run)(void *), void *context);
