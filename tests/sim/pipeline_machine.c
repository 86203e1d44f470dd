#include "pipeline_machine.h"

#include "base/assert.h"
#include "infrastructure/activity_store_local/activity_store_local.h"
#include "infrastructure/refusal_list_local/refusal_list_local.h"
#include "support/durable_store_double.h"
#include "support/thread_state.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    SEGMENT_BYTES = 4096,
    LOG_BYTES_MAX = 64 * 1024,
    LIST_BYTES_MAX = 1024 * 1024, /* for all of it, and in several files */
    QUEUE_BYTES_MAX = 32 * 1024,
    BATCH_ROWS_MAX = 7,
    STORE_HEAD_ROWS_SMALL = 16,  /* many parts, often merged */
    STORE_HEAD_ROWS_LARGE = 200, /* much that only the log has */
    STORE_MERGE_PARTS = 3,
    CATCH_UP_STEPS_MAX = 2000,
    SEGMENTS_WHEN_DRAINED = 3 /* the one with the last commits, the active one, one ahead */
};

PRINTF_LIKE(2, 3)
static void complain(struct pipeline *pipeline, const char *format, ...)
{
    if (pipeline->trouble[0] != '\0') {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(pipeline->trouble, sizeof pipeline->trouble, format, arguments);
    va_end(arguments);
}

static bool is_in_trouble(struct pipeline *pipeline)
{
    if (pipeline->ports.trouble[0] != '\0') {
        complain(pipeline, "%s", pipeline->ports.trouble);
    }
    return pipeline->trouble[0] != '\0';
}

static uint64_t below(struct pipeline *pipeline, uint64_t bound)
{
    return random_below(&pipeline->random, bound);
}

/* Read by the log's thread, too. */
static uint64_t pipeline_now(void *context)
{
    const struct pipeline *pipeline = context;
    return __atomic_load_n(&pipeline->now_ns, __ATOMIC_RELAXED);
}

static void pass_time(struct pipeline *pipeline, uint64_t ns)
{
    __atomic_fetch_add(&pipeline->now_ns, ns, __ATOMIC_RELAXED);
}

bool pipeline_is_dark(struct pipeline *pipeline)
{
    return pipeline->cut_at != 0 && disk_simulated_count(pipeline->disk) >= pipeline->cut_at;
}

/* --- the log's thread: hearing of it, and waiting until it has nothing to do --- */

static void hear(struct append_listener *listener, const struct append_result *results,
                 size_t count)
{
    struct pipeline *pipeline = CONTAINER_OF(listener, struct pipeline, listener);
    pthread_mutex_lock(&pipeline->mutex);
    pipeline->log_thread = thread_number();
    for (size_t i = 0; i < count; i++) {
        struct post *post = &pipeline->posts[results[i].ticket.slot];
        post->status = results[i].status;
        post->reached = results[i].status == STATUS_OK ? results[i].reached[0].offset : -1;
        pipeline->posts_open--;
    }
    pthread_cond_signal(&pipeline->answered);
    pthread_mutex_unlock(&pipeline->mutex);
}

/* --- clients --- */

/* New activities, or those of an earlier request that was not acknowledged, sent again as they
 * were. */
static void fill_post(struct pipeline *pipeline, struct post *post)
{
    struct ledger *ledger = &pipeline->ledger;
    post->count = 0;
    if (ledger->count > 0 && below(pipeline, 4) == 0) {
        struct ledger_entry *entry = &ledger->entries[below(pipeline, ledger->count)];
        if (!entry->acknowledged || below(pipeline, 4) == 0) {
            post->entries[post->count++] = entry;
        }
    }
    size_t wanted = 1 + (size_t)below(pipeline, POST_ACTIVITIES_MAX);
    while (post->count == 0 || (post->count < wanted && post->entries[0]->posts == 0)) {
        pass_time(pipeline, below(pipeline, 2) * 700000);
        post->entries[post->count++] = ledger_add(ledger, &pipeline->recorder, &pipeline->random);
    }
}

static void send_post(struct pipeline *pipeline, uint32_t slot)
{
    struct post *post = &pipeline->posts[slot];
    struct activity activities[POST_ACTIVITIES_MAX];
    fill_post(pipeline, post);
    for (size_t i = 0; i < post->count; i++) {
        activities[i] = post->entries[i]->activity;
        post->entries[i]->posts++;
    }
    pthread_mutex_lock(&pipeline->mutex);
    pipeline->posts_open++;
    pthread_mutex_unlock(&pipeline->mutex);
    enum status status =
        event_log_append(pipeline->log, activities, post->count, &pipeline->listener,
                         (struct append_ticket){.slot = slot});
    if (status != STATUS_OK) {
        pthread_mutex_lock(&pipeline->mutex);
        post->status = status;
        pipeline->posts_open--;
        pthread_mutex_unlock(&pipeline->mutex);
    }
}

static void wait_for_answers(struct pipeline *pipeline)
{
    pthread_mutex_lock(&pipeline->mutex);
    while (pipeline->posts_open > 0) {
        pthread_cond_wait(&pipeline->answered, &pipeline->mutex);
    }
    pthread_mutex_unlock(&pipeline->mutex);
    if (pipeline->log_thread != 0) {
        /* After its answers it may still work ahead. */
        thread_wait_until_asleep(pipeline->log_thread);
    }
}

static void take_answer(struct pipeline *pipeline, const struct post *post)
{
    if (post->status == STATUS_OK) {
        for (size_t i = 0; i < post->count; i++) {
            post->entries[i]->acknowledged = true;
        }
        if (post->reached + 1 > pipeline->acknowledged_end) {
            pipeline->acknowledged_end = post->reached + 1;
        }
    } else if (post->status != STATUS_UNAVAILABLE && post->status != STATUS_NO_SPACE &&
               post->status != STATUS_BUSY) {
        complain(pipeline, "a post was answered %s", status_name(post->status));
    }
}

static bool can_post(struct pipeline *pipeline, size_t posts)
{
    return !is_in_trouble(pipeline) &&
           pipeline->ledger.count + posts * POST_ACTIVITIES_MAX <= LEDGER_ENTRIES_MAX;
}

void pipeline_post(struct pipeline *pipeline)
{
    if (can_post(pipeline, 1)) {
        send_post(pipeline, 0);
        wait_for_answers(pipeline);
        take_answer(pipeline, &pipeline->posts[0]);
    }
}

/* The first one is held in its sync; the others wait for it and then share a commit. */
void pipeline_post_group(struct pipeline *pipeline)
{
    if (!can_post(pipeline, POSTS_AT_ONCE_MAX) || pipeline->log_thread == 0) {
        return;
    }
    disk_simulated_hold_syncs(pipeline->disk, true);
    for (uint32_t i = 0; i < POSTS_AT_ONCE_MAX; i++) {
        send_post(pipeline, i);
        if (i == 0) {
            /* After its answers it may still work ahead. */
            thread_wait_until_asleep(pipeline->log_thread);
        }
    }
    if (below(pipeline, 8) == 0) {
        disk_simulated_cut_power(pipeline->disk);
        pipeline->cut_at = 1;
    }
    disk_simulated_hold_syncs(pipeline->disk, false);
    wait_for_answers(pipeline);
    for (size_t i = 0; i < POSTS_AT_ONCE_MAX; i++) {
        take_answer(pipeline, &pipeline->posts[i]);
    }
}

/* --- worker and store --- */

static enum status turn(struct pipeline *pipeline)
{
    struct error err;
    pass_time(pipeline, below(pipeline, 3) * 1000000);
    enum status status = store_activities_step(pipeline->worker, &err);
    if (status == STATUS_CORRUPT || status == STATUS_INVALID) {
        complain(pipeline, "the worker stopped: %s", err.message);
    }
    return status;
}

void pipeline_step(struct pipeline *pipeline)
{
    if (!is_in_trouble(pipeline)) {
        (void)!turn(pipeline);
    }
}

void pipeline_sync(struct pipeline *pipeline)
{
    if (!is_in_trouble(pipeline)) {
        (void)!activity_store_sync(&pipeline->ports.store, NULL);
    }
}

void pipeline_fail_store(struct pipeline *pipeline)
{
    pipeline->ports.failures = 1 + (unsigned)below(pipeline, 4);
}

void pipeline_fail_disk(struct pipeline *pipeline)
{
    disk_simulated_fail_at(pipeline->disk, 1 + below(pipeline, 12),
                           below(pipeline, 3) == 0 ? ENOSPC : EIO, false);
}

void pipeline_cut_power_soon(struct pipeline *pipeline)
{
    uint64_t nth = 1 + below(pipeline, 24);
    pipeline->cut_at = disk_simulated_count(pipeline->disk) + nth;
    disk_simulated_cut_power_at(pipeline->disk, nth);
}

/* --- the end of a process and the start of the next --- */

static void heal(struct pipeline *pipeline)
{
    if (pipeline_is_dark(pipeline)) {
        disk_simulated_power_on(pipeline->disk);
    }
    disk_simulated_fail_at(pipeline->disk, 0, 0, false);
    disk_simulated_cut_power_at(pipeline->disk, 0);
    pipeline->cut_at = 0;
    pipeline->ports.failures = 0;
}

static void end_process(struct pipeline *pipeline, enum restart_kind kind)
{
    if (kind == RESTART_CLEAN) {
        store_activities_stop(pipeline->worker);
        (void)!store_activities_run(pipeline->worker, NULL);
    } else if (kind == RESTART_KILL) {
        disk_simulated_fail_at(pipeline->disk, 1, EIO, true);
    } else {
        disk_simulated_cut_power(pipeline->disk);
        pipeline->cut_at = 1;
    }
    store_activities_free(TAKE(pipeline->worker));
    event_log_free(TAKE(pipeline->log));
    refusal_list_free(TAKE(pipeline->refusals));
    pipeline->log_thread = 0;
    if (pipeline->options.store == PIPELINE_STORE_LOCAL) {
        activity_store_free(TAKE(pipeline->store));
    } else {
        pipeline->store = durable_store_double_crash(pipeline->store);
    }
    heal(pipeline);
}

static enum status open_log(struct pipeline *pipeline, struct error *err)
{
    return event_log_local_new(
        &(struct event_log_local_config){
            .disk = pipeline->disk,
            .directory = "log",
            .segment_bytes = SEGMENT_BYTES,
            .log_bytes_max = LOG_BYTES_MAX,
            .queue_bytes_max = QUEUE_BYTES_MAX,
            .clock = &pipeline->clock,
            .random = &pipeline->random,
            .logger = &pipeline->logger,
        },
        &pipeline->log, err);
}

/* A double is there all the time. */
static enum status open_store(struct pipeline *pipeline, struct error *err)
{
    if (pipeline->options.store != PIPELINE_STORE_LOCAL) {
        return STATUS_OK;
    }
    return activity_store_local_new(
        &(struct activity_store_local_config){
            .disk = pipeline->disk,
            .directory = "store",
            .clock = &pipeline->clock,
            .random = &pipeline->random,
            .logger = &pipeline->logger,
            .head_rows =
                pipeline->options.seed % 2 == 0 ? STORE_HEAD_ROWS_SMALL : STORE_HEAD_ROWS_LARGE,
            .merge_parts = STORE_MERGE_PARTS,
        },
        &pipeline->store, err);
}

static enum status open_list(struct pipeline *pipeline, struct error *err)
{
    return refusal_list_local_new(
        &(struct refusal_list_local_config){
            .disk = pipeline->disk,
            .directory = "refused",
            .bytes_max = LIST_BYTES_MAX,
            .clock = &pipeline->clock,
            .logger = &pipeline->logger,
        },
        &pipeline->refusals, err);
}

static enum status open_all(struct pipeline *pipeline, struct error *err)
{
    enum status status = open_log(pipeline, err);
    if (status == STATUS_OK) {
        status = open_list(pipeline, err);
    }
    if (status == STATUS_OK) {
        status = open_store(pipeline, err);
    }
    if (status != STATUS_OK) {
        event_log_free(TAKE(pipeline->log));
        refusal_list_free(TAKE(pipeline->refusals));
    }
    return status;
}

/* Sometimes the power or the disk fails while all is opened; on a sound machine it opens. */
static bool open_after_faults(struct pipeline *pipeline)
{
    struct error err = {0};
    for (unsigned faults = (unsigned)below(pipeline, 3);; faults--) {
        if (faults > 0 && below(pipeline, 2) == 0) {
            pipeline_cut_power_soon(pipeline);
        } else if (faults > 0) {
            pipeline_fail_disk(pipeline);
        }
        if (open_all(pipeline, &err) == STATUS_OK) {
            return true;
        }
        if (faults == 0) {
            complain(pipeline, "log, list or store does not open: %s", err.message);
            return false;
        }
        heal(pipeline);
    }
}

static void begin_process(struct pipeline *pipeline)
{
    if (!open_after_faults(pipeline)) {
        return;
    }
    struct position_set end;
    position_set_init(&end);
    enum status status = event_log_end_position(pipeline->log, &end);
    ASSERT(status == STATUS_OK);
    if (position_set_get(&end, 0) < pipeline->acknowledged_end) {
        complain(pipeline, "the log ends at %lld, a client was told %lld",
                 (long long)position_set_get(&end, 0), (long long)pipeline->acknowledged_end);
    }
    position_set_deinit(&end);
    pipeline->recorder.log = pipeline->log;
    watched_ports_begin(&pipeline->ports, pipeline->log, pipeline->store);
    struct store_activities_config config = {
        .log = &pipeline->ports.log,
        .store = &pipeline->ports.store,
        .refusals = pipeline->refusals,
        .random = &pipeline->random,
        .logger = &pipeline->logger,
        .clock = &pipeline->clock,
        .batch_rows_max = BATCH_ROWS_MAX,
        .retry_ms_min = 1,
        .retry_ms_max = 1,
    };
    status = store_activities_new(&config, &pipeline->worker, NULL);
    ASSERT(status == STATUS_OK);
}

void pipeline_restart(struct pipeline *pipeline, enum restart_kind kind)
{
    if (!is_in_trouble(pipeline)) {
        end_process(pipeline, kind);
        begin_process(pipeline);
    }
}

void pipeline_init(struct pipeline *pipeline, const struct pipeline_options *options)
{
    *pipeline = (struct pipeline){.options = *options, .listener.completed = hear};
    pipeline->random = random_from_seed(&pipeline->seeded, options->seed);
    pipeline->now_ns = UINT64_C(1700000000000000000);
    pipeline->clock = (struct clock){pipeline_now, pipeline_now, pipeline};
    pipeline->logger =
        (struct logger){.clock = &pipeline->clock, .descriptor = -1, .level = LOG_ERROR};
    pthread_mutex_init(&pipeline->mutex, NULL);
    pthread_cond_init(&pipeline->answered, NULL);
    ledger_init(&pipeline->ledger);
    pipeline->ports.ledger = &pipeline->ledger;
    pipeline->ports.random = &pipeline->random;
    pipeline->disk = disk_simulated_new(&(struct disk_simulated_options){
        .seed = options->seed,
        .lying_fsync = options->lying_fsync,
        .short_writes = options->seed % 4 == 0,
    });
    if (options->store != PIPELINE_STORE_LOCAL) {
        bool at_put = options->store == PIPELINE_STORE_AT_PUT;
        pipeline->store = durable_store_double_new(at_put ? DURABLE_AT_PUT : DURABLE_AT_SYNC);
    }
    record_activities_init(&pipeline->recorder, NULL, &pipeline->clock, &pipeline->random);
    begin_process(pipeline);
}

void pipeline_deinit(struct pipeline *pipeline)
{
    store_activities_free(pipeline->worker);
    event_log_free(pipeline->log);
    refusal_list_free(pipeline->refusals);
    activity_store_free(pipeline->store);
    disk_simulated_free(pipeline->disk);
    ledger_deinit(&pipeline->ledger);
    pthread_cond_destroy(&pipeline->answered);
    pthread_mutex_destroy(&pipeline->mutex);
}

/* --- judging --- */

static void catch_up(struct pipeline *pipeline)
{
    struct store_activities_state state = {0};
    for (int i = 0; i < CATCH_UP_STEPS_MAX && !is_in_trouble(pipeline); i++) {
        enum status status = turn(pipeline);
        if (status != STATUS_OK) {
            complain(pipeline, "on a sound machine the worker says %s", status_name(status));
        }
        store_activities_describe(pipeline->worker, &state);
        if (state.caught_up && state.pending == 0) {
            return;
        }
    }
    complain(pipeline, "the worker does not catch up: %llu pending",
             (unsigned long long)state.pending);
}

void pipeline_check(struct pipeline *pipeline)
{
    if (is_in_trouble(pipeline)) {
        return;
    }
    if (pipeline_is_dark(pipeline)) {
        pipeline_restart(pipeline, RESTART_POWER);
    } else if (pipeline->options.store == PIPELINE_STORE_LOCAL) {
        /* It accepts nothing more after a failed sync of its manifest. */
        pipeline_restart(pipeline, RESTART_KILL);
    }
    heal(pipeline);
    catch_up(pipeline);
    char trouble[LEDGER_TROUBLE_BYTES];
    if (!is_in_trouble(pipeline) &&
        !ledger_holds(&pipeline->ledger, pipeline->store, pipeline->refusals, trouble)) {
        complain(pipeline, "%s", trouble);
    }
}

static void count_segment(void *context, const char *name)
{
    *(size_t *)context += strncmp(name, "lock", 4) != 0 && strcmp(name, "set-aside") != 0;
}

void pipeline_check_drained(struct pipeline *pipeline)
{
    pipeline_check(pipeline);
    pipeline_sync(pipeline);
    pipeline_step(pipeline);
    if (is_in_trouble(pipeline)) {
        return;
    }
    size_t segments = 0;
    enum status status = disk_list(pipeline->disk, "log", count_segment, &segments, NULL);
    ASSERT(status == STATUS_OK);
    if (segments > SEGMENTS_WHEN_DRAINED) {
        complain(pipeline, "%zu segments are left of a log that is covered", segments);
    }
    pass_time(pipeline, UINT64_C(10000000000));
    pipeline_post(pipeline);
    if (pipeline->posts[0].status != STATUS_OK) {
        complain(pipeline, "a drained log does not accept: %s",
                 status_name(pipeline->posts[0].status));
    }
}
