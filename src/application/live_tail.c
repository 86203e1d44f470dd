#include "application/live_tail.h"

#include "application/live_tail_private.h"
#include "base/condition.h"
#include "base/thread.h"

#include <sched.h>
#include <stdlib.h>

enum {
    POLL_WAIT_MS = 20,            /* also the longest that somebody who joins waits for his turn */
    RETRY_MS = 200,               /* after a failure */
    KEPT_OPEN_MS = 10 * 1000,     /* without a listener: most come back */
    FRAME_BYTES_MAX = 16 << 20,   /* of one event */
    EVENTS_BYTES_MAX = 256 << 20, /* that wait in all queues together */
    PUSHES_AT_ONCE = 32           /* before others may have the core */
};

static uint64_t now_ms(const struct live_tail *tail)
{
    return clock_monotonic_ms(tail->config.clock);
}

/* --- joining and leaving --- */

enum status live_tail_join(struct live_tail *tail, struct live_listener *listener)
{
    pthread_mutex_lock(&tail->mutex);
    bool fits = !tail->stopping && tail->listeners < tail->config.listeners_max;
    if (fits) {
        live_listener_ref(listener);
        listener->next = NULL;
        tail->listeners++;
        *tail->joining_end = listener;
        tail->joining_end = &listener->next;
        pthread_cond_broadcast(&tail->changed);
    }
    pthread_mutex_unlock(&tail->mutex);
    return fits ? STATUS_OK : STATUS_BUSY;
}

void live_tail_leave(struct live_tail *tail, struct live_listener *listener)
{
    live_listener_set_left(listener);
    pthread_mutex_lock(&tail->mutex);
    tail->listeners--;
    pthread_mutex_unlock(&tail->mutex);
    live_listener_unref(listener);
}

void live_tail_forget(struct live_tail *tail, struct str user_id, int64_t erased_at_ms)
{
    pthread_mutex_lock(&tail->showing);
    for (struct live_listener *at = tail->followers; at != NULL; at = at->next) {
        live_listener_forget(at, user_id, erased_at_ms);
    }
    pthread_mutex_unlock(&tail->showing);
}

/* --- letting in --- */

static struct live_listener *take_joining(struct live_tail *tail)
{
    struct live_listener *taken = tail->joining;
    tail->joining = NULL;
    tail->joining_end = &tail->joining;
    return taken;
}

/* An event of this log that was seen here is one that it has. */
static bool is_known_place(const struct live_tail *tail, const struct live_listener *listener)
{
    return !uuid_equal(listener->log_id, tail->log_id) ||
           position_set_distance(&tail->reached, &listener->from) == 0;
}

static bool is_up_to_date(const struct live_tail *tail, const struct live_listener *listener)
{
    return uuid_equal(listener->log_id, tail->log_id) &&
           position_set_distance(&tail->reached, &listener->from) == 0 &&
           position_set_distance(&listener->from, &tail->reached) == 0;
}

/* Under `showing`. */
static enum status let_in(struct live_tail *tail, struct live_listener *listener)
{
    bool fills = listener->resumes && !is_up_to_date(tail, listener);
    if (!live_push_opening(tail, listener, fills ? NULL : &tail->reached)) {
        return STATUS_NO_MEMORY;
    }
    listener->told_at_ms = now_ms(tail);
    if (fills) {
        bool known = is_known_place(tail, listener);
        enum status status = live_backfill_add(tail, listener);
        if (status != STATUS_OK || !known) {
            return status;
        }
    }
    live_listener_set_state(listener, LIVE_FOLLOWS, NULL);
    return STATUS_OK;
}

static enum status open_tail(struct live_tail *tail, struct error *err)
{
    struct log_tail_begin begin;
    if (tail->tail != NULL) {
        return STATUS_OK;
    }
    enum status status = log_tail_open(tail->config.source, NULL, &begin, &tail->tail, err);
    if (status != STATUS_OK) {
        position_set_deinit(&begin.positions);
        return status;
    }
    pthread_mutex_lock(&tail->showing);
    position_set_deinit(&tail->reached);
    tail->reached = begin.positions;
    tail->log_id = begin.log_id;
    tail->batch.waits = false;
    pthread_mutex_unlock(&tail->showing);
    return STATUS_OK;
}

static void admit(struct live_tail *tail, struct live_listener *joining)
{
    struct error err = {0};
    enum status status = joining == NULL ? STATUS_OK : open_tail(tail, &err);
    while (joining != NULL) {
        struct live_listener *listener = joining;
        joining = joining->next;
        pthread_mutex_lock(&tail->showing);
        enum status let = status == STATUS_OK ? let_in(tail, listener) : status;
        if (let == STATUS_OK) {
            listener->next = tail->followers;
            tail->followers = listener;
        }
        pthread_mutex_unlock(&tail->showing);
        if (let != STATUS_OK) {
            err.status = let;
            live_listener_set_state(listener, LIVE_REFUSED, &err);
            live_listener_unref(listener);
        }
    }
}

/* --- showing --- */

/* Rendered for the first who wants it; the others share that. A thousand of them must not keep a
 * core from a request that comes meanwhile. */
static void show_row(struct live_tail *tail, const struct activity *activity)
{
    struct live_event *event = NULL;
    uint64_t now = now_ms(tail);
    unsigned pushed = 0;
    for (struct live_listener *at = tail->followers; at != NULL; at = at->next) {
        if (at->backfill != NULL || !activity_filter_matches(&at->filter, activity)) {
            continue;
        }
        event = event == NULL ? live_render(tail, &tail->reached, activity) : event;
        if (event == NULL) {
            live_listener_lose(at, 1);
            continue;
        }
        live_listener_push(at, event);
        at->told_at_ms = now;
        pushed++;
        if (pushed % PUSHES_AT_ONCE == 0) {
            sched_yield();
        }
    }
    if (event != NULL) {
        live_event_unref(event);
    }
}

static void show_gap(struct live_tail *tail, uint64_t gone)
{
    for (struct live_listener *at = tail->followers; at != NULL; at = at->next) {
        if (at->backfill == NULL) {
            live_push_gap(tail, at, gone, "gone");
        }
    }
}

/* Under `showing`. */
static enum status show_batch(struct live_tail *tail, struct error *err)
{
    struct live_batch *batch = &tail->batch;
    const struct activity_batch *rows = &batch->rows.batch;
    enum status status = position_set_prepare(&tail->reached, rows->next);
    if (status == STATUS_OK && tail->followers != NULL) {
        status = live_judge(tail, batch, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (batch->rows.gone > 0) {
        show_gap(tail, batch->rows.gone);
    }
    for (size_t i = 0; i < rows->count && status == STATUS_OK; i++) {
        const struct position place = rows->rows[i].position;
        status = position_set_raise(&tail->reached,
                                    (struct position){place.partition, place.offset + 1});
        if (status == STATUS_OK && !batch->erased[i]) {
            show_row(tail, &rows->rows[i].activity);
        }
    }
    return status == STATUS_OK ? position_set_raise_all(&tail->reached, rows->next) : status;
}

/* --- one turn --- */

static void end_all(struct live_tail *tail)
{
    pthread_mutex_lock(&tail->showing);
    while (tail->followers != NULL) {
        struct live_listener *listener = tail->followers;
        tail->followers = listener->next;
        live_listener_set_state(listener, LIVE_ENDED, NULL);
        live_listener_unref(listener);
    }
    pthread_mutex_unlock(&tail->showing);
}

static void close_tail(struct live_tail *tail)
{
    log_tail_free(TAKE(tail->tail));
    tail->batch.waits = false;
}

/* Told once, however long it lasts. */
static void put_off(struct live_tail *tail, enum status status, struct error *err)
{
    if (!tail->failing) {
        err->status = status;
        log_error(tail->config.logger, "the live tail cannot go on and will keep trying", err);
    }
    tail->failing = true;
    tail->retry_at_ms = now_ms(tail) + RETRY_MS;
    if (status == STATUS_CORRUPT) {
        close_tail(tail);
        end_all(tail);
    }
}

static void rest_until(struct live_tail *tail, unsigned wait_ms)
{
    pthread_mutex_lock(&tail->mutex);
    if (!tail->stopping) {
        struct timespec deadline = condition_deadline(wait_ms);
        (void)condition_wait_until(&tail->changed, &tail->mutex, &deadline);
    }
    pthread_mutex_unlock(&tail->mutex);
}

static void follow(struct live_tail *tail)
{
    struct error err = {0};
    enum status status = STATUS_OK;
    if (tail->tail == NULL || now_ms(tail) < tail->retry_at_ms) {
        rest_until(tail, POLL_WAIT_MS);
        return;
    }
    if (!tail->batch.waits) {
        status = log_tail_poll(tail->tail, LIVE_ROWS_MAX, POLL_WAIT_MS, &tail->batch.rows, &err);
        tail->batch.waits = status == STATUS_OK;
    }
    if (status == STATUS_OK) {
        pthread_mutex_lock(&tail->showing);
        status = show_batch(tail, &err);
        pthread_mutex_unlock(&tail->showing);
    }
    if (status != STATUS_OK) {
        put_off(tail, status, &err);
        return;
    }
    tail->batch.waits = false;
    if (tail->failing) {
        log_write(tail->config.logger, LOG_INFO, "the live tail goes on", LOG_NO_FIELDS);
        tail->failing = false;
    }
}

/* Heartbeats, and those who left. */
static void tend(struct live_tail *tail)
{
    pthread_mutex_lock(&tail->showing);
    uint64_t now = now_ms(tail);
    for (struct live_listener **at = &tail->followers; *at != NULL;) {
        struct live_listener *listener = *at;
        if (live_listener_has_left(listener)) {
            *at = listener->next;
            live_listener_unref(listener);
            continue;
        }
        if (now - listener->told_at_ms >= tail->config.heartbeat_ms) {
            listener->told_at_ms = now;
            live_push_heartbeat(tail, listener);
        }
        at = &listener->next;
    }
    bool idle = tail->followers == NULL;
    pthread_mutex_unlock(&tail->showing);
    if (!idle) {
        tail->idle_since_ms = 0;
    } else if (tail->idle_since_ms == 0) {
        tail->idle_since_ms = now;
    } else if (now - tail->idle_since_ms >= KEPT_OPEN_MS) {
        close_tail(tail);
    }
}

/* --- the thread --- */

/* Rests while there is nothing to follow. False: the tail stops. */
static bool await_work(struct live_tail *tail, struct live_listener **out_joining)
{
    pthread_mutex_lock(&tail->mutex);
    while (tail->tail == NULL && tail->followers == NULL && tail->joining == NULL &&
           !tail->stopping) {
        pthread_cond_wait(&tail->changed, &tail->mutex);
    }
    bool goes_on = !tail->stopping;
    *out_joining = take_joining(tail);
    pthread_mutex_unlock(&tail->mutex);
    return goes_on;
}

static void *run_follower(void *context)
{
    struct live_tail *tail = context;
    struct live_listener *joining;
    pthread_setname_np(pthread_self(), "live-tail");
    while (await_work(tail, &joining)) {
        admit(tail, joining);
        follow(tail);
        tend(tail);
    }
    while (joining != NULL) {
        struct live_listener *listener = joining;
        joining = joining->next;
        live_listener_set_state(listener, LIVE_ENDED, NULL);
        live_listener_unref(listener);
    }
    end_all(tail);
    close_tail(tail);
    return NULL;
}

/* --- life --- */

static enum status start_threads(struct live_tail *tail, struct error *err)
{
    int failed = thread_start(&tail->follower, run_follower, tail);
    tail->threads = failed == 0;
    if (failed == 0) {
        failed = thread_start(&tail->filler, live_backfill_run, tail);
        tail->threads += failed == 0;
    }
    return failed == 0 ? STATUS_OK
                       : error_set_system(err, failed, "the live tail's threads cannot be made");
}

enum status live_tail_new(const struct live_tail_config *config, struct live_tail **out_tail,
                          struct error *err)
{
    CLEANUP(live_tail_free) struct live_tail *tail = calloc(1, sizeof *tail);
    if (tail == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for the live tail");
    }
    tail->config = *config;
    if (tail->config.backfill_ms_max == 0) {
        tail->config.backfill_ms_max = LIVE_TAIL_BACKFILL_MS_DEFAULT;
    }
    pthread_mutex_init(&tail->mutex, NULL);
    pthread_mutex_init(&tail->showing, NULL);
    condition_init(&tail->changed);
    tail->joining_end = &tail->joining;
    tail->waiting_end = &tail->waiting;
    position_set_init(&tail->reached);
    buffer_init(&tail->frame, FRAME_BYTES_MAX);
    tail->memory.bytes_max = EVENTS_BYTES_MAX;
    enum status status = start_threads(tail, err);
    if (status == STATUS_OK) {
        *out_tail = TAKE(tail);
    }
    return status;
}

void live_tail_stop(struct live_tail *tail)
{
    if (tail == NULL) {
        return;
    }
    pthread_mutex_lock(&tail->mutex);
    tail->stopping = true;
    pthread_cond_broadcast(&tail->changed);
    pthread_mutex_unlock(&tail->mutex);
    if (tail->threads > 1) {
        pthread_join(tail->filler, NULL);
    }
    if (tail->threads > 0) {
        pthread_join(tail->follower, NULL);
    }
    tail->threads = 0;
}

void live_tail_free(struct live_tail *tail)
{
    if (tail == NULL) {
        return;
    }
    live_tail_stop(tail);
    position_set_deinit(&tail->reached);
    buffer_deinit(&tail->frame);
    pthread_cond_destroy(&tail->changed);
    pthread_mutex_destroy(&tail->showing);
    pthread_mutex_destroy(&tail->mutex);
    free(tail);
}
