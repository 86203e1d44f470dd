/* The port's functions, opening and closing; spill_threads.c has what happens beside them. */
#include "infrastructure/event_log_spill/event_log_spill.h"

#include "application/activity_message.h"
#include "base/assert.h"
#include "base/condition.h"
#include "base/flow_rate.h"
#include "base/thread.h"
#include "infrastructure/event_log_spill/spill_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    HELD_BYTES_DEFAULT = 64 << 20,
    DRAIN_MS_DEFAULT = 10 * 1000,
    ROOM_SHARE = 4, /* a log drops whole segments, and these are a fourth of its limit at most */
    RETRY_AFTER_S_MAX = 3600
};

static struct event_log_spill *spill_of(struct event_log *log)
{
    return CONTAINER_OF(log, struct event_log_spill, log);
}

/* Appending -------------------------------------------------------------------------------- */

/* Whether the spill would take it, as far as is known at once. */
static enum status ask_spill(const struct event_log_spill *spill, const struct held_append *held)
{
    struct event_log_state state;
    event_log_describe(spill->config.spill, &state);
    if (state.bytes_max > 0 && held->bytes > state.bytes_max / 2) {
        return STATUS_TOO_LARGE;
    }
    /* A full spill is no full disk for the client, but a log that is away: 503, not 507. */
    return state.accepting == STATUS_OK ? STATUS_OK : STATUS_UNAVAILABLE;
}

/* Whether the inner log will take it when it is back: what it never takes must not get into the
 * spill. */
static enum status ask_inner(const struct event_log_spill *spill, const struct held_append *held)
{
    struct event_log_state state;
    enum status status = STATUS_OK;
    event_log_describe(spill->config.inner, &state);
    for (size_t i = 0; i < held->count && status == STATUS_OK && state.activity_bytes_max > 0;
         i++) {
        status = activity_message_check_size(&held->activities[i], state.activity_bytes_max);
    }
    return status;
}

/* Under the mutex. */
static enum status admit(const struct event_log_spill *spill, const struct held_append *held)
{
    if (held->bytes > spill->config.held_bytes_max) {
        return STATUS_TOO_LARGE;
    }
    if (held->bytes > spill->config.held_bytes_max - spill->held_bytes) {
        return STATUS_BUSY;
    }
    if (spill->mode == SPILL_DIRECT) {
        return STATUS_OK; /* it is asked by appending */
    }
    enum status status = ask_inner(spill, held);
    return status == STATUS_OK && spill->mode == SPILL_SPILLING ? ask_spill(spill, held) : status;
}

/* Takes it among those that are held; under the mutex. */
static void hold(struct event_log_spill *spill, struct held_append *held)
{
    held_list_push(&spill->held, held);
    spill->held_bytes += held->bytes;
    if (spill->mode == SPILL_DIRECT) {
        spill->in_inner++;
        atomic_fetch_add(&spill->submitting, 1);
        return;
    }
    if (spill->mode == SPILL_RETURNING && spill->waiting == NULL) {
        spill->waiting = held;
    }
    pthread_cond_signal(&spill->keep);
}

/* The inner log took nothing, and no result will follow. */
static enum status take_back(struct event_log_spill *spill, struct held_append *held,
                             enum status status)
{
    pthread_mutex_lock(&spill->mutex);
    spill->in_inner--;
    bool keep = status == STATUS_UNAVAILABLE;
    if (keep) {
        spill_fail_over(spill);
    } else {
        held_list_remove(&spill->held, held);
        spill->held_bytes -= held->bytes;
        pthread_cond_signal(&spill->keep);
    }
    pthread_mutex_unlock(&spill->mutex);
    if (keep) {
        return STATUS_OK;
    }
    free(held);
    return status;
}

static enum status spill_append(struct event_log *log, const struct activity *activities,
                                size_t count, struct append_listener *listener,
                                struct append_ticket ticket)
{
    struct event_log_spill *spill = spill_of(log);
    struct held_append *held = held_append_make(activities, count);
    if (held == NULL) {
        return STATUS_NO_MEMORY;
    }
    held->listener = listener;
    held->ticket = ticket;
    pthread_mutex_lock(&spill->mutex);
    enum status status = admit(spill, held);
    bool direct = spill->mode == SPILL_DIRECT;
    if (status == STATUS_OK) {
        hold(spill, held);
    }
    pthread_mutex_unlock(&spill->mutex);
    if (status != STATUS_OK) {
        free(held);
        return status;
    }
    if (!direct) {
        return STATUS_OK;
    }
    status = event_log_append(spill->config.inner, activities, count, &spill->inner_listener,
                              held_append_ticket(held));
    atomic_fetch_sub(&spill->submitting, 1);
    return status == STATUS_OK ? STATUS_OK : take_back(spill, held, status);
}

/* The inner log's -------------------------------------------------------------------------- */

static enum status spill_poll(struct event_log *log, size_t rows_max, unsigned wait_ms,
                              struct activity_batch *out_batch, struct error *err)
{
    return event_log_poll(spill_of(log)->config.inner, rows_max, wait_ms, out_batch, err);
}

static enum status spill_seek(struct event_log *log, const struct position_set *positions,
                              struct error *err)
{
    return event_log_seek(spill_of(log)->config.inner, positions, err);
}

static enum status spill_commit(struct event_log *log, const struct position_set *positions,
                                struct error *err)
{
    return event_log_commit(spill_of(log)->config.inner, positions, err);
}

static enum status spill_end_position(struct event_log *log, struct position_set *out_positions)
{
    return event_log_end_position(spill_of(log)->config.inner, out_positions);
}

/* How it is -------------------------------------------------------------------------------- */

/* Until the spill has dropped something, at the rate at which it is emptied now; 0: not known. */
static unsigned retry_after_s(uint64_t activities, uint64_t per_second)
{
    unsigned seconds = activities == 0 ? 0 : flow_seconds(activities / ROOM_SHARE, per_second);
    return seconds < RETRY_AFTER_S_MAX ? seconds : RETRY_AFTER_S_MAX;
}

static void describe_spill(struct event_log_spill *spill, const struct event_log_state *state,
                           bool *out_direct, struct event_log_spill_state *out_spill)
{
    pthread_mutex_lock(&spill->mutex);
    uint64_t activities = (uint64_t)(spill->spill_end - spill->moved_end);
    *out_direct = spill->mode == SPILL_DIRECT;
    *out_spill = (struct event_log_spill_state){
        .configured = true,
        .accepting = state->accepting,
        .activities = spill->spill_end > spill->moved_end ? activities : 0,
        .bytes = state->bytes,
        .bytes_max = state->bytes_max,
    };
    out_spill->retry_after_s = retry_after_s(out_spill->activities, spill->moved_per_second);
    memcpy(out_spill->reason, state->reason, sizeof out_spill->reason);
    pthread_mutex_unlock(&spill->mutex);
}

/* The inner log's state, as it is for callers: where it does not accept, the spill does. */
static void spill_describe(struct event_log *log, struct event_log_state *out_state)
{
    struct event_log_spill *spill = spill_of(log);
    struct event_log_state own;
    bool direct;
    event_log_describe(spill->config.inner, out_state);
    event_log_describe(spill->config.spill, &own);
    describe_spill(spill, &own, &direct, &out_state->spill);
    if (direct && out_state->accepting != STATUS_UNAVAILABLE) {
        return;
    }
    char why[ERROR_MESSAGE_BYTES];
    memcpy(why, out_state->reason, sizeof why);
    out_state->accepting = own.accepting;
    out_state->retry_after_s = out_state->spill.retry_after_s;
    out_state->durability = own.durability;
    if (own.accepting == STATUS_OK) {
        snprintf(out_state->reason, sizeof out_state->reason,
                 "%s cannot be reached; %llu activities wait on this machine's disk%s%.75s",
                 out_state->kind, (unsigned long long)out_state->spill.activities,
                 why[0] == '\0' ? "" : ": ", why);
    } else {
        snprintf(out_state->reason, sizeof out_state->reason,
                 "%s cannot be reached, and the spill does not accept: %.104s", out_state->kind,
                 own.reason);
    }
}

/* How far it was moved --------------------------------------------------------------------- */

void spill_keep_mark(const struct event_log_spill *spill, int64_t offset)
{
    if (spill->config.spill_dir != NULL) {
        moved_mark_keep(&spill->mark, offset);
    }
}

/* Where it was moved ------------------------------------------------------------------------ */

static enum status find_moved(struct moved_activities *moved, struct uuid log_id,
                              const struct position_set *positions,
                              struct position_set *out_positions)
{
    struct event_log_spill *spill = CONTAINER_OF(moved, struct event_log_spill, moved);
    int64_t offset = position_set_get(positions, 0);
    if (!uuid_equal(log_id, spill->spill_id)) {
        return STATUS_NOT_FOUND;
    }
    pthread_mutex_lock(&spill->mutex);
    enum status status = STATUS_BUSY;
    if (offset < spill->known_from || spill->moved_to_lost) {
        status = STATUS_UNAVAILABLE;
    } else if (offset < spill->moved_end) {
        status = position_set_raise_all(out_positions, &spill->moved_to);
    }
    pthread_mutex_unlock(&spill->mutex);
    return status;
}

struct moved_activities *event_log_spill_moved(struct event_log *log)
{
    return &spill_of(log)->moved;
}

/* Opening and closing ---------------------------------------------------------------------- */

static void tell_left(const struct event_log_spill *spill)
{
    if (spill->spill_end <= spill->moved_end) {
        return;
    }
    char command[160];
    spill_keep_mark(spill, spill->moved_end);
    snprintf(command, sizeof command, "usertrail forward %.120s", spill->config.data_dir);
    log_write(spill->config.logger, LOG_WARNING,
              "activities are left on this machine's disk; the next start moves them into the "
              "event log, or the command does",
              LOG_FIELDS(log_number("activities", spill->spill_end - spill->moved_end),
                         log_text("command", str_from(command))));
}

static void wake_all(struct event_log_spill *spill)
{
    pthread_cond_signal(&spill->keep);
    pthread_cond_signal(&spill->move);
}

/* Moves what it can; what is left then goes to the spill. */
static void drain(struct event_log_spill *spill)
{
    struct timespec deadline = condition_deadline(spill->config.drain_ms);
    pthread_mutex_lock(&spill->mutex);
    while (!spill_is_settled(spill) &&
           condition_wait_until(&spill->settled, &spill->mutex, &deadline)) {
    }
    spill->closing = true;
    if (!spill_is_settled(spill) && spill->mode != SPILL_SPILLING) {
        spill->mode = SPILL_GIVING_UP;
    }
    wake_all(spill);
    pthread_mutex_unlock(&spill->mutex);
}

static void stop_threads(struct event_log_spill *spill)
{
    if (spill->keeper_runs && spill->mover_runs) {
        drain(spill);
    }
    pthread_mutex_lock(&spill->mutex);
    spill->closing = true;
    spill->mover_ended = spill->mover_ended || !spill->mover_runs;
    wake_all(spill);
    pthread_mutex_unlock(&spill->mutex);
    if (spill->mover_runs) {
        pthread_join(spill->mover, NULL);
    }
    if (spill->keeper_runs) {
        pthread_join(spill->keeper, NULL);
    }
}

/* Without the logs. */
static void dispose(struct event_log_spill *spill)
{
    stop_threads(spill);
    forward_activities_free(spill->forwarder);
    position_set_deinit(&spill->moved_to);
    pthread_cond_destroy(&spill->settled);
    pthread_cond_destroy(&spill->move);
    pthread_cond_destroy(&spill->keep);
    pthread_mutex_destroy(&spill->mutex);
    free(spill);
}

/* The logs' threads may still be telling the last results. */
static void spill_free(struct event_log *log)
{
    struct event_log_spill *spill = spill_of(log);
    stop_threads(spill);
    tell_left(spill);
    spill->keeper_runs = false;
    spill->mover_runs = false;
    event_log_free(spill->config.inner);
    event_log_free(spill->config.spill);
    dispose(spill);
}

static const struct event_log_operations spill_operations = {
    .append = spill_append,
    .poll = spill_poll,
    .seek = spill_seek,
    .commit = spill_commit,
    .end_position = spill_end_position,
    .describe = spill_describe,
    .free = spill_free,
};

/* Where nothing waits, a full disk is no reason not to start: only a later start without Kafka
 * needs the mark, and it fails without one. It must not find one that says something else. */
static enum status keep_mark(const struct event_log_spill_config *config, int64_t waiting,
                             struct error *err)
{
    struct error why;
    enum status status = topic_mark_keep(config->disk, config->spill_dir, config->topic, &why);
    if (status == STATUS_NO_SPACE && waiting == 0) {
        status = topic_mark_remove(config->disk, config->spill_dir, err);
        if (status == STATUS_OK) {
            log_write(config->logger, LOG_WARNING,
                      "the disk has no room to note which topic this is; a start while it cannot "
                      "be reached fails until a start that reaches it could note it",
                      LOG_FIELDS(log_text("reason", str_from(why.message))));
        }
        return status;
    }
    return status == STATUS_OK ? STATUS_OK : error_set(err, status, why.cause, "%s", why.message);
}

/* Nobody may send elsewhere what was promised for one topic, unless somebody named the other one.
 */
static enum status keep_topic(const struct event_log_spill *spill, int64_t waiting,
                              struct error *err)
{
    const struct event_log_spill_config *config = &spill->config;
    struct topic_mark kept;
    if (config->topic == NULL) {
        return STATUS_OK;
    }
    bool other = topic_mark_read(config->disk, config->spill_dir, &kept) && waiting > 0 &&
                 !uuid_equal(kept.log_id, config->topic->log_id);
    if (other && uuid_equal(kept.settings, config->topic->settings)) {
        return error_set(err, STATUS_CORRUPT, 0,
                         "the topic is another one than that for which %lld activities wait in "
                         "%.40s; if they shall go to this one, usertrail forward sends them",
                         (long long)waiting, config->data_dir);
    }
    if (other) {
        log_write(config->logger, LOG_WARNING,
                  "activities wait on this machine's disk for another topic than the settings "
                  "name now; they go to this one",
                  LOG_FIELDS(log_number("activities", waiting)));
    }
    return keep_mark(config, waiting, err);
}

static enum status look_into_spill(struct event_log_spill *spill, struct error *err)
{
    struct forward_waiting waiting;
    struct event_log_state about;
    event_log_describe(spill->config.spill, &about);
    spill->spill_id = about.log_id;
    enum status status = forward_activities_look(spill->config.spill, &waiting, err);
    if (status == STATUS_OK && spill->config.spill_dir != NULL) {
        status = moved_mark_pass(&spill->mark, spill->config.spill, &waiting, err);
    }
    if (status == STATUS_OK) {
        status = keep_topic(spill, waiting.end - waiting.begin, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    spill->moved_end = waiting.begin;
    spill->known_from = waiting.begin;
    spill->spill_end = waiting.end;
    if (waiting.begin < waiting.end) {
        spill->mode = SPILL_SPILLING;
        log_write(spill->config.logger, LOG_INFO,
                  "an earlier run left activities on this machine's disk; they go into the event "
                  "log",
                  LOG_FIELDS(log_number("activities", waiting.end - waiting.begin)));
    }
    return STATUS_OK;
}

static enum status start_threads(struct event_log_spill *spill, struct error *err)
{
    int result = thread_start(&spill->keeper, spill_run_keeper, spill);
    spill->keeper_runs = result == 0;
    if (result == 0) {
        result = thread_start(&spill->mover, spill_run_mover, spill);
        spill->mover_runs = result == 0;
    }
    return result == 0 ? STATUS_OK
                       : error_set(err, STATUS_UNAVAILABLE, result,
                                   "cannot start the threads of the spill");
}

static struct event_log_spill *make(const struct event_log_spill_config *config)
{
    ASSERT(config->inner != NULL && config->spill != NULL && config->data_dir != NULL &&
           config->clock != NULL && config->random != NULL && config->logger != NULL &&
           (config->spill_dir == NULL || config->disk != NULL) &&
           (config->topic == NULL || config->spill_dir != NULL));
    struct event_log_spill *spill = calloc(1, sizeof *spill);
    if (spill == NULL) {
        return NULL;
    }
    spill->log.operations = &spill_operations;
    spill->moved.find = find_moved;
    position_set_init(&spill->moved_to);
    spill->config = *config;
    spill->config.held_bytes_max =
        config->held_bytes_max == 0 ? HELD_BYTES_DEFAULT : config->held_bytes_max;
    spill->config.drain_ms = config->drain_ms == 0 ? DRAIN_MS_DEFAULT : config->drain_ms;
    spill->inner_listener.completed = spill_hear_inner;
    spill->spill_listener.completed = spill_hear_spill;
    pthread_mutex_init(&spill->mutex, NULL);
    condition_init(&spill->keep);
    condition_init(&spill->move);
    condition_init(&spill->settled);
    return spill;
}

enum status event_log_spill_new(const struct event_log_spill_config *config,
                                struct event_log **out_log, struct error *err)
{
    struct event_log_spill *spill = make(config);
    if (spill == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "no memory for the spill");
    }
    spill->mark = moved_mark_of(config->disk, config->spill_dir, config->spill, config->logger);
    spill->set_aside = set_aside_in(config->disk, config->spill_dir, config->logger);
    const struct forward_activities_config forwarding = {
        .source = config->spill,
        .target = config->inner,
        .aside = config->spill_dir == NULL ? NULL : &spill->set_aside.aside,
        .clock = config->clock,
        .random = config->random,
        .retry_ms_min = config->retry_ms_min,
        .retry_ms_max = config->retry_ms_max,
    };
    enum status status = look_into_spill(spill, err);
    if (status == STATUS_OK) {
        status = forward_activities_new(&forwarding, &spill->forwarder, err);
    }
    if (status == STATUS_OK) {
        status = start_threads(spill, err);
    }
    if (status != STATUS_OK) {
        dispose(spill);
        return status;
    }
    *out_log = &spill->log;
    return STATUS_OK;
}
