#include "application/erasure_watch.h"

#include "base/condition.h"

enum { LOOK_EVERY_MS = 5000 };

/* False: the watch ends. */
static bool rest(struct erasure_watch *watch)
{
    struct timespec deadline = condition_deadline(LOOK_EVERY_MS);
    pthread_mutex_lock(&watch->mutex);
    while (!watch->stopping && condition_wait_until(&watch->ends, &watch->mutex, &deadline)) {
    }
    bool goes_on = !watch->stopping;
    pthread_mutex_unlock(&watch->mutex);
    return goes_on;
}

static void *run(void *context)
{
    struct erasure_watch *watch = context;
    pthread_setname_np(pthread_self(), "erasure-watch");
    while (rest(watch)) {
        erase_user_take_up(watch->eraser);
    }
    return NULL;
}

enum status erasure_watch_start(struct erasure_watch *watch, struct erase_user *eraser,
                                struct error *err)
{
    *watch = (struct erasure_watch){.eraser = eraser};
    pthread_mutex_init(&watch->mutex, NULL);
    condition_init(&watch->ends);
    int failed = pthread_create(&watch->thread, NULL, run, watch);
    if (failed != 0) {
        pthread_cond_destroy(&watch->ends);
        pthread_mutex_destroy(&watch->mutex);
        return error_set_system(err, failed, "the thread that watches the store cannot be made");
    }
    watch->running = true;
    return STATUS_OK;
}

void erasure_watch_stop(struct erasure_watch *watch)
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
