#include "infrastructure/import_target_local/import_target_local.h"

#include "base/assert.h"
#include "base/condition.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    BATCHES = 4,      /* in the log's queue while the next is read */
    RETRY_MS = 20,    /* between looks at a log that is full */
    NOTICE_MS = 2000, /* a shorter stop is not worth a word */
    FINISH_LOOK_MS = 5
};

enum slot_condition { SLOT_FREE, SLOT_WAITING, SLOT_APPENDED, SLOT_DONE };

/* One batch. Who holds the lock may change condition and outcome. */
struct slot {
    struct import_batch *batch;
    struct activity activities[IMPORT_ROWS_MAX];
    enum slot_condition condition;
    enum status outcome; /* when done */
};

struct import_target_local {
    struct import_target base;
    struct append_listener listener;
    struct import_target_local_config config;
    uint64_t verdicts_before[VERDICT_COUNT];
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct slot slots[BATCHES];
    uint64_t progressed_ms; /* when something last got on */
    bool noticed;
};

static struct import_target_local *target_of(struct import_target *base)
{
    return CONTAINER_OF(base, struct import_target_local, base);
}

static void describe(struct import_target *base, struct import_target_state *out_state)
{
    const struct import_target_local *target = target_of(base);
    *out_state = (struct import_target_state){
        .rules = target->config.rules,
        .line_bytes_max = target->config.line_bytes_max,
        .batches_max = BATCHES,
    };
    snprintf(out_state->name, sizeof out_state->name, "%s", target->config.name);
}

/* On the log's thread. */
static void appended(struct append_listener *listener, const struct append_result *results,
                     size_t count)
{
    struct import_target_local *target =
        CONTAINER_OF(listener, struct import_target_local, listener);
    pthread_mutex_lock(&target->mutex);
    for (size_t i = 0; i < count; i++) {
        struct slot *slot = &target->slots[results[i].ticket.slot];
        slot->condition = SLOT_DONE;
        slot->outcome = results[i].status;
    }
    pthread_cond_signal(&target->changed);
    pthread_mutex_unlock(&target->mutex);
}

/* What may get better when the worker has moved on or somebody made space. */
static bool may_pass(enum status status)
{
    return status == STATUS_BUSY || status == STATUS_NO_SPACE || status == STATUS_NO_MEMORY;
}

static enum status cannot_record(enum status status, struct error *err)
{
    return error_set(err, status, 0, "the event log does not take activities: %s",
                     status == STATUS_NO_SPACE
                         ? "there is no space left; make some or raise --log-bytes"
                         : status_name(status));
}

/* Not under the lock: the log may complete at once. */
static enum status append(struct import_target_local *target, struct slot *slot, struct error *err)
{
    struct append_ticket ticket = {.slot = (uint32_t)(slot - target->slots)};
    slot->condition = SLOT_APPENDED;
    enum status status =
        record_activities_append(target->config.recorder, slot->activities, slot->batch->row_count,
                                 &target->listener, ticket);
    if (status == STATUS_OK) {
        return STATUS_OK;
    }
    slot->condition = SLOT_WAITING;
    slot->outcome = status;
    return may_pass(status) ? STATUS_OK : cannot_record(status, err);
}

/* One that is free. When all are, patience begins anew. */
static struct slot *find_free(struct import_target_local *target)
{
    struct slot *found = NULL;
    bool idle = true;
    pthread_mutex_lock(&target->mutex);
    for (size_t i = 0; i < BATCHES; i++) {
        bool free = target->slots[i].condition == SLOT_FREE;
        found = free ? &target->slots[i] : found;
        idle = idle && free;
    }
    pthread_mutex_unlock(&target->mutex);
    ASSERT(found != NULL);
    if (idle) {
        target->progressed_ms = clock_monotonic_ms(target->config.clock);
    }
    return found;
}

static enum status submit(struct import_target *base, struct import_batch *batch, struct error *err)
{
    struct import_target_local *target = target_of(base);
    struct slot *slot = find_free(target);
    slot->batch = batch;
    uint64_t now_ns = clock_wall_ns(target->config.clock);
    for (size_t i = 0; i < batch->row_count; i++) {
        ASSERT(batch->rows[i].draft.activity.id.data != NULL);
        record_activities_complete(target->config.recorder, now_ns, &batch->rows[i].draft, NULL);
        slot->activities[i] = batch->rows[i].draft.activity;
    }
    return append(target, slot, err);
}

/* Takes a slot that is done; one that failed for a while goes back to waiting. */
static struct slot *take_done(struct import_target_local *target)
{
    for (struct slot *slot = target->slots; slot < target->slots + BATCHES; slot++) {
        if (slot->condition == SLOT_DONE && may_pass(slot->outcome)) {
            slot->condition = SLOT_WAITING;
        }
        if (slot->condition == SLOT_DONE) {
            return slot;
        }
    }
    return NULL;
}

static struct slot *wait_done(struct import_target_local *target, unsigned wait_ms)
{
    struct timespec deadline = condition_deadline(wait_ms);
    pthread_mutex_lock(&target->mutex);
    struct slot *slot = take_done(target);
    while (slot == NULL && wait_ms > 0 &&
           condition_wait_until(&target->changed, &target->mutex, &deadline)) {
        slot = take_done(target);
    }
    pthread_mutex_unlock(&target->mutex);
    return slot;
}

static struct slot *find_waiting(struct import_target_local *target)
{
    struct slot *found = NULL;
    pthread_mutex_lock(&target->mutex);
    for (size_t i = 0; i < BATCHES && found == NULL; i++) {
        found = target->slots[i].condition == SLOT_WAITING ? &target->slots[i] : NULL;
    }
    pthread_mutex_unlock(&target->mutex);
    return found;
}

/* Gives up when nothing has got on for long, and says before that what is waited for. */
static enum status check_patience(struct import_target_local *target, const struct error *why,
                                  struct error *err)
{
    uint64_t waited_ms = clock_monotonic_ms(target->config.clock) - target->progressed_ms;
    if (waited_ms >= target->config.give_up_ms) {
        return error_set(err, why->status, why->cause, "%s", why->message);
    }
    if (waited_ms >= NOTICE_MS && !target->noticed) {
        target->noticed = true;
        target->config.notices->waiting(target->config.notices, why->message);
    }
    return STATUS_OK;
}

static enum status check_log(struct import_target_local *target, const struct slot *waiting,
                             struct error *err)
{
    struct error why;
    enum status status = cannot_record(waiting->outcome, &why);
    (void)status; /* the words are wanted */
    return check_patience(target, &why, err);
}

static void get_on(struct import_target_local *target)
{
    target->progressed_ms = clock_monotonic_ms(target->config.clock);
    target->noticed = false;
}

static enum status check_worker(struct import_target_local *target, struct error *err)
{
    struct store_activities_state state;
    store_activities_describe(target->config.worker, &state);
    return state.condition == WORKER_FAILED
               ? error_set(err, STATUS_UNAVAILABLE, 0, "the store failed: %.120s", state.reason)
               : STATUS_OK;
}

static enum status collect(struct import_target *base, unsigned wait_ms,
                           struct import_batch **out_batch, struct error *err)
{
    struct import_target_local *target = target_of(base);
    struct slot *waiting = find_waiting(target);
    enum status status = check_worker(target, err);
    if (status == STATUS_OK && waiting != NULL) {
        status = check_log(target, waiting, err);
        status = status == STATUS_OK ? append(target, waiting, err) : status;
        wait_ms = wait_ms > RETRY_MS ? RETRY_MS : wait_ms;
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct slot *done = wait_done(target, wait_ms);
    if (done == NULL) {
        return STATUS_OK;
    }
    if (done->outcome != STATUS_OK) {
        return cannot_record(done->outcome, err);
    }
    done->condition = SLOT_FREE; /* nobody else looks at a slot that is done */
    get_on(target);
    *out_batch = done->batch;
    return STATUS_OK;
}

static enum status check_store(struct import_target_local *target,
                               const struct store_activities_state *state, struct error *err)
{
    struct error why;
    enum status status =
        error_set(&why, STATUS_UNAVAILABLE, 0,
                  "not all is in the store yet, the rest is safe in the event log: %.90s",
                  state->reason[0] == '\0' ? "the store is busy" : state->reason);
    (void)status; /* as above */
    return check_patience(target, &why, err);
}

/* As long as the store takes something now and then; a signal ends it. */
static enum status wait_stored(struct import_target_local *target,
                               struct store_activities_state *out_state, struct error *err)
{
    enum status status;
    uint64_t pending_min = UINT64_MAX;
    const struct timespec pause = {.tv_nsec = FINISH_LOOK_MS * 1000000L};
    do {
        store_activities_describe(target->config.worker, out_state);
        if (out_state->pending < pending_min) {
            pending_min = out_state->pending;
            get_on(target);
        }
        status = check_worker(target, err);
        if (status == STATUS_OK && out_state->pending > 0) {
            status = check_store(target, out_state, err);
        }
    } while (status == STATUS_OK && out_state->pending > 0 && nanosleep(&pause, NULL) == 0);
    return status;
}

static enum status finish(struct import_target *base, struct import_outcome *out_outcome,
                          struct error *err)
{
    struct import_target_local *target = target_of(base);
    struct store_activities_state state;
    enum status status = wait_stored(target, &state, err);
    if (status != STATUS_OK) {
        return status;
    }
    const uint64_t *before = target->verdicts_before;
    *out_outcome = (struct import_outcome){
        .known = state.pending == 0,
        .stored = state.verdicts[VERDICT_STORED] - before[VERDICT_STORED],
        .duplicates = state.verdicts[VERDICT_DUPLICATE] - before[VERDICT_DUPLICATE] +
                      state.verdicts[VERDICT_CONFLICT] - before[VERDICT_CONFLICT],
    };
    return STATUS_OK;
}

/* The log must have been freed before, or be idle: it knows the listener. */
static void local_free(struct import_target *base)
{
    struct import_target_local *target = target_of(base);
    pthread_cond_destroy(&target->changed);
    pthread_mutex_destroy(&target->mutex);
    free(target);
}

static const struct import_target_operations operations = {
    .describe = describe,
    .submit = submit,
    .collect = collect,
    .finish = finish,
    .free = local_free,
};

enum status import_target_local_new(const struct import_target_local_config *config,
                                    struct import_target **out_target, struct error *err)
{
    struct import_target_local *target = calloc(1, sizeof *target);
    if (target == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for an import");
    }
    struct store_activities_state state;
    store_activities_describe(config->worker, &state);
    target->base.operations = &operations;
    target->listener.completed = appended;
    target->config = *config;
    memcpy(target->verdicts_before, state.verdicts, sizeof state.verdicts);
    pthread_mutex_init(&target->mutex, NULL);
    condition_init(&target->changed);
    *out_target = &target->base;
    return STATUS_OK;
}
