/* What happens beside the callers of a spilling log: results, handing over, moving, and the change
 * from one mode to the next, which only these three do. */
#include "base/assert.h"
#include "base/condition.h"
#include "infrastructure/event_log_spill/spill_private.h"

enum {
    RETURN_ROWS = 4096,     /* so few are left when new appends are held back */
    IDLE_STEPS_MAX = 40,    /* without anything to try the inner log with */
    GIVE_UP_EVERY_MS = 100, /* something may have come in while it was given up */
    SUBMIT_WAIT_MS = 1,
    BUSY_WAIT_MS = 5, /* for a spill whose queue is full */
    POLL_WAIT_MS = 50
};

static void wait_for(struct event_log_spill *spill, pthread_cond_t *condition, unsigned ms)
{
    struct timespec deadline = condition_deadline(ms);
    (void)condition_wait_until(condition, &spill->mutex, &deadline);
}

/* Results --------------------------------------------------------------------------------- */

void spill_fail_over(struct event_log_spill *spill)
{
    if (spill->mode == SPILL_DIRECT || spill->mode == SPILL_RETURNING) {
        spill->mode = SPILL_GIVING_UP;
    }
    pthread_cond_signal(&spill->keep);
}

bool spill_is_empty(const struct event_log_spill *spill)
{
    return spill->in_spill == 0 && spill->moved_end >= spill->spill_end;
}

bool spill_is_settled(const struct event_log_spill *spill)
{
    return spill->mode == SPILL_DIRECT && spill->held.first == NULL;
}

static bool is_out_of_reach(enum status status)
{
    return status == STATUS_UNAVAILABLE || status == STATUS_TIMED_OUT;
}

/* Takes note of the results and returns how many of them the callers are told; under the mutex. */
static size_t note_inner_results(struct event_log_spill *spill, const struct append_result *results,
                                 size_t count, struct held_result *out_told)
{
    size_t told = 0;
    for (size_t i = 0; i < count; i++) {
        struct held_append *held = held_append_of(results[i].ticket);
        ASSERT(spill->in_inner > 0);
        spill->in_inner--;
        if (is_out_of_reach(results[i].status)) {
            spill_fail_over(spill); /* it stays where it is among those that are held */
        } else {
            held_list_remove(&spill->held, held);
            spill->held_bytes -= held->bytes;
            out_told[told++] = (struct held_result){held, results[i]};
        }
    }
    if (spill->in_inner == 0) {
        pthread_cond_signal(&spill->keep);
    }
    if (spill_is_settled(spill)) {
        pthread_cond_signal(&spill->settled);
    }
    return told;
}

void spill_hear_inner(struct append_listener *listener, const struct append_result *results,
                      size_t count)
{
    struct event_log_spill *spill = CONTAINER_OF(listener, struct event_log_spill, inner_listener);
    struct held_result told[HELD_RESULTS_MAX];
    for (size_t at = 0; at < count; at += HELD_RESULTS_MAX) {
        size_t some = count - at < HELD_RESULTS_MAX ? count - at : HELD_RESULTS_MAX;
        pthread_mutex_lock(&spill->mutex);
        size_t told_count = note_inner_results(spill, results + at, some, told);
        pthread_mutex_unlock(&spill->mutex);
        held_results_tell(told, told_count);
    }
}

/* An append left the way into the spill; under the mutex. */
static void note_spilled(struct event_log_spill *spill, const struct held_append *held)
{
    ASSERT(spill->in_spill > 0);
    spill->in_spill--;
    spill->held_bytes -= held->bytes;
}

/* A full disk below the spill is no other word for clients than a full spill: 503, and when to come
 * back. */
static struct append_result failed_result(const struct held_append *held)
{
    return (struct append_result){.status = STATUS_UNAVAILABLE, .count = held->count};
}

static void note_spill_results(struct event_log_spill *spill, const struct append_result *results,
                               size_t count, struct held_result *out_told)
{
    for (size_t i = 0; i < count; i++) {
        struct held_append *held = held_append_of(results[i].ticket);
        bool fine = results[i].status == STATUS_OK;
        note_spilled(spill, held);
        if (fine && results[i].reached[0].offset >= spill->spill_end) {
            spill->spill_end = results[i].reached[0].offset + 1;
        }
        out_told[i] = (struct held_result){held, fine ? results[i] : failed_result(held)};
    }
    pthread_cond_signal(&spill->keep);
}

void spill_hear_spill(struct append_listener *listener, const struct append_result *results,
                      size_t count)
{
    struct event_log_spill *spill = CONTAINER_OF(listener, struct event_log_spill, spill_listener);
    struct held_result told[HELD_RESULTS_MAX];
    for (size_t at = 0; at < count; at += HELD_RESULTS_MAX) {
        size_t some = count - at < HELD_RESULTS_MAX ? count - at : HELD_RESULTS_MAX;
        pthread_mutex_lock(&spill->mutex);
        note_spill_results(spill, results + at, some, told);
        pthread_mutex_unlock(&spill->mutex);
        held_results_tell(told, some);
    }
}

/* The keeper ------------------------------------------------------------------------------ */

static void tell_out_of_reach(const struct event_log_spill *spill)
{
    log_write(spill->config.logger, LOG_WARNING,
              "the event log cannot be reached; activities are kept on this machine's disk and go "
              "there when it can",
              LOG_FIELDS(log_text("dataDir", str_from(spill->config.data_dir))));
}

static void give_up(struct event_log_spill *spill)
{
    if (spill->config.give_up != NULL) {
        spill->config.give_up(spill->config.give_up_context);
    }
}

/* Once for many. */
static void tell_refused(struct event_log_spill *spill, enum status status)
{
    if (!spill->refusing) {
        log_write(spill->config.logger, LOG_ERROR,
                  "the event log cannot be reached and the spill takes nothing more; activities "
                  "are refused",
                  LOG_FIELDS(log_text("status", str_from(status_name(status)))));
    }
}

/* The first one that is held goes to the spill. Called and left with the mutex, which is free in
 * between. */
static void hand_over(struct event_log_spill *spill)
{
    struct held_append *held = spill->held.first;
    held_list_remove(&spill->held, held);
    spill->in_spill++;
    pthread_mutex_unlock(&spill->mutex);
    enum status status = event_log_append(spill->config.spill, held->activities, held->count,
                                          &spill->spill_listener, held_append_ticket(held));
    bool later = status == STATUS_BUSY || status == STATUS_NO_MEMORY;
    if (status != STATUS_OK && !later) {
        tell_refused(spill, status);
    }
    pthread_mutex_lock(&spill->mutex);
    if (later) {
        spill->in_spill--;
        held_list_push_front(&spill->held, held);
        wait_for(spill, &spill->keep, BUSY_WAIT_MS);
        return;
    }
    spill->refusing = status != STATUS_OK;
    if (status != STATUS_OK) {
        note_spilled(spill, held);
        pthread_mutex_unlock(&spill->mutex);
        struct held_result told = {held, failed_result(held)};
        held_results_tell(&told, 1);
        pthread_mutex_lock(&spill->mutex);
    }
}

/* Until the fate of each append is known; then what was not confirmed is spilled. Whoever is just
 * handing an append over comes first: one that the inner log got behind this, and confirmed, would
 * have overtaken those that failed. */
static void give_up_inner(struct event_log_spill *spill)
{
    bool told = spill->closing;
    while (atomic_load(&spill->submitting) > 0) {
        wait_for(spill, &spill->keep, SUBMIT_WAIT_MS);
    }
    pthread_mutex_unlock(&spill->mutex);
    if (!told) {
        tell_out_of_reach(spill);
    }
    give_up(spill);
    pthread_mutex_lock(&spill->mutex);
    while (spill->in_inner > 0) {
        wait_for(spill, &spill->keep, GIVE_UP_EVERY_MS);
        if (spill->in_inner > 0) {
            pthread_mutex_unlock(&spill->mutex);
            give_up(spill);
            pthread_mutex_lock(&spill->mutex);
        }
    }
    spill->mode = SPILL_SPILLING;
    pthread_cond_signal(&spill->move);
}

/* What was held back is told what the inner log said to it; its words for what is too large cannot
 * travel in a result. */
static void tell_not_released(struct held_append *held, enum status status)
{
    struct held_result told = {held, failed_result(held)};
    told.result.status = status == STATUS_NO_SPACE ? status : STATUS_UNAVAILABLE;
    held_results_tell(&told, 1);
}

/* The first one that was held back goes to the inner log. With the mutex, as hand_over. */
static void release(struct event_log_spill *spill)
{
    struct held_append *held = spill->waiting;
    spill->waiting = held->next;
    spill->in_inner++;
    pthread_mutex_unlock(&spill->mutex);
    enum status status = event_log_append(spill->config.inner, held->activities, held->count,
                                          &spill->inner_listener, held_append_ticket(held));
    pthread_mutex_lock(&spill->mutex);
    if (status == STATUS_OK) {
        return; /* and perhaps it is gone already */
    }
    spill->in_inner--;
    if (status == STATUS_UNAVAILABLE) {
        spill_fail_over(spill);
    } else if (status == STATUS_BUSY || status == STATUS_NO_MEMORY) {
        spill->waiting = held;
        wait_for(spill, &spill->keep, BUSY_WAIT_MS);
    } else {
        held_list_remove(&spill->held, held);
        spill->held_bytes -= held->bytes;
        pthread_mutex_unlock(&spill->mutex);
        tell_not_released(held, status);
        pthread_mutex_lock(&spill->mutex);
    }
}

static void go_direct(struct event_log_spill *spill)
{
    int64_t moved_end = spill->moved_end;
    spill->mode = SPILL_DIRECT;
    spill->moved_per_second = 0;
    if (spill_is_settled(spill)) {
        pthread_cond_signal(&spill->settled);
    }
    pthread_mutex_unlock(&spill->mutex);
    log_write(spill->config.logger, LOG_INFO,
              "the event log takes activities again; nothing waits on this machine's disk",
              LOG_NO_FIELDS);
    spill_keep_mark(spill, moved_end);
    pthread_mutex_lock(&spill->mutex);
}

/* The mover may wait for an append of its own that the inner log would keep for long. */
static void hurry_mover(struct event_log_spill *spill)
{
    pthread_mutex_unlock(&spill->mutex);
    give_up(spill);
    pthread_mutex_lock(&spill->mutex);
    if (!spill->mover_ended) {
        wait_for(spill, &spill->keep, GIVE_UP_EVERY_MS);
    }
}

void *spill_run_keeper(void *context)
{
    struct event_log_spill *spill = context;
    pthread_setname_np(pthread_self(), "spill-keeper");
    pthread_mutex_lock(&spill->mutex);
    for (;;) {
        if (spill->mode == SPILL_GIVING_UP) {
            give_up_inner(spill);
        } else if (spill->mode == SPILL_SPILLING && spill->held.first != NULL) {
            hand_over(spill);
        } else if (spill->mode == SPILL_RETURNING && spill_is_empty(spill)) {
            if (spill->waiting != NULL) {
                release(spill);
            } else {
                go_direct(spill);
            }
        } else if (spill->closing && !spill->mover_ended) {
            hurry_mover(spill);
        } else if (spill->closing && spill->in_spill == 0 && spill->in_inner == 0) {
            break;
        } else {
            pthread_cond_wait(&spill->keep, &spill->mutex);
        }
    }
    pthread_mutex_unlock(&spill->mutex);
    return NULL;
}

/* The mover ------------------------------------------------------------------------------- */

static void note_moved(struct event_log_spill *spill)
{
    struct forward_progress progress = forward_activities_progress(spill->forwarder);
    int64_t end = position_set_get(progress.positions, 0);
    bool noted = position_set_raise_all(&spill->moved_to, progress.reached) == STATUS_OK;
    spill->moved_to_lost = spill->moved_to_lost || progress.reached_lost || !noted;
    if (end > spill->moved_end) {
        spill->moved_end = end;
    }
    spill->moved_per_second = progress.per_second;
}

/* Once for each row of failures; that it cannot be reached was told before. */
static void tell_failure(struct event_log_spill *spill, const struct error *err)
{
    if (forward_activities_progress(spill->forwarder).failures == 1) {
        log_error(spill->config.logger,
                  "what waits on this machine's disk does not get into the event log; trying again",
                  err);
    }
}

/* The spill had nothing to hand out: it is empty, or what is left cannot be read. */
static bool is_idle(const struct event_log_spill *spill, enum status status, size_t count)
{
    return status == STATUS_OK && count == 0 && spill->in_spill == 0 && spill->held.first == NULL;
}

/* Damage of the disk: the spill's own lines say what, and nothing else may wait for it. */
static void leave_unreadable(struct event_log_spill *spill)
{
    int64_t missing = spill->spill_end - spill->moved_end;
    if (missing > 0) {
        spill->moved_end = spill->spill_end;
        log_write(spill->config.logger, LOG_ERROR,
                  "activities that were kept on this machine's disk cannot be read any more",
                  LOG_FIELDS(log_number("activities", missing)));
    }
}

/* Whether a step showed that the inner log takes activities again. When the spill gives nothing to
 * try it with for a while, the next append finds out. */
static bool shows_reach(struct event_log_spill *spill, enum status status, size_t count)
{
    spill->idle_steps = is_idle(spill, status, count) ? spill->idle_steps + 1 : 0;
    if (spill->idle_steps > IDLE_STEPS_MAX) {
        leave_unreadable(spill);
        return true;
    }
    return status == STATUS_OK && count > 0;
}

/* After a step. While much is left, or it does not get through, new appends go to the spill; under
 * load they would come there for ever if the rest did not bring a turn. They are held only as long
 * as the rest moves. */
static void choose_mode(struct event_log_spill *spill, enum status status, size_t count)
{
    bool moves = status == STATUS_OK && (count > 0 || spill->in_spill > 0);
    if (spill->mode == SPILL_SPILLING && shows_reach(spill, status, count) && !spill->closing &&
        spill->spill_end - spill->moved_end <= RETURN_ROWS) {
        spill->mode = SPILL_RETURNING;
        spill->waiting = spill->held.first;
        spill->idle_steps = 0;
    } else if (spill->mode == SPILL_RETURNING && !moves && !spill_is_empty(spill)) {
        spill->mode = SPILL_SPILLING;
    }
    pthread_cond_signal(&spill->keep);
}

/* One step, with the mutex before and behind it. */
static void move_some(struct event_log_spill *spill)
{
    struct error err;
    size_t count = 0;
    pthread_mutex_unlock(&spill->mutex);
    enum status status = forward_activities_step(spill->forwarder, POLL_WAIT_MS, &count, &err);
    if (status != STATUS_OK) {
        tell_failure(spill, &err);
        give_up(spill); /* nothing is under way, but the inner log may have to begin anew */
    }
    pthread_mutex_lock(&spill->mutex);
    note_moved(spill);
    choose_mode(spill, status, count);
    if (status != STATUS_OK && !spill->closing) {
        wait_for(spill, &spill->move, forward_activities_pause_ms(spill->forwarder));
    }
}

static bool has_something_to_move(const struct event_log_spill *spill)
{
    return spill->mode == SPILL_SPILLING ||
           (spill->mode == SPILL_RETURNING && !spill_is_empty(spill));
}

void *spill_run_mover(void *context)
{
    struct event_log_spill *spill = context;
    pthread_setname_np(pthread_self(), "spill-mover");
    pthread_mutex_lock(&spill->mutex);
    while (!spill->closing) {
        if (has_something_to_move(spill)) {
            move_some(spill);
        } else {
            pthread_cond_wait(&spill->move, &spill->mutex);
        }
    }
    spill->mover_ended = true;
    pthread_cond_signal(&spill->keep);
    pthread_mutex_unlock(&spill->mutex);
    return NULL;
}
