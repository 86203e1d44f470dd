/* The thread that hands those who come back what they missed. */
#include "application/live_tail_private.h"
#include "base/condition.h"

#include <stdlib.h>

enum { PAUSE_MS = 10 };

static uint64_t now_ms(const struct live_tail *tail)
{
    return clock_monotonic_ms(tail->config.clock);
}

enum status live_backfill_add(struct live_tail *tail, struct live_listener *listener)
{
    struct live_backfill *backfill = calloc(1, sizeof *backfill);
    if (backfill == NULL) {
        return STATUS_NO_MEMORY;
    }
    backfill->listener = listener;
    position_set_init(&backfill->reached);
    listener->backfill = backfill;
    live_listener_ref(listener);
    pthread_mutex_lock(&tail->mutex);
    *tail->waiting_end = backfill;
    tail->waiting_end = &backfill->next;
    pthread_cond_broadcast(&tail->changed);
    pthread_mutex_unlock(&tail->mutex);
    return STATUS_OK;
}

static void backfill_free(struct live_tail *tail, struct live_backfill *backfill)
{
    pthread_mutex_lock(&tail->showing);
    backfill->listener->backfill = NULL;
    pthread_mutex_unlock(&tail->showing);
    live_listener_unref(backfill->listener);
    log_tail_free(backfill->tail);
    position_set_deinit(&backfill->reached);
    free(backfill);
}

/* --- beginning --- */

static void let_in(struct live_tail *tail, struct live_backfill *backfill, uint64_t gone)
{
    struct error none;
    struct live_listener *listener = backfill->listener;
    if (backfill->from_elsewhere) {
        live_push_gap(tail, listener, LIVE_GAP_UNKNOWN, "gone");
    } else if (gone > 0) {
        live_push_gap(tail, listener, gone, "gone");
    }
    if (live_listener_state(listener, &none) == LIVE_JOINS) {
        live_listener_set_state(listener, LIVE_FOLLOWS, NULL);
    }
}

/* Of another log everything that this one holds came since. */
static enum status open_tail(struct live_tail *tail, struct live_backfill *backfill,
                             struct error *err)
{
    struct log_tail_begin begin;
    static const struct position_set nowhere;
    pthread_mutex_lock(&tail->showing);
    backfill->from_elsewhere = !uuid_equal(backfill->listener->log_id, tail->log_id);
    pthread_mutex_unlock(&tail->showing);
    enum status status = log_tail_open(
        tail->config.source, backfill->from_elsewhere ? &nowhere : &backfill->listener->from,
        &begin, &backfill->tail, err);
    if (status == STATUS_OK) {
        backfill->reached = begin.positions;
        pthread_mutex_lock(&tail->showing);
        let_in(tail, backfill, begin.gone);
        pthread_mutex_unlock(&tail->showing);
    } else {
        position_set_deinit(&begin.positions);
    }
    return status;
}

/* --- going on --- */

static enum status fetch(struct live_backfill *backfill, struct error *err)
{
    struct live_batch *batch = &backfill->batch;
    enum status status = log_tail_poll(backfill->tail, LIVE_ROWS_MAX, 0, &batch->rows, err);
    if (status == STATUS_OK) {
        batch->waits = true;
        batch->told_gone = false;
        batch->done = 0;
    }
    return status;
}

static void show_row(struct live_tail *tail, struct live_backfill *backfill,
                     const struct logged_activity *row)
{
    struct live_listener *listener = backfill->listener;
    if (!activity_filter_matches(&listener->filter, &row->activity)) {
        return;
    }
    struct live_event *event = live_render(tail, &backfill->reached, &row->activity);
    if (event == NULL) {
        live_listener_lose(listener, 1);
        return;
    }
    live_listener_push(listener, event);
    live_event_unref(event);
    listener->told_at_ms = now_ms(tail);
}

/* Shows what lies before `reached` of everybody, as far as there is room; under `showing`. What
 * lies behind stays for the common tail. `out_moved`: it got on. */
static enum status show_some(struct live_tail *tail, struct live_backfill *backfill,
                             bool *out_moved, struct error *err)
{
    struct live_batch *batch = &backfill->batch;
    /* Room for every partition comes first: a row whose place could not be kept would be passed. */
    enum status status = position_set_prepare(&backfill->reached, batch->rows.batch.next);
    if (status == STATUS_OK) {
        status = live_judge(tail, batch, err);
    }
    if (status == STATUS_OK && !batch->told_gone && batch->rows.gone > 0) {
        live_push_gap(tail, backfill->listener, batch->rows.gone, "gone");
    }
    batch->told_gone = batch->told_gone || status == STATUS_OK;
    for (; status == STATUS_OK && batch->done < batch->rows.batch.count; batch->done++) {
        const struct logged_activity *row = &batch->rows.batch.rows[batch->done];
        struct position behind = {row->position.partition, row->position.offset + 1};
        if (!position_set_covers(&tail->reached, row->position) ||
            !live_listener_has_room(backfill->listener)) {
            return STATUS_OK;
        }
        status = position_set_raise(&backfill->reached, behind);
        if (status == STATUS_OK && !batch->erased[batch->done]) {
            show_row(tail, backfill, row);
        }
        *out_moved = true;
    }
    if (status == STATUS_OK) {
        status = position_set_raise_all(&backfill->reached, batch->rows.batch.next);
        batch->waits = status != STATUS_OK;
        *out_moved = *out_moved || batch->rows.batch.count > 0;
    }
    return status;
}

/* Under `showing`. */
static bool is_up_to_date(const struct live_tail *tail, const struct live_backfill *backfill)
{
    return position_set_distance(&backfill->reached, &tail->reached) == 0 &&
           position_set_distance(&tail->reached, &backfill->reached) == 0;
}

/* Whether the listener is with the others now; under `showing`. */
static bool changes_over(struct live_tail *tail, struct live_backfill *backfill)
{
    if (is_up_to_date(tail, backfill)) {
        return true;
    }
    if (now_ms(tail) < backfill->deadline_ms) {
        return false;
    }
    live_push_gap(tail, backfill->listener,
                  position_set_distance(&backfill->reached, &tail->reached), "behind");
    return true;
}

enum step { STEP_RESTS, STEP_MOVED, STEP_DONE };

static enum step refuse(struct live_backfill *backfill, const struct error *err)
{
    struct error none;
    bool joins = live_listener_state(backfill->listener, &none) == LIVE_JOINS;
    live_listener_set_state(backfill->listener, joins ? LIVE_REFUSED : LIVE_ENDED, err);
    return STEP_DONE;
}

/* Something did not go well. It may the next time, until there is no time left. */
static enum step put_off(const struct live_tail *tail, struct live_backfill *backfill,
                         const struct error *err)
{
    bool may_pass = err->status != STATUS_INVALID && err->status != STATUS_CORRUPT;
    return may_pass && now_ms(tail) < backfill->deadline_ms ? STEP_RESTS : refuse(backfill, err);
}

static enum step step(struct live_tail *tail, struct live_backfill *backfill)
{
    struct error err = {0};
    bool moved = false;
    bool done = false;
    enum status status = STATUS_OK;
    if (live_listener_has_left(backfill->listener)) {
        return STEP_DONE;
    }
    if (!backfill->begun) {
        backfill->begun = true;
        backfill->deadline_ms = now_ms(tail) + tail->config.backfill_ms_max;
    }
    if (backfill->tail == NULL) {
        status = open_tail(tail, backfill, &err);
    }
    if (status == STATUS_OK && !backfill->batch.waits) {
        status = fetch(backfill, &err);
    }
    if (status == STATUS_OK) {
        pthread_mutex_lock(&tail->showing);
        status = show_some(tail, backfill, &moved, &err);
        done = status == STATUS_OK && changes_over(tail, backfill);
        if (done) {
            backfill->listener->backfill = NULL;
        }
        pthread_mutex_unlock(&tail->showing);
    }
    if (status != STATUS_OK) {
        err.status = status;
        return put_off(tail, backfill, &err);
    }
    return done ? STEP_DONE : moved ? STEP_MOVED : STEP_RESTS;
}

/* --- the thread --- */

static size_t take_waiting(struct live_tail *tail, struct live_backfill **active, size_t count)
{
    while (count < LIVE_BACKFILLS_MAX && tail->waiting != NULL) {
        active[count++] = tail->waiting;
        tail->waiting = tail->waiting->next;
    }
    if (tail->waiting == NULL) {
        tail->waiting_end = &tail->waiting;
    }
    return count;
}

/* False: the tail stops. */
static bool await_work(struct live_tail *tail, struct live_backfill **active, size_t *count,
                       bool rests)
{
    pthread_mutex_lock(&tail->mutex);
    if (rests && *count > 0 && !tail->stopping) {
        struct timespec deadline = condition_deadline(PAUSE_MS);
        (void)condition_wait_until(&tail->changed, &tail->mutex, &deadline);
    }
    while (*count == 0 && tail->waiting == NULL && !tail->stopping) {
        pthread_cond_wait(&tail->changed, &tail->mutex);
    }
    bool goes_on = !tail->stopping;
    *count = take_waiting(tail, active, *count);
    pthread_mutex_unlock(&tail->mutex);
    return goes_on;
}

static void end_all(struct live_tail *tail, struct live_backfill **active, size_t count)
{
    while (count > 0) {
        for (size_t i = 0; i < count; i++) {
            live_listener_set_state(active[i]->listener, LIVE_ENDED, NULL);
            backfill_free(tail, active[i]);
        }
        pthread_mutex_lock(&tail->mutex);
        count = take_waiting(tail, active, 0);
        pthread_mutex_unlock(&tail->mutex);
    }
}

void *live_backfill_run(void *context)
{
    struct live_tail *tail = context;
    struct live_backfill *active[LIVE_BACKFILLS_MAX];
    size_t count = 0;
    bool rests = false;
    pthread_setname_np(pthread_self(), "back-fill");
    while (await_work(tail, active, &count, rests)) {
        rests = true;
        for (size_t i = 0; i < count;) {
            enum step came = step(tail, active[i]);
            rests = rests && came == STEP_RESTS;
            if (came == STEP_DONE) {
                backfill_free(tail, active[i]);
                active[i] = active[--count];
            } else {
                i++;
            }
        }
    }
    end_all(tail, active, count);
    return NULL;
}
