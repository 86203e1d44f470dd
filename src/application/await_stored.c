#include "application/await_stored.h"

#include "application/receipt.h"
#include "base/assert.h"
#include "base/condition.h"

#include <pthread.h>
#include <stdlib.h>

enum { LOOK_AGAIN_MS = 200 }; /* when the store did not answer */

struct await_stored {
    struct await_stored_config config;
    struct progress_listener listener;
    struct store_activities *worker; /* NULL: in other processes only */
    pthread_t timer;
    pthread_t looker;
    bool timer_runs;
    bool looker_runs;

    pthread_mutex_t mutex; /* guards the rest */
    pthread_cond_t changed;
    bool stopping;
    struct position_set stored; /* of the log, as far as anybody told */
    struct stored_wait *oldest; /* all wait equally long, so it ends first, too */
    struct stored_wait *newest;
    size_t count;
    size_t moving; /* of them, those that wait to be moved */
};

/* The list, under the mutex ------------------------------------------------------------------ */

static void add(struct await_stored *waits, struct stored_wait *wait)
{
    wait->before = waits->newest;
    wait->behind = NULL;
    *(waits->newest == NULL ? &waits->oldest : &waits->newest->behind) = wait;
    waits->newest = wait;
    waits->count++;
    waits->moving += wait->waits_to_move ? 1 : 0;
}

static void take_out(struct await_stored *waits, struct stored_wait *wait)
{
    *(wait->before == NULL ? &waits->oldest : &wait->before->behind) = wait->behind;
    *(wait->behind == NULL ? &waits->newest : &wait->behind->before) = wait->before;
    waits->count--;
    waits->moving -= wait->waits_to_move ? 1 : 0;
}

static bool is_stored(const struct await_stored *waits, const struct stored_wait *wait)
{
    for (size_t i = 0; i < wait->positions.count; i++) {
        if (wait->waits_to_move || !position_set_covers(&waits->stored, wait->positions.items[i])) {
            return false;
        }
    }
    return true;
}

/* Without the mutex: the waits hang together by `behind`, and belong to nobody else any more. */
static void end(struct stored_wait *wait, enum status status)
{
    while (wait != NULL) {
        struct stored_wait *next = wait->behind;
        position_set_deinit(&wait->positions);
        wait->ended(wait, status);
        wait = next;
    }
}

/* What is stored ----------------------------------------------------------------------------- */

/* Without memory for a partition that is new they wait for the next time. */
static void raise_stored(struct await_stored *waits, const struct position_set *stored)
{
    struct stored_wait *done = NULL;
    pthread_mutex_lock(&waits->mutex);
    enum status status = position_set_raise_all(&waits->stored, stored);
    (void)status;
    for (struct stored_wait *wait = waits->newest; wait != NULL;) {
        struct stored_wait *before = wait->before;
        if (is_stored(waits, wait)) {
            take_out(waits, wait);
            wait->behind = done;
            done = wait;
        }
        wait = before;
    }
    pthread_mutex_unlock(&waits->mutex);
    end(done, STATUS_OK);
}

static void hear(struct progress_listener *listener, const struct position_set *handled)
{
    raise_stored(CONTAINER_OF(listener, struct await_stored, listener), handled);
}

struct progress_listener *await_stored_listener(struct await_stored *waits)
{
    return &waits->listener;
}

void await_stored_set_worker(struct await_stored *waits, struct store_activities *worker)
{
    waits->worker = worker;
}

/* What was moved ----------------------------------------------------------------------------- */

/* Puts the positions in the log in place of those of the log where it was accepted, if it is there.
 * As moved_activities.find. */
static enum status follow(const struct await_stored *waits, struct stored_wait *wait)
{
    struct moved_activities *moved = waits->config.moved;
    struct position_set reached;
    if (moved == NULL) {
        return STATUS_NOT_FOUND;
    }
    position_set_init(&reached);
    enum status status = moved->find(moved, wait->log_id, &wait->positions, &reached);
    wait->waits_to_move = status != STATUS_OK;
    if (status != STATUS_OK) {
        position_set_deinit(&reached);
        return status;
    }
    position_set_deinit(&wait->positions);
    wait->positions = reached;
    return status;
}

/* Under the mutex: those that were moved meanwhile and are stored already. */
static struct stored_wait *follow_all(struct await_stored *waits)
{
    struct stored_wait *done = NULL;
    struct stored_wait *wait = waits->moving > 0 ? waits->newest : NULL;
    while (wait != NULL) {
        struct stored_wait *before = wait->before;
        if (wait->waits_to_move && follow(waits, wait) == STATUS_OK) {
            waits->moving--;
        }
        if (is_stored(waits, wait)) {
            take_out(waits, wait);
            wait->behind = done;
            done = wait;
        }
        wait = before;
    }
    return done;
}

/* Threads ------------------------------------------------------------------------------------ */

static struct stored_wait *take_overdue(struct await_stored *waits, uint64_t now_ns)
{
    struct stored_wait *first = waits->oldest;
    struct stored_wait *last = NULL;
    while (waits->oldest != NULL && waits->oldest->deadline_ns <= now_ns) {
        last = waits->oldest;
        take_out(waits, last);
    }
    if (last == NULL) {
        return NULL;
    }
    last->behind = NULL;
    return first;
}

/* How long the oldest may still wait; nobody tells what is moved, so that is looked for. */
static unsigned left_ms(const struct await_stored *waits, uint64_t now_ns)
{
    if (waits->moving > 0) {
        return waits->config.look_ms;
    }
    uint64_t left_ns =
        waits->oldest->deadline_ns > now_ns ? waits->oldest->deadline_ns - now_ns : 0;
    return (unsigned)(left_ns / NANOSECONDS_PER_MILLISECOND) + 1;
}

static void *run_timer(void *context)
{
    struct await_stored *waits = context;
    pthread_setname_np(pthread_self(), "receipts");
    pthread_mutex_lock(&waits->mutex);
    while (!waits->stopping) {
        uint64_t now_ns = clock_monotonic_ns(waits->config.clock);
        struct stored_wait *stored = follow_all(waits);
        struct stored_wait *overdue = take_overdue(waits, now_ns);
        if (stored != NULL || overdue != NULL) {
            pthread_mutex_unlock(&waits->mutex);
            end(stored, STATUS_OK);
            end(overdue, STATUS_TIMED_OUT);
            pthread_mutex_lock(&waits->mutex);
        } else if (waits->oldest == NULL) {
            pthread_cond_wait(&waits->changed, &waits->mutex);
        } else {
            struct timespec deadline = condition_deadline(left_ms(waits, now_ns));
            condition_wait_until(&waits->changed, &waits->mutex, &deadline);
        }
    }
    pthread_mutex_unlock(&waits->mutex);
    return NULL;
}

/* Nobody is told of a store that is away: whoever waits is told that it took too long. */
static bool look(struct await_stored *waits)
{
    struct event_log_state log;
    struct position_set stored;
    event_log_describe(waits->config.log, &log);
    position_set_init(&stored);
    enum status status =
        activity_store_durable_positions(waits->config.store, log.log_id, &stored, NULL);
    if (status == STATUS_OK) {
        raise_stored(waits, &stored);
    }
    position_set_deinit(&stored);
    return status == STATUS_OK;
}

/* Until somebody waits, or the end. */
static bool wait_for_waits(struct await_stored *waits)
{
    pthread_mutex_lock(&waits->mutex);
    while (!waits->stopping && waits->oldest == NULL) {
        pthread_cond_wait(&waits->changed, &waits->mutex);
    }
    bool goes_on = !waits->stopping;
    pthread_mutex_unlock(&waits->mutex);
    return goes_on;
}

static void rest(struct await_stored *waits, unsigned ms)
{
    struct timespec deadline = condition_deadline(ms);
    pthread_mutex_lock(&waits->mutex);
    while (!waits->stopping && condition_wait_until(&waits->changed, &waits->mutex, &deadline)) {
    }
    pthread_mutex_unlock(&waits->mutex);
}

static void *run_looker(void *context)
{
    struct await_stored *waits = context;
    pthread_setname_np(pthread_self(), "receipts-look");
    while (wait_for_waits(waits)) {
        rest(waits, look(waits) ? waits->config.look_ms : LOOK_AGAIN_MS);
    }
    return NULL;
}

/* Life --------------------------------------------------------------------------------------- */

enum status await_stored_new(const struct await_stored_config *config,
                             struct await_stored **out_waits, struct error *err)
{
    ASSERT(config->log != NULL && config->clock != NULL && config->waits_max > 0);
    struct await_stored *waits = calloc(1, sizeof *waits);
    if (waits == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to wait for receipts");
    }
    waits->config = *config;
    waits->listener.raised = hear;
    position_set_init(&waits->stored);
    pthread_mutex_init(&waits->mutex, NULL);
    condition_init(&waits->changed);
    *out_waits = waits;
    return STATUS_OK;
}

void await_stored_free(struct await_stored *waits)
{
    if (waits == NULL) {
        return;
    }
    ASSERT(waits->count == 0 && !waits->timer_runs && !waits->looker_runs);
    position_set_deinit(&waits->stored);
    pthread_cond_destroy(&waits->changed);
    pthread_mutex_destroy(&waits->mutex);
    free(waits);
}

enum status await_stored_start(struct await_stored *waits, struct error *err)
{
    int failed = pthread_create(&waits->timer, NULL, run_timer, waits);
    waits->timer_runs = failed == 0;
    if (failed == 0 && waits->config.store != NULL) {
        failed = pthread_create(&waits->looker, NULL, run_looker, waits);
        waits->looker_runs = failed == 0;
    }
    return failed == 0
               ? STATUS_OK
               : error_set_system(err, failed, "the threads that wait for receipts cannot be made");
}

void await_stored_stop(struct await_stored *waits)
{
    pthread_mutex_lock(&waits->mutex);
    struct stored_wait *left = waits->oldest;
    waits->oldest = NULL;
    waits->newest = NULL;
    waits->count = 0;
    waits->moving = 0;
    waits->stopping = true;
    pthread_cond_broadcast(&waits->changed);
    pthread_mutex_unlock(&waits->mutex);
    end(left, STATUS_UNAVAILABLE);
    if (waits->timer_runs) {
        pthread_join(waits->timer, NULL);
        waits->timer_runs = false;
    }
    if (waits->looker_runs) {
        pthread_join(waits->looker, NULL);
        waits->looker_runs = false;
    }
}

/* Waiting ------------------------------------------------------------------------------------ */

/* One of another log counts if that is one from which activities are moved. */
static enum status take_for_moved(const struct await_stored *waits, struct stored_wait *wait,
                                  struct error *err)
{
    switch (follow(waits, wait)) {
    case STATUS_OK:
    case STATUS_BUSY:
        return STATUS_OK;
    case STATUS_UNAVAILABLE:
        return error_set(err, STATUS_INVALID, 0,
                         "after: what this receipt names was kept on a disk and moved on before "
                         "this server started, and nobody knows where; ask without it");
    case STATUS_NO_MEMORY:
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to wait for a receipt");
    default:
        return error_set(err, STATUS_INVALID, 0,
                         "after: this receipt is of another event log than the one that this "
                         "server stores; ask where it was given");
    }
}

static enum status read_receipt(const struct await_stored *waits, struct str receipt,
                                struct stored_wait *wait, struct error *err)
{
    struct error why;
    struct event_log_state log;
    enum status status = receipt_decode(receipt, &wait->log_id, &wait->positions, &why);
    if (status != STATUS_OK) {
        return error_set(err, status, 0, "after: %s", why.message);
    }
    event_log_describe(waits->config.log, &log);
    return uuid_equal(wait->log_id, log.log_id) ? STATUS_OK : take_for_moved(waits, wait, err);
}

static enum status admit(const struct await_stored *waits, struct error *err)
{
    if (waits->stopping) {
        return error_set(err, STATUS_UNAVAILABLE, 0,
                         "this server ends; ask another one, or again later");
    }
    return waits->count < waits->config.waits_max
               ? STATUS_OK
               : error_set(err, STATUS_BUSY, 0,
                           "more receipts are waited for than are at once; ask again later");
}

static enum status enter(struct await_stored *waits, struct stored_wait *wait, bool *out_stored,
                         struct error *err)
{
    pthread_mutex_lock(&waits->mutex);
    *out_stored = is_stored(waits, wait);
    enum status status = *out_stored ? STATUS_OK : admit(waits, err);
    if (status == STATUS_OK && !*out_stored) {
        wait->deadline_ns = clock_monotonic_ns(waits->config.clock) +
                            (uint64_t)waits->config.wait_ms * NANOSECONDS_PER_MILLISECOND;
        add(waits, wait);
        if (waits->count == 1 || wait->waits_to_move) {
            pthread_cond_broadcast(&waits->changed);
        }
    }
    pthread_mutex_unlock(&waits->mutex);
    if (status == STATUS_OK && !*out_stored && waits->worker != NULL) {
        store_activities_hurry(waits->worker);
    }
    return status;
}

enum status await_stored_begin(struct await_stored *waits, struct str receipt,
                               struct stored_wait *wait, bool *out_stored, struct error *err)
{
    bool stored = false;
    position_set_init(&wait->positions);
    wait->waits_to_move = false;
    enum status status = read_receipt(waits, receipt, wait, err);
    if (status == STATUS_OK) {
        status = enter(waits, wait, &stored, err);
    }
    /* Otherwise the wait may have ended already, and be gone. */
    if (status != STATUS_OK || stored) {
        position_set_deinit(&wait->positions);
    }
    *out_stored = stored;
    return status;
}
