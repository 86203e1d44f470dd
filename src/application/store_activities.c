#include "application/store_activities.h"

#include "application/store_batch.h"
#include "application/store_trace.h"
#include "base/assert.h"
#include "base/backoff.h"
#include "base/condition.h"
#include "base/timestamp.h"

#include <stdio.h>
#include <stdlib.h>

const struct store_activities_config store_activities_config_default = {
    .batch_rows_max = 4096,
    .poll_wait_ms = 100,
    .gather_rows = 512,
    .gather_ms = 3,
    .sync_log_percent = 50,
    .retry_ms_min = 50,
    .retry_ms_max = 5000,
    .expire_every_ms = 60000,
};

/* Places among WORKER_COUNTS. */
enum { COUNT_REFUSED = 3, COUNT_REDELIVERED = 5 };

struct store_activities {
    struct store_activities_config config;
    struct store_batch batch;
    struct store_trace trace;      /* of the batch */
    struct position_set committed; /* what the log was told last */
    struct position_set start_end; /* the log's end when the worker began */
    uint64_t expire_at_ms;         /* of the monotonic clock; 0: at once */
    bool replay_expired;           /* expired since it has caught up */
    bool expire_failed;            /* the last time */
    struct minute_counts minutes;

    pthread_mutex_t mutex; /* guards everything below */
    pthread_cond_t stopped;
    bool stop;
    bool hurried;                /* somebody waits for what has come meanwhile */
    struct position_set handled; /* below it, everything is in the store's answers */
    int64_t behind_since_ms;     /* what it does not have yet was received at this time or later */
    struct store_activities_state state;
};

enum status store_activities_new(const struct store_activities_config *config,
                                 struct store_activities **out_worker, struct error *err)
{
    ASSERT(config->refusals != NULL && config->clock != NULL);
    ASSERT(config->batch_rows_max >= 1 && config->batch_rows_max <= EVENT_LOG_POLL_ROWS_MAX);
    struct store_activities *worker = calloc(1, sizeof *worker);
    if (worker != NULL) {
        worker->config = *config;
    }
    if (worker == NULL || store_batch_init(&worker->batch, &worker->config) != STATUS_OK) {
        free(worker);
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for the worker");
    }
    store_trace_init(&worker->trace, config->tracer);
    position_set_init(&worker->committed);
    position_set_init(&worker->start_end);
    position_set_init(&worker->handled);
    pthread_mutex_init(&worker->mutex, NULL);
    condition_init(&worker->stopped);
    minute_counts_init(&worker->minutes, config->clock);
    worker->behind_since_ms = clock_wall_ms(config->clock);
    *out_worker = worker;
    return STATUS_OK;
}

void store_activities_free(struct store_activities *worker)
{
    if (worker == NULL) {
        return;
    }
    position_set_deinit(&worker->committed);
    position_set_deinit(&worker->start_end);
    position_set_deinit(&worker->handled);
    minute_counts_deinit(&worker->minutes);
    pthread_cond_destroy(&worker->stopped);
    pthread_mutex_destroy(&worker->mutex);
    store_batch_deinit(&worker->batch);
    free(worker);
}

static void set_condition(struct store_activities *worker, enum worker_condition condition,
                          const struct error *err)
{
    pthread_mutex_lock(&worker->mutex);
    worker->state.condition = condition;
    snprintf(worker->state.reason, sizeof worker->state.reason, "%s",
             err == NULL ? "" : err->message);
    pthread_mutex_unlock(&worker->mutex);
}

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for the worker's positions");
}

static bool reached(const struct position_set *handled, const struct position_set *goal)
{
    for (size_t i = 0; i < goal->count; i++) {
        if (position_set_get(handled, goal->items[i].partition) < goal->items[i].offset) {
            return false;
        }
    }
    return true;
}

static enum status raise_handled(struct store_activities *worker, const struct position_set *to,
                                 struct error *err)
{
    pthread_mutex_lock(&worker->mutex);
    enum status status = position_set_raise_all(&worker->handled, to);
    worker->state.caught_up =
        worker->state.caught_up || (worker->state.condition != WORKER_STARTING &&
                                    reached(&worker->handled, &worker->start_end));
    pthread_mutex_unlock(&worker->mutex);
    if (worker->config.progress != NULL) {
        worker->config.progress->raised(worker->config.progress, to);
    }
    return status == STATUS_OK ? STATUS_OK : no_memory(err);
}

static enum status go_on_behind(struct store_activities *worker, const struct position_set *durable,
                                struct error *err)
{
    enum status status = event_log_seek(worker->config.log, durable, err);
    if (status != STATUS_OK) {
        return status;
    }
    if (event_log_end_position(worker->config.log, &worker->start_end) != STATUS_OK) {
        return no_memory(err);
    }
    set_condition(worker, WORKER_RUNNING, NULL);
    return raise_handled(worker, durable, err);
}

/* Asks the store what it holds of this log and goes on there. What it holds counts as not yet told
 * to the log: a crash may have come between the store's sync and the commit, and a log that is full
 * of what is covered would otherwise stay full. */
static enum status resume(struct store_activities *worker, struct error *err)
{
    struct event_log_state log;
    event_log_describe(worker->config.log, &log);
    struct position_set durable;
    position_set_init(&durable);
    enum status status =
        activity_store_durable_positions(worker->config.store, log.log_id, &durable, err);
    if (status == STATUS_OK) {
        status = go_on_behind(worker, &durable, err);
    }
    position_set_deinit(&durable);
    return status;
}

/* How far behind --------------------------------------------------------------------------- */

static void set_behind_since(struct store_activities *worker, int64_t time_ms)
{
    pthread_mutex_lock(&worker->mutex);
    worker->behind_since_ms = time_ms;
    pthread_mutex_unlock(&worker->mutex);
}

/* The oldest row in hand is the oldest of all in its partition, and what lies behind it there came
 * later. */
static void note_oldest_polled(struct store_activities *worker)
{
    const struct activity_batch *batch = &worker->batch.polled;
    int64_t oldest_ms = INT64_MAX;
    for (size_t i = 0; i < batch->count; i++) {
        int64_t received_at_ms = batch->rows[i].activity.received_at_ms;
        oldest_ms = received_at_ms < oldest_ms ? received_at_ms : oldest_ms;
    }
    if (batch->count > 0) {
        set_behind_since(worker, oldest_ms);
    }
}

/* What the log has behind all that is handled. NO_MEMORY. */
static enum status count_pending(struct store_activities *worker, uint64_t *out_count)
{
    struct position_set end;
    position_set_init(&end);
    enum status status = event_log_end_position(worker->config.log, &end);
    if (status == STATUS_OK) {
        pthread_mutex_lock(&worker->mutex);
        *out_count = position_set_distance(&worker->handled, &end);
        pthread_mutex_unlock(&worker->mutex);
    }
    position_set_deinit(&end);
    return status;
}

static enum status note_whether_behind(struct store_activities *worker, struct error *err)
{
    int64_t now_ms = clock_wall_ms(worker->config.clock);
    uint64_t pending;
    if (count_pending(worker, &pending) != STATUS_OK) {
        return no_memory(err);
    }
    if (pending == 0) {
        set_behind_since(worker, now_ms);
    }
    return STATUS_OK;
}

static uint64_t lag_ms(const struct store_activities *worker, uint64_t pending)
{
    int64_t now_ms = clock_wall_ms(worker->config.clock);
    bool behind = pending > 0 && now_ms > worker->behind_since_ms;
    return behind ? (uint64_t)(now_ms - worker->behind_since_ms) : 0;
}

/* What comes later has a time of receipt that this process gave. */
static void note_replayed(struct store_activities *worker)
{
    const struct activity_batch *batch = &worker->batch.polled;
    for (size_t i = 0; i < batch->count; i++) {
        int64_t received_at_ms = batch->rows[i].activity.received_at_ms;
        if (received_at_ms >= worker->state.replayed_until_ms &&
            received_at_ms < TIMESTAMP_MS_MAX) {
            worker->state.replayed_until_ms = received_at_ms + 1;
        }
    }
}

/* What comes again, as after a rebalance, was counted. */
static void count_messages(struct store_activities *worker)
{
    const struct activity_batch *batch = &worker->batch.polled;
    uint64_t added[WORKER_COUNTS] = {0};
    for (size_t i = 0; i < batch->refused_count; i++) {
        bool again = position_set_covers(&worker->handled, batch->refused[i].position);
        added[again ? COUNT_REDELIVERED : COUNT_REFUSED]++;
    }
    pthread_mutex_lock(&worker->mutex);
    worker->state.refused += added[COUNT_REFUSED];
    pthread_mutex_unlock(&worker->mutex);
    minute_counts_add(&worker->minutes, added, WORKER_COUNTS);
}

static void add_minute(struct store_activities *worker, const uint64_t sums[VERDICT_COUNT])
{
    const uint64_t added[WORKER_COUNTS] = {sums[VERDICT_STORED],   sums[VERDICT_DUPLICATE],
                                           sums[VERDICT_CONFLICT], sums[VERDICT_REFUSED],
                                           sums[VERDICT_ERASED],   sums[VERDICT_REDELIVERED]};
    minute_counts_add(&worker->minutes, added, WORKER_COUNTS);
}

static void count_rows(struct store_activities *worker)
{
    const struct store_batch *stored = &worker->batch;
    uint64_t sums[VERDICT_COUNT] = {0};
    for (size_t i = 0; i < stored->polled.count; i++) {
        sums[stored->verdicts[i]]++;
    }
    pthread_mutex_lock(&worker->mutex);
    for (size_t i = 0; i < VERDICT_COUNT; i++) {
        worker->state.verdicts[i] += sums[i];
    }
    worker->state.refused += stored->refused_rows;
    if (!worker->state.caught_up) {
        note_replayed(worker);
    }
    pthread_mutex_unlock(&worker->mutex);
    add_minute(worker, sums);
}

size_t store_activities_minutes(struct store_activities *worker,
                                struct minute_sums out_sums[MINUTES_KEPT])
{
    return minute_counts_take(&worker->minutes, out_sums);
}

static enum status list_refused_rows(struct store_activities *worker, struct error *err)
{
    enum status status = store_batch_list_rows(&worker->batch, err);
    if (status != STATUS_OK) {
        return status;
    }
    store_trace_end(&worker->trace, &worker->batch.polled, worker->batch.refused_rows);
    return raise_handled(worker, worker->batch.polled.next, err);
}

/* Goes on where a failure left the batch. One without rows is put when it moves the position: the
 * store then covers what was refused. */
static enum status put(struct store_activities *worker, struct error *err)
{
    struct store_batch *batch = &worker->batch;
    enum status status = STATUS_OK;
    if (batch->stage == BATCH_POLLED) {
        status = store_batch_list_messages(batch, err);
        if (status == STATUS_OK) {
            count_messages(worker);
        }
    }
    if (status == STATUS_OK && batch->stage == BATCH_LISTED) {
        status = store_batch_put_rows(batch, !reached(&worker->handled, batch->polled.next), err);
        if (status == STATUS_OK) {
            count_rows(worker);
        }
    }
    return status == STATUS_OK ? list_refused_rows(worker, err) : status;
}

/* Tells the log what the store made durable since the last time. */
static enum status commit(struct store_activities *worker, struct error *err)
{
    struct position_set durable;
    position_set_init(&durable);
    enum status status = activity_store_durable_positions(
        worker->config.store, worker->batch.polled.log_id, &durable, err);
    if (status == STATUS_OK && !reached(&worker->committed, &durable)) {
        status = event_log_commit(worker->config.log, &durable, err);
        if (status == STATUS_OK &&
            position_set_raise_all(&worker->committed, &durable) != STATUS_OK) {
            status = no_memory(err);
        }
    }
    position_set_deinit(&durable);
    return status;
}

/* Before the log is full, the store makes durable what it has, and the log can drop that. */
static enum status relieve_log(struct store_activities *worker, struct error *err)
{
    struct event_log_state log;
    if (worker->batch.polled.count == 0) {
        return STATUS_OK;
    }
    event_log_describe(worker->config.log, &log);
    bool pressed =
        log.bytes_max > 0 && log.bytes > log.bytes_max / 100 * worker->config.sync_log_percent;
    return pressed ? activity_store_sync(worker->config.store, err) : STATUS_OK;
}

/* What a replay brings back must not stay until the next turn. */
static bool must_expire(const struct store_activities *worker, uint64_t now_ms)
{
    return now_ms >= worker->expire_at_ms || (worker->state.caught_up && !worker->replay_expired);
}

static void note_expiry(struct store_activities *worker, uint64_t expired)
{
    pthread_mutex_lock(&worker->mutex);
    worker->state.expired += expired;
    pthread_mutex_unlock(&worker->mutex);
    if (worker->expire_failed) {
        log_write(worker->config.logger, LOG_INFO, "old activities expire again", LOG_NO_FIELDS);
    }
    worker->expire_failed = false;
}

/* Old activities that stay for longer are no reason to keep new ones waiting: what may pass is told
 * once and tried again the next time. */
static enum status forgive(struct store_activities *worker, const struct error *why,
                           struct error *err)
{
    if (!store_activities_may_pass(why->status)) {
        return error_set(err, why->status, why->cause, "%s", why->message);
    }
    if (!worker->expire_failed) {
        log_error(worker->config.logger, "old activities cannot expire; the worker keeps trying",
                  why);
    }
    worker->expire_failed = true;
    return STATUS_OK;
}

/* Without a retention by age the store is told all the same: it may have a limit of its own. */
static enum status expire(struct store_activities *worker, struct error *err)
{
    const struct store_activities_config *config = &worker->config;
    if (config->expire_every_ms == 0 || !must_expire(worker, clock_monotonic_ms(config->clock))) {
        return STATUS_OK;
    }
    struct error why = {0};
    uint64_t expired = 0;
    int64_t before_ms = config->retention_days == 0
                            ? INT64_MIN
                            : clock_wall_ms(config->clock) - config->retention_days * MS_PER_DAY;
    worker->replay_expired = worker->state.caught_up;
    worker->expire_at_ms = clock_monotonic_ms(config->clock) + config->expire_every_ms;
    if (activity_store_expire(config->store, before_ms, &expired, &why) != STATUS_OK) {
        return forgive(worker, &why, err);
    }
    note_expiry(worker, expired);
    return STATUS_OK;
}

enum status store_activities_step(struct store_activities *worker, struct error *err)
{
    enum status status = STATUS_OK;
    if (worker->state.condition == WORKER_STARTING) {
        status = resume(worker, err);
    }
    if (status == STATUS_OK) {
        /* First, for it may give a full disk the room without which nothing else works. */
        status = expire(worker, err);
    }
    if (status == STATUS_OK && worker->batch.stage == BATCH_DONE) {
        status = store_batch_poll(&worker->batch, err);
        if (status == STATUS_OK) {
            note_oldest_polled(worker);
            store_trace_begin(&worker->trace, &worker->batch.polled);
        }
    }
    if (status == STATUS_OK) {
        status = put(worker, err);
        if (status != STATUS_OK) {
            store_trace_fail(&worker->trace);
        }
    }
    if (status == STATUS_OK) {
        status = note_whether_behind(worker, err);
    }
    if (status == STATUS_OK) {
        status = relieve_log(worker, err);
    }
    return status == STATUS_OK ? commit(worker, err) : status;
}

bool store_activities_may_pass(enum status status)
{
    return status == STATUS_BUSY || status == STATUS_UNAVAILABLE || status == STATUS_TIMED_OUT ||
           status == STATUS_NO_SPACE || status == STATUS_NO_MEMORY;
}

static bool must_stop(struct store_activities *worker)
{
    pthread_mutex_lock(&worker->mutex);
    bool stop = worker->stop;
    pthread_mutex_unlock(&worker->mutex);
    return stop;
}

/* Sleeps, unless told to stop. */
static void pause_for(struct store_activities *worker, unsigned ms)
{
    struct timespec deadline = condition_deadline(ms);
    pthread_mutex_lock(&worker->mutex);
    while (!worker->stop && condition_wait_until(&worker->stopped, &worker->mutex, &deadline)) {
    }
    pthread_mutex_unlock(&worker->mutex);
}

static void retry_later(struct store_activities *worker, unsigned failures, const struct error *err)
{
    if (failures == 0) {
        log_error(worker->config.logger, "the worker cannot go on and will keep trying", err);
    }
    bool starting = worker->state.condition == WORKER_STARTING;
    set_condition(worker, starting ? WORKER_STARTING : WORKER_RETRYING, err);
    pause_for(worker, backoff_ms(worker->config.random, worker->config.retry_ms_min,
                                 worker->config.retry_ms_max, failures));
}

/* Whether the log holds a batch worth its while already, as behind a small one at the end of a file
 * of the log. */
static bool has_gathered(struct store_activities *worker)
{
    uint64_t pending;
    return count_pending(worker, &pending) == STATUS_OK && pending >= worker->config.gather_rows;
}

/* As pause_for, but for somebody who waits. */
static void pause_unless_hurried(struct store_activities *worker, unsigned ms)
{
    struct timespec deadline = condition_deadline(ms);
    pthread_mutex_lock(&worker->mutex);
    while (!worker->stop && !worker->hurried &&
           condition_wait_until(&worker->stopped, &worker->mutex, &deadline)) {
    }
    worker->hurried = false;
    pthread_mutex_unlock(&worker->mutex);
}

/* While activities trickle in, a store works better with a few dozen at once than with each by
 * itself; the first one after a silence is stored at once. */
static void gather(struct store_activities *worker)
{
    size_t count = worker->batch.polled.count;
    if (count > 0 && count < worker->config.gather_rows && !has_gathered(worker)) {
        pause_unless_hurried(worker, worker->config.gather_ms);
    }
}

static void note_success(struct store_activities *worker, unsigned failures)
{
    if (failures > 0) {
        set_condition(worker, WORKER_RUNNING, NULL);
        log_write(worker->config.logger, LOG_INFO, "the worker goes on",
                  LOG_FIELDS(log_number("failedAttempts", failures)));
    }
}

/* What the store refused must be listed before its position becomes durable: then it would not come
 * again. */
static enum status finish(struct store_activities *worker, struct error *err)
{
    enum status status = STATUS_OK;
    if (worker->batch.stage == BATCH_STORED) {
        status = list_refused_rows(worker, err);
    }
    if (status == STATUS_OK) {
        status = activity_store_sync(worker->config.store, err);
    }
    if (status == STATUS_OK && worker->state.condition != WORKER_STARTING) {
        status = commit(worker, err);
    }
    set_condition(worker, status == STATUS_OK ? WORKER_STOPPED : WORKER_FAILED,
                  status == STATUS_OK ? NULL : err);
    return status;
}

enum status store_activities_run(struct store_activities *worker, struct error *err)
{
    unsigned failures = 0;
    while (!must_stop(worker)) {
        enum status status = store_activities_step(worker, err);
        if (status == STATUS_OK) {
            note_success(worker, failures);
            gather(worker);
            failures = 0;
        } else if (store_activities_may_pass(status)) {
            retry_later(worker, failures, err);
            failures++;
        } else {
            set_condition(worker, WORKER_FAILED, err);
            return status;
        }
    }
    return finish(worker, err);
}

void store_activities_stop(struct store_activities *worker)
{
    pthread_mutex_lock(&worker->mutex);
    worker->stop = true;
    pthread_cond_broadcast(&worker->stopped);
    pthread_mutex_unlock(&worker->mutex);
}

void store_activities_hurry(struct store_activities *worker)
{
    pthread_mutex_lock(&worker->mutex);
    worker->hurried = true;
    pthread_cond_broadcast(&worker->stopped);
    pthread_mutex_unlock(&worker->mutex);
}

void store_activities_describe(struct store_activities *worker,
                               struct store_activities_state *out_state)
{
    uint64_t pending = 0;
    /* Without memory for the end the pending count reads 0; everything else stays right. It is
     * counted first: what it counts no more is among the verdicts then. */
    enum status status = count_pending(worker, &pending);
    (void)status;
    pthread_mutex_lock(&worker->mutex);
    *out_state = worker->state;
    out_state->pending = pending;
    out_state->lag_ms = lag_ms(worker, pending);
    pthread_mutex_unlock(&worker->mutex);
}
