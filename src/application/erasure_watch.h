#pragma once
/*
 * A thread for a process that records and does not store: it asks the store every few seconds, so
 * that erasures which the store knows of are taken up also when it was away at the start. Start and
 * stop are called by one thread.
 */
#include "application/erase_user.h"

#include <pthread.h>

struct erasure_watch {
    struct erase_user *eraser;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t ends;
    bool stopping;
    bool running;
};

/* NO_MEMORY, or why the system gives no thread. */
MUST_USE enum status erasure_watch_start(struct erasure_watch *watch, struct erase_user *eraser,
                                         struct error *err);

/* Returns when the thread has ended, which an answer of the store may take. Takes zeros, too. */
void erasure_watch_stop(struct erasure_watch *watch);
