#include "infrastructure/event_log_failing/event_log_failing.h"

#include "base/assert.h"

#include <pthread.h>
#include <stdlib.h>

/* An append under way: the inner log's ticket leads back to it. */
struct passage {
    struct passage *next;
    struct append_listener *listener;
    struct append_ticket ticket;
    struct append_result result; /* while it is held back */
    struct position *reached;
};

struct event_log_failing {
    struct event_log log;
    struct append_listener listener; /* hears for all */
    struct event_log *inner;

    struct failure_plan plan;

    pthread_mutex_t mutex; /* guards the rest */
    bool holding;
    struct passage *held_first; /* in order */
    struct passage *held_last;
};

static struct event_log_failing *failing_of(struct event_log *log)
{
    return CONTAINER_OF(log, struct event_log_failing, log);
}

static const char *const call_names[EVENT_LOG_CALL_COUNT] = {
    [EVENT_LOG_APPEND] = "append", [EVENT_LOG_COMPLETION] = "completion",
    [EVENT_LOG_POLL] = "poll",     [EVENT_LOG_SEEK] = "seek",
    [EVENT_LOG_COMMIT] = "commit", [EVENT_LOG_END_POSITION] = "end_position",
};

/* OK: the call goes on to the log behind. */
static enum status begin(struct event_log_failing *failing, enum event_log_call call,
                         struct error *err)
{
    enum status status = failure_plan_count_call(&failing->plan, call);
    return status == STATUS_OK
               ? STATUS_OK
               : error_set(err, status, 0, "%s failed as planned", call_names[call]);
}

static enum status failing_append(struct event_log *log, const struct activity *activities,
                                  size_t count, struct append_listener *listener,
                                  struct append_ticket ticket)
{
    struct event_log_failing *failing = failing_of(log);
    enum status status = begin(failing, EVENT_LOG_APPEND, NULL);
    if (status != STATUS_OK) {
        return status;
    }
    struct passage *passage = calloc(1, sizeof *passage);
    if (passage == NULL) {
        return STATUS_NO_MEMORY;
    }
    passage->listener = listener;
    passage->ticket = ticket;
    struct append_ticket inner_ticket = {.generation = (uint64_t)(uintptr_t)passage};
    status = event_log_append(failing->inner, activities, count, &failing->listener, inner_ticket);
    if (status != STATUS_OK) {
        free(passage);
    }
    return status;
}

static void deliver(struct passage *passage)
{
    passage->listener->completed(passage->listener, &passage->result, 1);
    free(passage->reached);
    free(passage);
}

/* Copies what the result points at, which may have to wait. */
static void fill(struct passage *passage, const struct append_result *result, enum status fault)
{
    passage->result = *result;
    passage->result.ticket = passage->ticket;
    if (fault != STATUS_OK) {
        passage->result.status = fault;
        passage->result.log_id = (struct uuid){0};
        passage->result.reached = NULL;
        passage->result.reached_count = 0;
    }
    size_t count = passage->result.reached_count;
    if (count > 0) {
        passage->reached = calloc(count, sizeof *passage->reached);
        ASSERT(passage->reached != NULL);
        for (size_t i = 0; i < count; i++) {
            passage->reached[i] = result->reached[i];
        }
        passage->result.reached = passage->reached;
    }
}

static bool keep_back(struct event_log_failing *failing, struct passage *passage)
{
    pthread_mutex_lock(&failing->mutex);
    bool holding = failing->holding;
    if (holding) {
        if (failing->held_first == NULL) {
            failing->held_first = passage;
        } else {
            failing->held_last->next = passage;
        }
        failing->held_last = passage;
    }
    pthread_mutex_unlock(&failing->mutex);
    return holding;
}

static void hear(struct append_listener *listener, const struct append_result *results,
                 size_t count)
{
    struct event_log_failing *failing = CONTAINER_OF(listener, struct event_log_failing, listener);
    for (size_t i = 0; i < count; i++) {
        struct passage *passage = (struct passage *)(uintptr_t)results[i].ticket.generation;
        fill(passage, &results[i], begin(failing, EVENT_LOG_COMPLETION, NULL));
        if (!keep_back(failing, passage)) {
            deliver(passage);
        }
    }
}

static enum status failing_poll(struct event_log *log, size_t rows_max, unsigned wait_ms,
                                struct activity_batch *out_batch, struct error *err)
{
    struct event_log_failing *failing = failing_of(log);
    enum status status = begin(failing, EVENT_LOG_POLL, err);
    return status == STATUS_OK ? event_log_poll(failing->inner, rows_max, wait_ms, out_batch, err)
                               : status;
}

static enum status failing_seek(struct event_log *log, const struct position_set *positions,
                                struct error *err)
{
    struct event_log_failing *failing = failing_of(log);
    enum status status = begin(failing, EVENT_LOG_SEEK, err);
    return status == STATUS_OK ? event_log_seek(failing->inner, positions, err) : status;
}

static enum status failing_commit(struct event_log *log, const struct position_set *positions,
                                  struct error *err)
{
    struct event_log_failing *failing = failing_of(log);
    enum status status = begin(failing, EVENT_LOG_COMMIT, err);
    return status == STATUS_OK ? event_log_commit(failing->inner, positions, err) : status;
}

static enum status failing_end_position(struct event_log *log, struct position_set *out_positions)
{
    struct event_log_failing *failing = failing_of(log);
    enum status status = begin(failing, EVENT_LOG_END_POSITION, NULL);
    return status == STATUS_OK ? event_log_end_position(failing->inner, out_positions) : status;
}

static void failing_describe(struct event_log *log, struct event_log_state *out_state)
{
    event_log_describe(failing_of(log)->inner, out_state);
}

static void failing_free(struct event_log *log)
{
    struct event_log_failing *failing = failing_of(log);
    event_log_free(failing->inner);
    event_log_failing_hold(log, false);
    pthread_mutex_destroy(&failing->mutex);
    failure_plan_deinit(&failing->plan);
    free(failing);
}

static const struct event_log_operations failing_operations = {
    .append = failing_append,
    .poll = failing_poll,
    .seek = failing_seek,
    .commit = failing_commit,
    .end_position = failing_end_position,
    .describe = failing_describe,
    .free = failing_free,
};

enum status event_log_failing_new(struct event_log *inner, struct event_log **out_log,
                                  struct error *err)
{
    struct event_log_failing *failing = calloc(1, sizeof *failing);
    if (failing == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "no memory for the failing event log");
    }
    failing->log.operations = &failing_operations;
    failing->listener.completed = hear;
    failing->inner = inner;
    failure_plan_init(&failing->plan);
    pthread_mutex_init(&failing->mutex, NULL);
    *out_log = &failing->log;
    return STATUS_OK;
}

void event_log_failing_plan(struct event_log *log, const struct planned_failure *failures,
                            size_t count)
{
    ASSERT(log->operations == &failing_operations);
    failure_plan_set(&failing_of(log)->plan, failures, count);
}

void event_log_failing_hold(struct event_log *log, bool hold)
{
    ASSERT(log->operations == &failing_operations);
    struct event_log_failing *failing = failing_of(log);
    pthread_mutex_lock(&failing->mutex);
    failing->holding = hold;
    struct passage *passage = NULL;
    if (!hold) {
        passage = failing->held_first;
        failing->held_first = NULL;
    }
    pthread_mutex_unlock(&failing->mutex);
    while (passage != NULL) {
        struct passage *next = passage->next;
        deliver(passage);
        passage = next;
    }
}
