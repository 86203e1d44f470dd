#include "infrastructure/event_log_memory/event_log_memory.h"

#include "base/condition.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PENDING_MAX = 65536, RESULTS_MAX = 256 };

/* The activities of one append and, behind the rows, their texts. */
struct block {
    struct block *next;
    struct append_listener *listener;
    struct append_ticket ticket;
    size_t bytes;
    size_t count;
    struct logged_activity rows[];
};

struct block_list {
    struct block *first;
    struct block *last;
};

struct event_log_memory {
    struct event_log log;
    struct uuid log_id;
    uint64_t bytes_max;
    pthread_t completer;
    bool running;

    pthread_mutex_t mutex; /* guards all down to `stopping` */
    pthread_cond_t queued;
    pthread_cond_t grown;
    struct block_list pending; /* queued, no offset yet */
    size_t pending_count;
    struct block_list held;
    uint64_t bytes;
    bool full;
    int64_t end_offset;
    struct block *unread; /* the first block with rows to hand out; NULL: none */
    bool stopping;

    struct log_tail_source tails;

    /* The worker's. */
    struct block_list retired; /* dropped, perhaps still borrowed */
    int64_t read_offset;
    struct logged_activity *rows;
    size_t row_capacity;
    struct position next;
    struct position_set next_set;
};

static struct event_log_memory *memory_of(struct event_log *log)
{
    return CONTAINER_OF(log, struct event_log_memory, log);
}

static void list_push(struct block_list *list, struct block *block)
{
    block->next = NULL;
    if (list->first == NULL) {
        list->first = block;
    } else {
        list->last->next = block;
    }
    list->last = block;
}

static struct block *list_pop(struct block_list *list)
{
    struct block *block = list->first;
    list->first = block->next;
    return block;
}

static void list_free(struct block_list *list)
{
    while (list->first != NULL) {
        free(list_pop(list));
    }
}

/* Appending -------------------------------------------------------------------------------- */

static struct str copy_text(char **at, struct str text)
{
    struct str copy = {.data = *at, .len = text.len};
    if (text.len > 0) {
        memcpy(*at, text.data, text.len);
    }
    *at += text.len;
    return copy;
}

static size_t block_bytes(const struct activity *activities, size_t count)
{
    size_t bytes = sizeof(struct block) + count * sizeof(struct logged_activity);
    for (size_t i = 0; i < count; i++) {
        bytes += activity_text_bytes(&activities[i]);
    }
    return bytes;
}

static struct block *make_block(const struct activity *activities, size_t count, size_t bytes)
{
    struct block *block = malloc(bytes);
    if (block == NULL) {
        return NULL;
    }
    block->bytes = bytes;
    block->count = count;
    char *at = (char *)&block->rows[count];
    for (size_t i = 0; i < count; i++) {
        struct activity *copy = &block->rows[i].activity;
        *copy = activities[i];
        copy->id = copy_text(&at, activities[i].id);
        copy->user_id = copy_text(&at, activities[i].user_id);
        copy->action = copy_text(&at, activities[i].action);
        copy->metadata = copy_text(&at, activities[i].metadata);
        copy->trace = copy_text(&at, activities[i].trace);
    }
    return block;
}

/* Takes the block into the queue if it may come in; under the lock. */
static enum status admit(struct event_log_memory *memory, struct block *block)
{
    if (memory->stopping) {
        return STATUS_UNAVAILABLE;
    }
    if (memory->pending_count >= PENDING_MAX) {
        return STATUS_BUSY;
    }
    memory->full = memory->bytes + block->bytes > memory->bytes_max;
    if (memory->full) {
        return STATUS_NO_SPACE;
    }
    memory->bytes += block->bytes;
    memory->pending_count++;
    list_push(&memory->pending, block);
    pthread_cond_signal(&memory->queued);
    return STATUS_OK;
}

static enum status memory_append(struct event_log *log, const struct activity *activities,
                                 size_t count, struct append_listener *listener,
                                 struct append_ticket ticket)
{
    struct event_log_memory *memory = memory_of(log);
    size_t bytes = block_bytes(activities, count);
    if (bytes > memory->bytes_max / 2) {
        return STATUS_TOO_LARGE;
    }
    struct block *block = make_block(activities, count, bytes);
    if (block == NULL) {
        return STATUS_NO_MEMORY;
    }
    block->listener = listener;
    block->ticket = ticket;
    pthread_mutex_lock(&memory->mutex);
    enum status status = admit(memory, block);
    pthread_mutex_unlock(&memory->mutex);
    if (status != STATUS_OK) {
        free(block);
    }
    return status;
}

/* The completer ---------------------------------------------------------------------------- */

/* Results of one listener, in order, as many as one call hands over. */
struct round {
    struct append_listener *listener;
    size_t count;
    struct append_result results[RESULTS_MAX];
    struct position reached[RESULTS_MAX];
};

static void take_in(struct event_log_memory *memory, struct round *round)
{
    struct block *block = list_pop(&memory->pending);
    memory->pending_count--;
    for (size_t i = 0; i < block->count; i++) {
        block->rows[i].position = (struct position){.offset = memory->end_offset++};
        block->rows[i].foreign = false;
    }
    list_push(&memory->held, block);
    if (memory->unread == NULL) {
        memory->unread = block;
    }
    size_t at = round->count++;
    round->listener = block->listener;
    round->reached[at] = (struct position){.offset = memory->end_offset - 1};
    round->results[at] = (struct append_result){.ticket = block->ticket,
                                                .status = STATUS_OK,
                                                .durability = DURABILITY_MEMORY,
                                                .count = block->count,
                                                .log_id = memory->log_id,
                                                .reached = &round->reached[at],
                                                .reached_count = 1};
}

/* Fills a round with what waits; false when the log stops and nothing is left. */
static bool next_round(struct event_log_memory *memory, struct round *round)
{
    round->count = 0;
    pthread_mutex_lock(&memory->mutex);
    while (memory->pending.first == NULL && !memory->stopping) {
        pthread_cond_wait(&memory->queued, &memory->mutex);
    }
    while (memory->pending.first != NULL && round->count < RESULTS_MAX &&
           (round->count == 0 || memory->pending.first->listener == round->listener)) {
        take_in(memory, round);
    }
    pthread_cond_broadcast(&memory->grown);
    pthread_mutex_unlock(&memory->mutex);
    return round->count > 0;
}

static void *run_completer(void *context)
{
    struct event_log_memory *memory = context;
    struct round round;
    while (next_round(memory, &round)) {
        round.listener->completed(round.listener, round.results, round.count);
    }
    return NULL;
}

/* Reading ---------------------------------------------------------------------------------- */

static bool wait_for_unread(struct event_log_memory *memory, unsigned wait_ms)
{
    struct timespec deadline = condition_deadline(wait_ms);
    while (memory->unread == NULL && wait_ms > 0 &&
           condition_wait_until(&memory->grown, &memory->mutex, &deadline)) {
    }
    return memory->unread != NULL;
}

/* Copies the rows that come next, without their texts; under the lock. */
static size_t take_rows(struct event_log_memory *memory, size_t rows_max)
{
    size_t count = 0;
    while (memory->unread != NULL && count < rows_max) {
        const struct block *block = memory->unread;
        size_t at = (size_t)(memory->read_offset - block->rows[0].position.offset);
        size_t len = block->count - at < rows_max - count ? block->count - at : rows_max - count;
        memcpy(memory->rows + count, block->rows + at, len * sizeof *memory->rows);
        count += len;
        memory->read_offset += (int64_t)len;
        if (at + len == block->count) {
            memory->unread = block->next;
        }
    }
    return count;
}

static enum status make_row_room(struct event_log_memory *memory, size_t rows_max,
                                 struct error *err)
{
    if (rows_max <= memory->row_capacity) {
        return STATUS_OK;
    }
    struct logged_activity *rows = realloc(memory->rows, rows_max * sizeof *rows);
    if (rows == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "no memory for rows of the event log");
    }
    memory->rows = rows;
    memory->row_capacity = rows_max;
    return STATUS_OK;
}

static enum status memory_poll(struct event_log *log, size_t rows_max, unsigned wait_ms,
                               struct activity_batch *out_batch, struct error *err)
{
    struct event_log_memory *memory = memory_of(log);
    list_free(&memory->retired);
    enum status status = make_row_room(memory, rows_max, err);
    if (status != STATUS_OK) {
        return status;
    }
    pthread_mutex_lock(&memory->mutex);
    size_t count = wait_for_unread(memory, wait_ms) ? take_rows(memory, rows_max) : 0;
    pthread_mutex_unlock(&memory->mutex);
    memory->next = (struct position){.offset = memory->read_offset};
    *out_batch = (struct activity_batch){
        .log_id = memory->log_id, .rows = memory->rows, .count = count, .next = &memory->next_set};
    return STATUS_OK;
}

static int64_t end_of(const struct block *block)
{
    return block->rows[0].position.offset + (int64_t)block->count;
}

/* Under the lock. */
static void go_to(struct event_log_memory *memory, int64_t offset)
{
    struct block *block = memory->held.first;
    while (block != NULL && end_of(block) <= offset) {
        block = block->next;
    }
    int64_t held_from = block == NULL ? memory->end_offset : block->rows[0].position.offset;
    memory->unread = block;
    memory->read_offset = offset > held_from ? offset : held_from;
}

static enum status memory_seek(struct event_log *log, const struct position_set *positions,
                               struct error *err)
{
    struct event_log_memory *memory = memory_of(log);
    list_free(&memory->retired);
    enum status status = STATUS_OK;
    pthread_mutex_lock(&memory->mutex);
    for (size_t i = 0; i < positions->count && status == STATUS_OK; i++) {
        const struct position *position = &positions->items[i];
        if (position->offset > (position->partition == 0 ? memory->end_offset : 0)) {
            status = error_set(err, STATUS_CORRUPT, 0,
                               "the store holds activities up to offset %lld, but this event log "
                               "ends at %lld: it was made anew",
                               (long long)position->offset, (long long)memory->end_offset);
        } else if (position->partition == 0) {
            go_to(memory, position->offset);
        }
    }
    pthread_mutex_unlock(&memory->mutex);
    return status;
}

static enum status memory_commit(struct event_log *log, const struct position_set *positions,
                                 struct error *err)
{
    (void)err;
    struct event_log_memory *memory = memory_of(log);
    int64_t offset = position_set_get(positions, 0);
    pthread_mutex_lock(&memory->mutex);
    while (memory->held.first != NULL && end_of(memory->held.first) <= offset) {
        struct block *block = list_pop(&memory->held);
        memory->bytes -= block->bytes;
        memory->full = false;
        if (memory->unread == block) {
            memory->unread = memory->held.first;
            memory->read_offset = end_of(block);
        }
        list_push(&memory->retired, block);
    }
    pthread_mutex_unlock(&memory->mutex);
    return STATUS_OK;
}

/* Tails ------------------------------------------------------------------------------------ */

/* Rows may be dropped while somebody looks at them, so a tail has copies. */
struct memory_tail {
    struct log_tail tail;
    struct event_log_memory *memory;
    int64_t offset;      /* the next to hand out */
    struct block *block; /* where the newest rows came from, if the log still holds it; its first
                            offset says so */
    int64_t block_offset;
    struct block *copies;
    struct position next;
    struct position_set next_set;
};

static struct memory_tail *tail_of(struct log_tail *tail)
{
    return CONTAINER_OF(tail, struct memory_tail, tail);
}

static int64_t begin_of(const struct event_log_memory *memory)
{
    return memory->held.first == NULL ? memory->end_offset
                                      : memory->held.first->rows[0].position.offset;
}

static bool wait_for_end(struct event_log_memory *memory, int64_t offset, unsigned wait_ms)
{
    struct timespec deadline = condition_deadline(wait_ms);
    while (memory->end_offset <= offset && wait_ms > 0 &&
           condition_wait_until(&memory->grown, &memory->mutex, &deadline)) {
    }
    return memory->end_offset > offset;
}

/* The block that holds the tail's offset, which the log does. Blocks go from the front only, so one
 * that is not before the first is still there. Under the lock. */
static const struct block *find_block(struct memory_tail *tail)
{
    struct block *block = tail->block != NULL && tail->block_offset >= begin_of(tail->memory)
                              ? tail->block
                              : tail->memory->held.first;
    while (end_of(block) <= tail->offset) {
        block = block->next;
    }
    tail->block = block;
    tail->block_offset = block->rows[0].position.offset;
    return block;
}

/* Copies rows of one block; under the lock. */
static enum status copy_rows(struct memory_tail *tail, size_t rows_max, struct error *err)
{
    const struct block *block = find_block(tail);
    size_t at = (size_t)(tail->offset - tail->block_offset);
    size_t count = block->count - at < rows_max ? block->count - at : rows_max;
    struct activity *activities = calloc(count, sizeof *activities);
    for (size_t i = 0; activities != NULL && i < count; i++) {
        activities[i] = block->rows[at + i].activity;
    }
    tail->copies =
        activities == NULL ? NULL : make_block(activities, count, block_bytes(activities, count));
    free(activities);
    if (tail->copies == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "no memory for rows of the event log");
    }
    for (size_t i = 0; i < count; i++) {
        tail->copies->rows[i].position = block->rows[at + i].position;
    }
    tail->offset += (int64_t)count;
    return STATUS_OK;
}

static enum status memory_tail_poll(struct log_tail *log_tail, size_t rows_max, unsigned wait_ms,
                                    struct log_tail_batch *out_batch, struct error *err)
{
    struct memory_tail *tail = tail_of(log_tail);
    struct event_log_memory *memory = tail->memory;
    enum status status = STATUS_OK;
    free(TAKE(tail->copies));
    pthread_mutex_lock(&memory->mutex);
    bool more = wait_for_end(memory, tail->offset, wait_ms);
    int64_t begin = begin_of(memory);
    int64_t from = tail->offset;
    tail->offset = from < begin ? begin : from;
    if (more && tail->offset < memory->end_offset) {
        status = copy_rows(tail, rows_max, err);
    }
    pthread_mutex_unlock(&memory->mutex);
    if (status != STATUS_OK) {
        tail->offset = from;
        return status;
    }
    tail->next.offset = tail->offset;
    out_batch->gone = from < begin ? (uint64_t)(begin - from) : 0;
    out_batch->batch = (struct activity_batch){
        .log_id = memory->log_id,
        .rows = tail->copies == NULL ? NULL : tail->copies->rows,
        .count = tail->copies == NULL ? 0 : tail->copies->count,
        .next = &tail->next_set,
    };
    return STATUS_OK;
}

static void memory_tail_free(struct log_tail *tail)
{
    free(tail_of(tail)->copies);
    free(tail_of(tail));
}

static const struct log_tail_operations memory_tail_operations = {
    .poll = memory_tail_poll,
    .free = memory_tail_free,
};

static enum status place(struct memory_tail *tail, const struct position_set *from,
                         struct log_tail_begin *out_begin, struct error *err)
{
    pthread_mutex_lock(&tail->memory->mutex);
    int64_t begin = begin_of(tail->memory);
    int64_t end = tail->memory->end_offset;
    pthread_mutex_unlock(&tail->memory->mutex);
    int64_t asked = from == NULL ? end : position_set_get(from, 0);
    if (asked > end) {
        return error_set(err, STATUS_INVALID, 0, "the event log has no such position yet");
    }
    tail->offset = asked < begin ? begin : asked;
    out_begin->gone = (uint64_t)(tail->offset - asked);
    out_begin->log_id = tail->memory->log_id;
    return position_set_raise(&out_begin->positions, (struct position){.offset = tail->offset}) ==
                   STATUS_OK
               ? STATUS_OK
               : error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to follow the event log");
}

static enum status memory_tail_open(struct log_tail_source *source, const struct position_set *from,
                                    struct log_tail_begin *out_begin, struct log_tail **out_tail,
                                    struct error *err)
{
    struct memory_tail *tail = calloc(1, sizeof *tail);
    if (tail == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to follow the event log");
    }
    tail->tail.operations = &memory_tail_operations;
    tail->memory = CONTAINER_OF(source, struct event_log_memory, tails);
    tail->next_set = (struct position_set){.items = &tail->next, .count = 1, .capacity = 1};
    enum status status = place(tail, from, out_begin, err);
    if (status != STATUS_OK) {
        free(tail);
        return status;
    }
    *out_tail = &tail->tail;
    return STATUS_OK;
}

struct log_tail_source *event_log_memory_tails(struct event_log *log)
{
    return &memory_of(log)->tails;
}

/* The rest --------------------------------------------------------------------------------- */

static enum status memory_end_position(struct event_log *log, struct position_set *out_positions)
{
    struct event_log_memory *memory = memory_of(log);
    pthread_mutex_lock(&memory->mutex);
    struct position end = {.offset = memory->end_offset};
    pthread_mutex_unlock(&memory->mutex);
    return position_set_raise(out_positions, end);
}

static void memory_describe(struct event_log *log, struct event_log_state *out_state)
{
    struct event_log_memory *memory = memory_of(log);
    pthread_mutex_lock(&memory->mutex);
    *out_state = (struct event_log_state){.kind = "memory",
                                          .log_id = memory->log_id,
                                          .durability = DURABILITY_MEMORY,
                                          .accepting = STATUS_OK,
                                          .bytes = memory->bytes,
                                          .bytes_max = memory->bytes_max};
    if (memory->full) {
        out_state->accepting = STATUS_NO_SPACE;
        snprintf(out_state->reason, sizeof out_state->reason,
                 "the event log holds all of its %llu bytes",
                 (unsigned long long)memory->bytes_max);
    }
    pthread_mutex_unlock(&memory->mutex);
}

static void memory_free(struct event_log *log)
{
    struct event_log_memory *memory = memory_of(log);
    if (memory->running) {
        pthread_mutex_lock(&memory->mutex);
        memory->stopping = true;
        pthread_cond_signal(&memory->queued);
        pthread_mutex_unlock(&memory->mutex);
        pthread_join(memory->completer, NULL);
    }
    list_free(&memory->pending);
    list_free(&memory->held);
    list_free(&memory->retired);
    pthread_cond_destroy(&memory->grown);
    pthread_cond_destroy(&memory->queued);
    pthread_mutex_destroy(&memory->mutex);
    free(memory->rows);
    free(memory);
}

static const struct event_log_operations memory_operations = {
    .append = memory_append,
    .poll = memory_poll,
    .seek = memory_seek,
    .commit = memory_commit,
    .end_position = memory_end_position,
    .describe = memory_describe,
    .free = memory_free,
};

enum status event_log_memory_new(const struct event_log_memory_config *config,
                                 struct event_log **out_log, struct error *err)
{
    struct event_log_memory *memory = calloc(1, sizeof *memory);
    if (memory == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "no memory for the event log");
    }
    memory->log.operations = &memory_operations;
    memory->tails.open = memory_tail_open;
    memory->log_id = uuid_make_random(config->random);
    memory->bytes_max = config->bytes_max == 0 ? EVENT_LOG_MEMORY_BYTES_DEFAULT : config->bytes_max;
    memory->next_set = (struct position_set){.items = &memory->next, .count = 1, .capacity = 1};
    pthread_mutex_init(&memory->mutex, NULL);
    pthread_cond_init(&memory->queued, NULL);
    condition_init(&memory->grown);
    int result = pthread_create(&memory->completer, NULL, run_completer, memory);
    if (result != 0) {
        memory_free(&memory->log);
        return error_set(err, STATUS_UNAVAILABLE, result, "cannot start the event log's thread");
    }
    memory->running = true;
    *out_log = &memory->log;
    return STATUS_OK;
}
