#include "application/replay_activities.h"

#include "application/store_activities.h"
#include "application/store_refusals.h"
#include "base/assert.h"
#include "base/backoff.h"
#include "base/timestamp.h"

#include <stdlib.h>
#include <time.h>

struct replay {
    const struct replay_activities_config *config;
    struct keep_refusals keeper;
    struct replay_figures *figures;
    struct position_set handled;  /* of each partition in `to`, how far it was read */
    struct position_set nothing;  /* what the store is told that it covers now */
    struct activity_batch batch;  /* polled, not put yet when batch_waits */
    struct logged_activity *rows; /* those of the batch that are to be stored */
    size_t row_count;
    enum verdict *verdicts;
    size_t poison; /* of the batch, listed */
    bool batch_waits;
    unsigned failures;      /* in a row */
    uint64_t progressed_ms; /* of the monotonic clock */
};

static bool is_wanted(const struct replay *replay, struct position position)
{
    return position_set_covers(replay->config->to, position);
}

static bool is_too_old(const struct replay *replay, const struct activity *activity)
{
    unsigned days = replay->config->retention_days;
    return days > 0 &&
           activity->timestamp_ms < clock_wall_ms(replay->config->clock) - days * MS_PER_DAY;
}

/* What another reader put behind the end meanwhile is not read, and what is too old not stored. */
static void choose_rows(struct replay *replay)
{
    replay->row_count = 0;
    for (size_t i = 0; i < replay->batch.count; i++) {
        const struct logged_activity *row = &replay->batch.rows[i];
        bool wanted = is_wanted(replay, row->position);
        bool old = wanted && is_too_old(replay, &row->activity);
        replay->figures->activities += wanted;
        replay->figures->too_old += old;
        if (wanted && !old) {
            replay->rows[replay->row_count++] = *row;
        }
    }
}

static enum status poll(struct replay *replay, struct error *err)
{
    enum status status = event_log_poll(replay->config->log, replay->config->batch_rows_max,
                                        REPLAY_POLL_WAIT_MS, &replay->batch, err);
    if (status == STATUS_OK) {
        choose_rows(replay);
        replay->batch_waits = true;
    }
    return status;
}

/* One that failed in its midst adds some again, which lists them once. */
static enum status list_refused(struct replay *replay, struct error *err)
{
    const struct refusal *refused = replay->batch.refused;
    size_t count = replay->batch.refused_count;
    size_t listed = 0;
    enum status status = STATUS_OK;
    for (size_t i = 0, end = 0; i < count && status == STATUS_OK; i = end + 1) {
        for (end = i; end < count && is_wanted(replay, refused[end].position);) {
            end++;
        }
        status =
            keep_refusals_add(&replay->keeper, replay->batch.log_id, refused + i, end - i, err);
        listed += end - i;
    }
    replay->poison = status == STATUS_OK ? listed : 0;
    return status;
}

static enum status put_rows(struct replay *replay, struct error *err)
{
    const struct activity_batch batch = {.log_id = replay->batch.log_id,
                                         .rows = replay->rows,
                                         .count = replay->row_count,
                                         .next = &replay->nothing};
    if (replay->row_count == 0) {
        return STATUS_OK;
    }
    struct error why = {0};
    enum status status =
        activity_store_put_batch(replay->config->store, &batch, replay->verdicts, &why);
    if (status != STATUS_OK) {
        return error_set(err, status, why.cause, "%s", why.message);
    }
    status = store_refusals_list(&replay->keeper, &batch, replay->verdicts, why.message, err);
    for (size_t i = 0; status == STATUS_OK && i < batch.count; i++) {
        replay->figures->verdicts[replay->verdicts[i]]++;
    }
    return status;
}

/* Positions of partitions that are not to be read count as read to their end. */
static enum status note_handled(struct replay *replay, struct error *err)
{
    enum status status = position_set_raise_all(&replay->handled, replay->batch.next);
    if (status != STATUS_OK) {
        return error_set(err, status, 0, "there is no memory for the positions of the replay");
    }
    replay->batch_waits = false;
    replay->figures->poison += replay->poison;
    uint64_t done =
        replay->figures->total - position_set_distance(&replay->handled, replay->config->to);
    if (done != replay->figures->done || replay->batch.count > 0) {
        replay->progressed_ms = clock_monotonic_ms(replay->config->clock);
        replay->figures->done = done;
        replay->config->listener->progressed(replay->config->listener, replay->figures);
    }
    return STATUS_OK;
}

static enum status step(struct replay *replay, struct error *err)
{
    enum status status = replay->batch_waits ? STATUS_OK : poll(replay, err);
    status = status == STATUS_OK ? list_refused(replay, err) : status;
    status = status == STATUS_OK ? put_rows(replay, err) : status;
    return status == STATUS_OK ? note_handled(replay, err) : status;
}

static bool is_patient(const struct replay *replay)
{
    return clock_monotonic_ms(replay->config->clock) - replay->progressed_ms <
           replay->config->give_up_ms;
}

static void pause_before_retry(struct replay *replay)
{
    unsigned ms = backoff_ms(replay->config->random, REPLAY_RETRY_MS_MIN, REPLAY_RETRY_MS_MAX,
                             replay->failures++);
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&pause, NULL);
}

/* What was not read and not failed either: the log hands nothing out. */
static enum status give_up(const struct replay *replay, struct error *err)
{
    return error_set(
        err, STATUS_TIMED_OUT, 0,
        "the event log handed nothing out for %u s, %llu positions before the end",
        replay->config->give_up_ms / 1000,
        (unsigned long long)position_set_distance(&replay->handled, replay->config->to));
}

static enum status read_to_the_end(struct replay *replay, enum replay_end *out_end,
                                   struct error *err)
{
    struct replay_listener *listener = replay->config->listener;
    while (position_set_distance(&replay->handled, replay->config->to) > 0) {
        if (listener->stopped(listener)) {
            *out_end = REPLAY_STOPPED;
            return STATUS_OK;
        }
        enum status status = step(replay, err);
        if (status != STATUS_OK && (!store_activities_may_pass(status) || !is_patient(replay))) {
            return status;
        }
        if (status != STATUS_OK) {
            pause_before_retry(replay);
        } else if (!is_patient(replay)) {
            return give_up(replay, err);
        } else {
            replay->failures = 0;
        }
    }
    *out_end = REPLAY_DONE;
    return activity_store_sync(replay->config->store, err);
}

static enum status begin(struct replay *replay, struct error *err)
{
    const struct replay_activities_config *config = replay->config;
    replay->rows = calloc(config->batch_rows_max, sizeof *replay->rows);
    replay->verdicts = calloc(config->batch_rows_max, sizeof *replay->verdicts);
    if (replay->rows == NULL || replay->verdicts == NULL ||
        position_set_raise_all(&replay->handled, config->from) != STATUS_OK) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for a replay");
    }
    *replay->figures =
        (struct replay_figures){.total = position_set_distance(config->from, config->to)};
    replay->progressed_ms = clock_monotonic_ms(config->clock);
    return event_log_seek(config->log, config->from, err);
}

enum status replay_activities_run(const struct replay_activities_config *config,
                                  struct replay_figures *out_figures, enum replay_end *out_end,
                                  struct error *err)
{
    ASSERT(config->batch_rows_max >= 1 && config->batch_rows_max <= EVENT_LOG_POLL_ROWS_MAX);
    struct replay replay = {
        .config = config,
        .figures = out_figures,
        .keeper = {.list = config->refusals, .erasures = config->erasures, .clock = config->clock},
    };
    position_set_init(&replay.handled);
    position_set_init(&replay.nothing);
    enum status status = begin(&replay, err);
    status = status == STATUS_OK ? read_to_the_end(&replay, out_end, err) : status;
    position_set_deinit(&replay.nothing);
    position_set_deinit(&replay.handled);
    free(replay.rows);
    free(replay.verdicts);
    return status;
}
