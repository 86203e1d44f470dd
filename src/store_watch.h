#pragma once
/*
 * A thread of the API role, which asks the store every few seconds: what the store knows of
 * erasures is taken up also when it was away at the start, and it is logged that the store went
 * away or came back when nobody asks any questions. Main's thread.
 */
#include "application/erase_user.h"

#include <pthread.h>

struct store_watch {
    struct erase_user *eraser;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t ends;
    bool stopping;
    bool running;
};

/* NO_MEMORY, or why the system gives no thread. */
MUST_USE enum status store_watch_start(struct store_watch *watch, struct erase_user *eraser,
                                       struct error *err);

/* Returns when the thread has ended, which an answer of the store may take. Takes zeros, too. */
void store_watch_stop(struct store_watch *watch);
