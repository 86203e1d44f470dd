#include "application/forward_activities.h"

#include "base/assert.h"
#include "base/backoff.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum {
    ROWS_DEFAULT = 2000,
    BYTES_DEFAULT = 4 << 20,
    PROBE_ROWS_DEFAULT = 16,
    RETRY_MS_MIN_DEFAULT = 100,
    RETRY_MS_MAX_DEFAULT = 5000,
    RATE_WINDOW_MS = 250, /* measured over at least so long */
    WATCH_EVERY_MS = 50
};

struct forward_activities {
    struct forward_activities_config config;
    struct append_listener listener;
    struct activity *activities; /* of one append */
    struct activity_batch batch; /* polled; the rows from `at` on are not moved yet */
    size_t at;
    bool commit_waits; /* the source was not told yet */
    size_t rows_limit; /* of the next append */
    struct position_set positions;
    struct position_set reached;
    struct forward_progress progress;

    uint64_t window_began_ms; /* 0: nothing moves */
    uint64_t window_moved;

    pthread_mutex_t mutex; /* guards the rest */
    pthread_cond_t told;
    bool under_way;
    enum status result;
};

/* Nobody reads it while an append is under way. */
static void note_reached(struct forward_activities *forwarder, const struct append_result *result)
{
    size_t count = result->status == STATUS_OK ? result->reached_count : 0;
    for (size_t i = 0; i < count; i++) {
        enum status status = position_set_raise(&forwarder->reached, result->reached[i]);
        forwarder->progress.reached_lost = forwarder->progress.reached_lost || status != STATUS_OK;
    }
}

/* On the target's thread. */
static void hear(struct append_listener *listener, const struct append_result *results,
                 size_t count)
{
    struct forward_activities *forwarder =
        CONTAINER_OF(listener, struct forward_activities, listener);
    ASSERT(count == 1);
    pthread_mutex_lock(&forwarder->mutex);
    ASSERT(forwarder->under_way);
    forwarder->under_way = false;
    forwarder->result = results[0].status;
    note_reached(forwarder, &results[0]);
    pthread_cond_signal(&forwarder->told);
    pthread_mutex_unlock(&forwarder->mutex);
}

static struct forward_activities_config complete(const struct forward_activities_config *given)
{
    struct forward_activities_config config = *given;
    ASSERT(config.source != NULL && config.target != NULL && config.clock != NULL &&
           config.random != NULL);
    config.rows_max = config.rows_max == 0 ? ROWS_DEFAULT : config.rows_max;
    config.bytes_max = config.bytes_max == 0 ? BYTES_DEFAULT : config.bytes_max;
    config.probe_rows = config.probe_rows == 0 ? PROBE_ROWS_DEFAULT : config.probe_rows;
    config.retry_ms_min = config.retry_ms_min == 0 ? RETRY_MS_MIN_DEFAULT : config.retry_ms_min;
    config.retry_ms_max = config.retry_ms_max == 0 ? RETRY_MS_MAX_DEFAULT : config.retry_ms_max;
    ASSERT(config.rows_max <= EVENT_LOG_POLL_ROWS_MAX);
    return config;
}

enum status forward_activities_new(const struct forward_activities_config *config,
                                   struct forward_activities **out_forwarder, struct error *err)
{
    const struct forward_activities_config completed = complete(config);
    struct forward_activities *forwarder = calloc(1, sizeof *forwarder);
    struct activity *activities = calloc(completed.rows_max, sizeof *activities);
    if (forwarder == NULL || activities == NULL) {
        free(forwarder);
        free(activities);
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for moving activities");
    }
    forwarder->config = completed;
    forwarder->listener.completed = hear;
    forwarder->activities = activities;
    forwarder->rows_limit = completed.probe_rows; /* nobody knows how well the target is */
    position_set_init(&forwarder->positions);
    position_set_init(&forwarder->reached);
    forwarder->progress.positions = &forwarder->positions;
    forwarder->progress.reached = &forwarder->reached;
    pthread_mutex_init(&forwarder->mutex, NULL);
    pthread_cond_init(&forwarder->told, NULL);
    *out_forwarder = forwarder;
    return STATUS_OK;
}

void forward_activities_free(struct forward_activities *forwarder)
{
    if (forwarder == NULL) {
        return;
    }
    ASSERT(!forwarder->under_way);
    position_set_deinit(&forwarder->positions);
    position_set_deinit(&forwarder->reached);
    pthread_cond_destroy(&forwarder->told);
    pthread_mutex_destroy(&forwarder->mutex);
    free(forwarder->activities);
    free(forwarder);
}

struct forward_progress forward_activities_progress(const struct forward_activities *forwarder)
{
    return forwarder->progress;
}

/* One append ------------------------------------------------------------------------------- */

/* Fills the array with what comes next in the batch. */
static size_t choose(struct forward_activities *forwarder)
{
    const struct forward_activities_config *config = &forwarder->config;
    size_t most = forwarder->batch.count - forwarder->at;
    size_t count = 0;
    size_t bytes = 0;
    most = most < forwarder->rows_limit ? most : forwarder->rows_limit;
    while (count < most) {
        const struct activity *activity = &forwarder->batch.rows[forwarder->at + count].activity;
        bytes += activity_text_bytes(activity);
        if (count > 0 && bytes > config->bytes_max) {
            break;
        }
        forwarder->activities[count++] = *activity;
    }
    return count;
}

/* Appends and waits for the fate, which every target tells in the end. */
static enum status append(struct forward_activities *forwarder, size_t count)
{
    forwarder->under_way = true;
    enum status status = event_log_append(forwarder->config.target, forwarder->activities, count,
                                          &forwarder->listener, (struct append_ticket){0});
    if (status != STATUS_OK) {
        forwarder->under_way = false;
        return status;
    }
    pthread_mutex_lock(&forwarder->mutex);
    while (forwarder->under_way) {
        pthread_cond_wait(&forwarder->told, &forwarder->mutex);
    }
    status = forwarder->result;
    pthread_mutex_unlock(&forwarder->mutex);
    return status;
}

/* As append, with ever fewer at once while these are too many. */
static enum status append_what_fits(struct forward_activities *forwarder, size_t *out_count)
{
    enum status status;
    size_t count;
    do {
        count = choose(forwarder);
        status = append(forwarder, count);
        forwarder->rows_limit = count;
        if (status == STATUS_TOO_LARGE) {
            forwarder->rows_limit = count / 2;
        }
    } while (status == STATUS_TOO_LARGE && count > 1);
    *out_count = count;
    return status;
}

/* Half of the last window and half of those before. */
static void measure(struct forward_activities *forwarder, size_t count)
{
    uint64_t now_ms = clock_monotonic_ms(forwarder->config.clock);
    if (forwarder->window_began_ms == 0) {
        forwarder->window_began_ms = now_ms;
        forwarder->window_moved = 0;
        return;
    }
    uint64_t elapsed_ms = now_ms - forwarder->window_began_ms;
    forwarder->window_moved += count;
    if (elapsed_ms >= RATE_WINDOW_MS) {
        uint64_t rate = forwarder->window_moved * MILLISECONDS_PER_SECOND / elapsed_ms;
        uint64_t before = forwarder->progress.per_second;
        forwarder->progress.per_second = before == 0 ? rate : (before + rate + 1) / 2;
        forwarder->window_began_ms = now_ms;
        forwarder->window_moved = 0;
    }
}

static enum status commit(struct forward_activities *forwarder, struct error *err)
{
    enum status status = event_log_commit(forwarder->config.source, &forwarder->positions, err);
    forwarder->commit_waits = status != STATUS_OK;
    return status;
}

/* The batch is done, with rows or without. A source that cannot drop it yet is told again, with
 * the next one or when nothing is left to move. */
static enum status leave_batch(struct forward_activities *forwarder, struct error *err)
{
    if (position_set_raise_all(&forwarder->positions, forwarder->batch.next) != STATUS_OK) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for positions");
    }
    bool had_rows = forwarder->batch.count > 0;
    forwarder->batch = (struct activity_batch){0};
    forwarder->at = 0;
    if (had_rows) {
        enum status status = commit(forwarder, NULL);
        (void)status;
        return STATUS_OK;
    }
    return forwarder->commit_waits ? commit(forwarder, err) : STATUS_OK;
}

static enum status tell_failure(struct forward_activities *forwarder, enum status status,
                                struct error *err)
{
    struct event_log_state target;
    if (status == STATUS_TOO_LARGE) {
        return error_set(err, status, 0, "the event log will never take the activity %.*s",
                         STR_FORMAT(forwarder->activities[0].id));
    }
    event_log_describe(forwarder->config.target, &target);
    return error_set(err, status, 0, "the event log does not take activities (%s)%s%.110s",
                     status_name(status), target.reason[0] == '\0' ? "" : ": ", target.reason);
}

/* The first one in the array, which stands for all that the target will never take. */
static enum status set_aside(struct forward_activities *forwarder, struct error *err)
{
    struct forward_aside *aside = forwarder->config.aside;
    enum status status = aside->keep(aside, &forwarder->activities[0], err);
    if (status == STATUS_OK) {
        forwarder->progress.set_aside++;
    }
    return status;
}

static enum status move_some(struct forward_activities *forwarder, size_t *out_count,
                             struct error *err)
{
    size_t count = 0;
    enum status status = append_what_fits(forwarder, &count);
    if (status == STATUS_TOO_LARGE && forwarder->config.aside != NULL) {
        status = set_aside(forwarder, err);
        if (status != STATUS_OK) {
            return status;
        }
    } else if (status != STATUS_OK) {
        return tell_failure(forwarder, status, err);
    } else {
        forwarder->progress.moved += count;
    }
    forwarder->at += count;
    forwarder->rows_limit =
        count * 2 < forwarder->config.rows_max ? count * 2 : forwarder->config.rows_max;
    measure(forwarder, count);
    *out_count = count;
    return forwarder->at == forwarder->batch.count ? leave_batch(forwarder, err) : STATUS_OK;
}

static enum status step(struct forward_activities *forwarder, unsigned wait_ms, size_t *out_count,
                        struct error *err)
{
    if (forwarder->batch.next == NULL) {
        enum status status = event_log_poll(forwarder->config.source, forwarder->config.rows_max,
                                            wait_ms, &forwarder->batch, err);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return forwarder->at < forwarder->batch.count ? move_some(forwarder, out_count, err)
                                                  : leave_batch(forwarder, err);
}

enum status forward_activities_step(struct forward_activities *forwarder, unsigned wait_ms,
                                    size_t *out_count, struct error *err)
{
    size_t count = 0;
    enum status status = step(forwarder, wait_ms, &count, err);
    if (status != STATUS_OK || count == 0) {
        forwarder->window_began_ms = 0;
    }
    if (status != STATUS_OK) {
        forwarder->progress.failures++;
        forwarder->progress.per_second = 0;
        forwarder->rows_limit = forwarder->config.probe_rows;
        return status;
    }
    forwarder->progress.failures = 0;
    *out_count = count;
    return STATUS_OK;
}

/* What there is ---------------------------------------------------------------------------- */

static enum status find_end(struct event_log *source, int64_t *out_end, struct error *err)
{
    struct position_set end;
    position_set_init(&end);
    enum status status = event_log_end_position(source, &end);
    if (status == STATUS_OK) {
        *out_end = position_set_get(&end, 0);
    } else {
        error_set(err, status, 0, "there is no memory for positions");
    }
    position_set_deinit(&end);
    return status;
}

enum status forward_activities_look(struct event_log *source, struct forward_waiting *out_waiting,
                                    struct error *err)
{
    struct activity_batch batch = {0};
    struct forward_waiting waiting = {0};
    enum status status = find_end(source, &waiting.end, err);
    if (status == STATUS_OK) {
        status = event_log_poll(source, 1, 0, &batch, err);
    }
    waiting.begin = waiting.end;
    if (status == STATUS_OK && batch.count > 0) {
        struct position first = batch.rows[0].position;
        const struct position_set beginning = {.items = &first, .count = 1, .capacity = 1};
        waiting.begin = first.offset;
        status = event_log_seek(source, &beginning, err);
    }
    if (status == STATUS_OK) {
        *out_waiting = waiting;
    }
    return status;
}

/* Everything ------------------------------------------------------------------------------- */

unsigned forward_activities_pause_ms(struct forward_activities *forwarder)
{
    const struct forward_activities_config *config = &forwarder->config;
    unsigned failures = forwarder->progress.failures;
    return failures == 0 ? 0
                         : backoff_ms(config->random, config->retry_ms_min, config->retry_ms_max,
                                      failures - 1);
}

/* False when the watcher has enough. */
static bool pause_for(struct forward_activities *forwarder, unsigned ms,
                      struct forward_watcher *watcher, const struct error *why)
{
    uint64_t end_ms = clock_monotonic_ms(forwarder->config.clock) + ms;
    const struct timespec slice = {.tv_nsec = WATCH_EVERY_MS * (long)NANOSECONDS_PER_MILLISECOND};
    bool go_on = watcher->go_on(watcher, &forwarder->progress, why);
    while (go_on && clock_monotonic_ms(forwarder->config.clock) < end_ms) {
        nanosleep(&slice, NULL);
        go_on = watcher->go_on(watcher, &forwarder->progress, why);
    }
    return go_on;
}

enum status forward_activities_run(struct forward_activities *forwarder, uint64_t give_up_ms,
                                   struct forward_watcher *watcher, bool *out_empty,
                                   struct error *err)
{
    uint64_t moved_ms = clock_monotonic_ms(forwarder->config.clock);
    bool go_on = true;
    bool empty = false;
    while (go_on && !empty) {
        size_t count = 0;
        enum status status = forward_activities_step(forwarder, 0, &count, err);
        uint64_t now_ms = clock_monotonic_ms(forwarder->config.clock);
        if (status == STATUS_TOO_LARGE || status == STATUS_CORRUPT ||
            (status != STATUS_OK && now_ms - moved_ms >= give_up_ms)) {
            return status;
        }
        moved_ms = status == STATUS_OK ? now_ms : moved_ms;
        empty = status == STATUS_OK && count == 0;
        go_on = pause_for(forwarder, forward_activities_pause_ms(forwarder), watcher,
                          status == STATUS_OK ? NULL : err);
    }
    *out_empty = empty;
    return STATUS_OK;
}
