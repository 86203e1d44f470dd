#include "infrastructure/event_log_local/event_log_local.h"

#include "base/assert.h"
#include "base/thread.h"
#include "infrastructure/disk/disk_lock.h"
#include "infrastructure/event_log_local/append_queue.h"
#include "infrastructure/event_log_local/commit_writer.h"
#include "infrastructure/event_log_local/damage_report.h"
#include "infrastructure/event_log_local/local_tail.h"
#include "infrastructure/event_log_local/log_reader.h"
#include "infrastructure/event_log_local/recovery.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RETRY_MS = 250 }; /* after a commit that failed */

enum {
    GATHER_APPENDS_MIN = 4,       /* in the last commit, for the next one to wait */
    GATHER_BYTES_MAX = 64 * 1024, /* of the last commit; more pays for a sync by itself */
    GATHER_NS_EACH = 10 * 1000,   /* for each append of the last commit, ... */
    GATHER_NS_MAX = 600 * 1000    /* ... at most */
};

struct event_log_local {
    struct event_log log;
    struct event_log_local_config config;
    char *directory;
    struct disk_lock *lock;
    struct disk_file *log_id_file; /* locked as well, in case somebody removes the lock */
    struct segment_list list;
    struct append_queue queue;
    struct damage_report report;
    struct commit_writer writer; /* the committer's */
    struct log_reader reader;    /* the worker's */
    struct local_tail_source tails;
    uint32_t seed;
    int64_t covered; /* as the worker said last */
    pthread_t committer;
    bool running;

    /* The committer's; the arrays are here because they are large. */
    enum status accepting; /* as the log lines told last */
    struct append_record *records[COMMIT_APPENDS_MAX];
    struct position reached[COMMIT_APPENDS_MAX];
    struct append_result results[COMMIT_APPENDS_MAX];
    bool told[COMMIT_APPENDS_MAX];
};

static struct event_log_local *local_of(struct event_log *log)
{
    return CONTAINER_OF(log, struct event_log_local, log);
}

/* The committer ---------------------------------------------------------------------------- */

/* Calls the listener of the first record not told yet with all results of its own. */
static void tell_listener(struct event_log_local *local, size_t first, size_t count,
                          enum status status)
{
    struct append_listener *listener = local->records[first]->listener;
    size_t found = 0;
    for (size_t i = first; i < count; i++) {
        const struct append_record *record = local->records[i];
        if (record->listener != listener) {
            continue;
        }
        local->told[i] = true;
        local->results[found++] = (struct append_result){
            .ticket = record->ticket,
            .status = status,
            .durability = DURABILITY_LOCAL_DISK,
            .count = record->count,
            .log_id = local->writer.log_id,
            .reached = status == STATUS_OK ? &local->reached[i] : NULL,
            .reached_count = status == STATUS_OK,
        };
    }
    listener->completed(listener, local->results, found);
}

static void tell_all(struct event_log_local *local, size_t count, enum status status)
{
    memset(local->told, 0, count * sizeof local->told[0]);
    for (size_t i = 0; i < count; i++) {
        if (!local->told[i]) {
            tell_listener(local, i, count, status);
        }
    }
}

/* Told once, however often it is tried again. */
static void refuse(struct event_log_local *local, const struct error *err)
{
    char message[ERROR_MESSAGE_BYTES];
    if (local->accepting != err->status) {
        snprintf(message, sizeof message, "%s does not accept activities", local->config.called);
        log_error(local->config.logger, message, err);
        local->accepting = err->status;
    }
    append_queue_refuse(&local->queue, err,
                        local->writer.poisoned ? APPEND_REFUSE_FOR_GOOD : RETRY_MS);
}

static void resume(struct event_log_local *local)
{
    char message[ERROR_MESSAGE_BYTES];
    if (local->accepting != STATUS_OK) {
        snprintf(message, sizeof message, "%s accepts activities again", local->config.called);
        log_write(local->config.logger, LOG_INFO, message, LOG_NO_FIELDS);
        local->accepting = STATUS_OK;
        append_queue_resume(&local->queue);
    }
}

/* The committer tells it, so that the lines come in the order of what they tell. */
static void tell_room(struct event_log_local *local)
{
    char message[ERROR_MESSAGE_BYTES];
    bool lacks_room;
    if (!append_queue_take_news(&local->queue, &lacks_room)) {
        return;
    }
    snprintf(message, sizeof message,
             lacks_room ? "%s is full and does not accept activities"
                        : "%s has room again and accepts activities",
             local->config.called);
    log_write(local->config.logger, lacks_room ? LOG_WARNING : LOG_INFO, message,
              LOG_FIELDS(log_text("folder", str_from(local->directory)),
                         log_number("bytesMax", (int64_t)local->config.log_bytes_max)));
}

/* Nothing was appended for a while: whoever waits for the log to be well again, such as a load
 * balancer, need not send something to find out, and a log that is seldom needed tells before. */
static void look_again(struct event_log_local *local)
{
    struct error err;
    if (commit_writer_look(&local->writer, &err) == STATUS_OK) {
        resume(local);
    } else {
        refuse(local, &err);
    }
}

static enum status hold_log_id(struct event_log_local *local, struct error *err);

/* Before the first trace is written, the log says that there are some. The file's name changes
 * hands, so the new one is locked as the old one was. */
static enum status raise_format(struct event_log_local *local, size_t count, struct error *err)
{
    struct commit_writer *writer = &local->writer;
    const struct log_identity raised = {.id = writer->log_id, .format = LOG_ID_FORMAT_TRACES};
    bool has_traces = false;
    for (size_t i = 0; i < count && writer->format < LOG_ID_FORMAT_TRACES; i++) {
        has_traces = has_traces || local->records[i]->has_traces;
    }
    if (!has_traces) {
        return STATUS_OK;
    }
    enum status status = log_id_write(local->config.disk, local->directory, &raised, err);
    status = status == STATUS_OK ? hold_log_id(local, err) : status;
    if (status == STATUS_OK) {
        writer->format = LOG_ID_FORMAT_TRACES;
        return STATUS_OK;
    }
    err->status = status == STATUS_NO_SPACE ? STATUS_NO_SPACE : STATUS_UNAVAILABLE;
    return err->status;
}

/* Makes one commit of the first `count` records and tells everybody: the account and the readers
 * first, so that who hears of a result finds both in step with it. */
static void commit(struct event_log_local *local, size_t count)
{
    struct commit_writer *writer = &local->writer;
    struct error err;
    enum status status = STATUS_UNAVAILABLE;
    if (!writer->poisoned) {
        status = raise_format(local, count, &err);
        status = status == STATUS_OK
                     ? commit_writer_write(writer, local->records, count, local->reached, &err)
                     : status;
        if (status != STATUS_OK) {
            refuse(local, &err);
        }
    }
    bool written = status == STATUS_OK;
    append_queue_settle(&local->queue, local->records, count, written ? writer->commit_bytes : 0);
    if (written) {
        resume(local);
        segment_list_grow(&local->list, writer->active.used, writer->next_offset);
    }
    tell_all(local, count, status);
    append_queue_recycle(&local->queue, local->records, count);
}

/* Where many append, whoever comes first after a sync would be synced with few others, and each
 * sync costs as much CPU as a dozen requests. So behind a commit of several appends the committer
 * lets more come, the longer the more there were; a client that is alone, or few with large
 * batches, never wait for it (docs/decisions/0008). */
static void gather(const struct event_log_local *local, size_t last_count)
{
    if (last_count < GATHER_APPENDS_MIN || local->writer.commit_bytes > GATHER_BYTES_MAX) {
        return;
    }
    size_t most = GATHER_NS_MAX / GATHER_NS_EACH;
    long wait_ns = (long)(last_count < most ? last_count : most) * GATHER_NS_EACH;
    clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){.tv_nsec = wait_ns}, NULL);
}

static void work_ahead(struct event_log_local *local)
{
    struct error err;
    if (!local->writer.poisoned && append_queue_is_empty(&local->queue) &&
        commit_writer_work_ahead(&local->writer, &err) != STATUS_OK) {
        refuse(local, &err);
    }
}

static void *run_committer(void *context)
{
    struct event_log_local *local = context;
    size_t bytes_max = local->config.segment_bytes < COMMIT_BYTES_MAX
                           ? (size_t)local->config.segment_bytes
                           : COMMIT_BYTES_MAX;
    size_t last_count = 0;
    pthread_setname_np(pthread_self(), "committer");
    for (;;) {
        size_t count;
        gather(local, last_count);
        enum append_wake wake =
            append_queue_take(&local->queue, COMMIT_APPENDS_MAX, bytes_max, local->records, &count);
        tell_room(local);
        if (wake == APPEND_WAKE_STOP) {
            return NULL;
        }
        if (wake == APPEND_WAKE_LOOK) {
            look_again(local);
        }
        if (wake == APPEND_WAKE_COMMIT) {
            last_count = count;
            commit(local, count);
            work_ahead(local);
        }
    }
}

static enum status start_committer(struct event_log_local *local, struct error *err)
{
    int result = thread_start(&local->committer, run_committer, local);
    if (result != 0) {
        return error_set(err, STATUS_UNAVAILABLE, result, "cannot start the event log's thread");
    }
    local->running = true;
    return STATUS_OK;
}

/* The port --------------------------------------------------------------------------------- */

static enum status local_append(struct event_log *log, const struct activity *activities,
                                size_t count, struct append_listener *listener,
                                struct append_ticket ticket)
{
    struct event_log_local *local = local_of(log);
    size_t length = 0;
    for (size_t i = 0; i < count; i++) {
        size_t frame = frame_length(&activities[i]);
        if (frame == 0) {
            return STATUS_TOO_LARGE;
        }
        length += frame;
    }
    struct append_record *record = NULL;
    enum status status = append_queue_reserve(&local->queue, length, &record);
    if (status != STATUS_OK) {
        return status;
    }
    record->listener = listener;
    record->ticket = ticket;
    record->count = (uint32_t)count;
    record->has_traces = false;
    uint8_t *at = record->frames;
    for (size_t i = 0; i < count; i++) {
        record->has_traces = record->has_traces || activities[i].trace.len > 0;
        at = frame_encode(at, frame_length(&activities[i]), &activities[i], local->seed);
    }
    append_queue_push(&local->queue, record);
    return STATUS_OK;
}

static enum status local_poll(struct event_log *log, size_t rows_max, unsigned wait_ms,
                              struct activity_batch *out_batch, struct error *err)
{
    return log_reader_poll(&local_of(log)->reader, rows_max, wait_ms, out_batch, err);
}

static enum status local_seek(struct event_log *log, const struct position_set *positions,
                              struct error *err)
{
    struct event_log_local *local = local_of(log);
    int64_t end = segment_list_end_offset(&local->list);
    bool named = false;
    for (size_t i = 0; i < positions->count; i++) {
        const struct position *position = &positions->items[i];
        if (position->offset > (position->partition == 0 ? end : 0)) {
            return error_set(err, STATUS_CORRUPT, 0,
                             "the store holds activities up to offset %lld of partition %d, but "
                             "this event log ends at %lld: it was made anew or cut",
                             (long long)position->offset, (int)position->partition,
                             position->partition == 0 ? (long long)end : 0LL);
        }
        named = named || position->partition == 0;
    }
    if (named) {
        log_reader_seek(&local->reader, position_set_get(positions, 0));
    }
    return STATUS_OK;
}

static enum status remove_segment(struct event_log_local *local, const struct segment *segment,
                                  struct error *err)
{
    char path[DISK_PATH_BYTES_MAX];
    enum status status = segment_path(local->directory, segment->ordinal, path, err);
    if (status == STATUS_OK) {
        status = disk_remove(local->config.disk, path, err);
    }
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        return status;
    }
    segment_list_drop_first(&local->list);
    append_queue_release(&local->queue, segment->used);
    /* One by one, so that a crash never leaves a hole between two of them. */
    return disk_sync_directory(local->config.disk, local->directory, err);
}

static enum status remove_covered(struct event_log_local *local, struct error *err)
{
    struct segment segment;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && segment_list_covered(&local->list, local->covered, &segment)) {
        status = remove_segment(local, &segment, err);
    }
    return status;
}

static enum status local_commit(struct event_log *log, const struct position_set *positions,
                                struct error *err)
{
    struct event_log_local *local = local_of(log);
    local->covered = position_set_get(positions, 0);
    enum status status = remove_covered(local, err);
    if (status != STATUS_OK) {
        return status;
    }
    struct segment_view first;
    if (segment_list_at_or_behind(&local->list, 0, &first)) {
        log_reader_leave_removed(&local->reader, &first.segment);
    }
    return STATUS_OK;
}

static enum status local_end_position(struct event_log *log, struct position_set *out_positions)
{
    struct position end = {.offset = segment_list_end_offset(&local_of(log)->list)};
    return position_set_raise(out_positions, end);
}

static void local_describe(struct event_log *log, struct event_log_state *out_state)
{
    struct event_log_local *local = local_of(log);
    out_state->kind = "local";
    out_state->log_id = local->writer.log_id;
    out_state->durability = DURABILITY_LOCAL_DISK;
    out_state->missing = atomic_load(&local->report.activities_missing);
    if (append_queue_describe(&local->queue, out_state)) {
        snprintf(out_state->reason, sizeof out_state->reason,
                 "%s holds all of its %llu bytes; it goes on when %s, or with a higher limit",
                 local->config.called, (unsigned long long)out_state->bytes_max,
                 local->config.goes_on_when);
    }
}

static void local_free(struct event_log *log)
{
    struct event_log_local *local = local_of(log);
    if (local->running) {
        append_queue_stop(&local->queue);
        pthread_join(local->committer, NULL);
        commit_writer_close(&local->writer, local->covered);
        /* What stays because of a failure is removed when the worker commits again. */
        enum status removed = remove_covered(local, NULL);
        (void)removed;
    } else {
        commit_writer_abandon(&local->writer);
    }
    log_reader_deinit(&local->reader);
    disk_file_close(local->log_id_file);
    disk_lock_release(local->lock);
    append_queue_deinit(&local->queue);
    segment_list_deinit(&local->list);
    free(local->directory);
    free(local);
}

static const struct event_log_operations local_operations = {
    .append = local_append,
    .poll = local_poll,
    .seek = local_seek,
    .commit = local_commit,
    .end_position = local_end_position,
    .describe = local_describe,
    .free = local_free,
};

/* Opening ---------------------------------------------------------------------------------- */

static enum status complete_config(const struct event_log_local_config *given,
                                   struct event_log_local_config *out_config, struct error *err)
{
    struct event_log_local_config config = *given;
    ASSERT(config.disk != NULL && config.directory != NULL && config.clock != NULL &&
           config.random != NULL && config.logger != NULL);
    if (config.log_bytes_max == 0) {
        config.log_bytes_max = EVENT_LOG_LOCAL_LOG_BYTES_DEFAULT;
    }
    if (config.log_bytes_max < EVENT_LOG_LOCAL_LOG_BYTES_MIN) {
        return error_set(err, STATUS_INVALID, 0, "the event log needs at least %d bytes",
                         EVENT_LOG_LOCAL_LOG_BYTES_MIN);
    }
    if (config.segment_bytes == 0) {
        config.segment_bytes = EVENT_LOG_LOCAL_SEGMENT_BYTES_DEFAULT;
    }
    if (config.segment_bytes > config.log_bytes_max / 4) {
        config.segment_bytes = config.log_bytes_max / 4;
    }
    if (config.queue_bytes_max == 0) {
        config.queue_bytes_max = EVENT_LOG_LOCAL_QUEUE_BYTES_DEFAULT;
    }
    if (config.queue_bytes_max > UINT32_MAX / 2) { /* a commit's length has 32 bits */
        config.queue_bytes_max = UINT32_MAX / 2;
    }
    if (config.called == NULL) {
        config.called = "the event log";
    }
    if (config.goes_on_when == NULL) {
        config.goes_on_when = "the store has made some durable";
    }
    *out_config = config;
    return STATUS_OK;
}

static void connect_parts(struct event_log_local *local)
{
    const struct event_log_local_config *config = &local->config;
    segment_list_init(&local->list);
    const struct append_queue_limits limits = {.queue_bytes_max = config->queue_bytes_max,
                                               .held_bytes_max = config->log_bytes_max,
                                               .look_every_ms = config->look_every_ms};
    append_queue_init(&local->queue, config->clock, &limits);
    local->report.disk = config->disk;
    local->report.directory = local->directory;
    local->report.logger = config->logger;
    local->writer.disk = config->disk;
    local->writer.directory = local->directory;
    local->writer.clock = config->clock;
    local->writer.logger = config->logger;
    local->writer.list = &local->list;
    local->writer.segment_bytes = config->segment_bytes;
    local->writer.opens_full = config->opens_full;
    local->reader.disk = config->disk;
    local->reader.directory = local->directory;
    local->reader.list = &local->list;
    local->reader.report = &local->report;
}

/* Whoever has the log holds its id, too: a lock file that looks stale may be removed by somebody,
 * and a second process would then write into the same segments. NOT_FOUND: a new log has no id yet.
 */
static enum status hold_log_id(struct event_log_local *local, struct error *err)
{
    char path[DISK_PATH_BYTES_MAX];
    CLEANUP(disk_file_close) struct disk_file *file = NULL;
    disk_file_close(TAKE(local->log_id_file));
    enum status status = disk_path(local->directory, "log-id", path, err);
    if (status == STATUS_OK) {
        status = disk_open(local->config.disk, path, DISK_READ, &file, err);
    }
    if (status == STATUS_OK) {
        status = disk_file_lock(file, err);
    }
    if (status == STATUS_BUSY) {
        return error_set(
            err, STATUS_BUSY, 0,
            "another process holds the event log in %.80s although its lock file is gone; "
            "stop it first",
            local->directory);
    }
    if (status == STATUS_OK) {
        local->log_id_file = TAKE(file);
    }
    return status;
}

/* Says so, and asks again from then on. */
static void begin_without_room(struct event_log_local *local)
{
    struct error why;
    if (local->writer.active.reserved == 0 &&
        commit_writer_look(&local->writer, &why) != STATUS_OK) {
        refuse(local, &why);
    }
}

static enum status open_log(struct event_log_local *local, struct error *err)
{
    const struct event_log_local_config *config = &local->config;
    enum status status = disk_make_durable_directory(config->disk, local->directory, err);
    if (status == STATUS_OK) {
        status = disk_lock_take(config->disk, local->directory, &local->lock, err);
    }
    if (status == STATUS_OK) {
        status = hold_log_id(local, err);
        status = status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    if (status == STATUS_OK) {
        const struct recovery recovery = {
            .disk = config->disk,
            .directory = local->directory,
            .random = config->random,
            .logger = config->logger,
            .report = &local->report,
        };
        status = recovery_run(&recovery, &local->writer, err);
    }
    if (status == STATUS_OK) { /* recovery may have made the file anew */
        status = hold_log_id(local, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    local->seed = frame_seed(local->writer.log_id);
    log_reader_init(&local->reader, local->writer.log_id);
    local->tails = (struct local_tail_source){
        .source.open = local_tail_open,
        .disk = config->disk,
        .directory = local->directory,
        .list = &local->list,
        .log_id = local->writer.log_id,
    };
    append_queue_hold(&local->queue, segment_list_bytes(&local->list));
    begin_without_room(local);
    return start_committer(local, err);
}

enum status event_log_local_new(const struct event_log_local_config *config,
                                struct event_log **out_log, struct error *err)
{
    struct event_log_local_config complete;
    enum status status = complete_config(config, &complete, err);
    if (status != STATUS_OK) {
        return status;
    }
    struct event_log_local *local = calloc(1, sizeof *local);
    char *directory = strdup(config->directory);
    if (local == NULL || directory == NULL) {
        free(local);
        free(directory);
        return error_set(err, STATUS_NO_MEMORY, 0, "no memory for the event log");
    }
    local->log.operations = &local_operations;
    local->config = complete;
    local->directory = directory;
    connect_parts(local);
    status = open_log(local, err);
    if (status != STATUS_OK) {
        local_free(&local->log);
        return status;
    }
    *out_log = &local->log;
    return STATUS_OK;
}

enum status event_log_local_write_address(struct event_log *log, struct str address,
                                          struct error *err)
{
    ASSERT(log->operations == &local_operations);
    return disk_lock_write_address(local_of(log)->lock, address, err);
}

struct log_tail_source *event_log_local_tails(struct event_log *log)
{
    ASSERT(log->operations == &local_operations);
    return &local_of(log)->tails.source;
}

void event_log_local_describe_damage(struct event_log *log,
                                     struct event_log_local_damage *out_damage)
{
    ASSERT(log->operations == &local_operations);
    struct damage_report *report = &local_of(log)->report;
    *out_damage = (struct event_log_local_damage){
        .ranges = atomic_load(&report->ranges),
        .activities_missing = atomic_load(&report->activities_missing),
        .segments_missing = atomic_load(&report->segments_missing),
        .torn_tails = atomic_load(&report->torn_tails),
        .set_aside = atomic_load(&report->set_aside),
    };
}

void event_log_local_measure(struct event_log *log, struct event_log_local_figures *out_figures)
{
    ASSERT(log->operations == &local_operations);
    struct event_log_local *local = local_of(log);
    struct append_queue_load load = append_queue_load(&local->queue);
    *out_figures = (struct event_log_local_figures){
        .commits.bounds = &histogram_bounds_disk,
        .syncs.bounds = &histogram_bounds_disk,
        .bytes_written = counter_read(&local->writer.bytes_written),
        .failures = counter_read(&local->writer.failures),
        .segments = segment_list_count(&local->list),
        .segment_bytes = segment_list_bytes(&local->list),
        .end_offset = segment_list_end_offset(&local->list),
        .queued_appends = load.appends,
        .queued_bytes = load.bytes,
    };
    histogram_sum(&local->writer.commits, &out_figures->commits);
    histogram_sum(&local->writer.syncs, &out_figures->syncs);
}
