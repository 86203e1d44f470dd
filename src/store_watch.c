#include "store_watch.h"

#include <time.h>

enum { LOOK_EVERY_S = 5 };

/* False: the watch ends. */
static bool rest(struct store_watch *watch)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += LOOK_EVERY_S;
    pthread_mutex_lock(&watch->mutex);
    int waited = 0;
    while (!watch->stopping && waited == 0) {
        waited = pthread_cond_timedwait(&watch->ends, &watch->mutex, &until);
    }
    bool goes_on = !watch->stopping;
    pthread_mutex_unlock(&watch->mutex);
    return goes_on;
}

static void *run(void *context)
{
    struct store_watch *watch = context;
    pthread_setname_np(pthread_self(), "store-watch");
    while (rest(watch)) {
        erase_user_take_up(watch->eraser);
    }
    return NULL;
}

enum status store_watch_start(struct store_watch *watch, struct erase_user *eraser,
                              struct error *err)
{
    pthread_condattr_t monotonic;
    *watch = (struct store_watch){.eraser = eraser};
    pthread_mutex_init(&watch->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&watch->ends, &monotonic);
    pthread_condattr_destroy(&monotonic);
    int failed = pthread_create(&watch->thread, NULL, run, watch);
    if (failed != 0) {
        pthread_cond_destroy(&watch->ends);
        pthread_mutex_destroy(&watch->mutex);
        return error_set_system(err, failed, "the thread that watches the store cannot be made");
    }
    watch->running = true;
    return STATUS_OK;
}

void store_watch_stop(struct store_watch *watch)
{
    if (!watch->running) {
        return;
    }
    pthread_mutex_lock(&watch->mutex);
    watch->stopping = true;
    pthread_cond_signal(&watch->ends);
    pthread_mutex_unlock(&watch->mutex);
    pthread_join(watch->thread, NULL);
    pthread_cond_destroy(&watch->ends);
    pthread_mutex_destroy(&watch->mutex);
    watch->running = false;
}
