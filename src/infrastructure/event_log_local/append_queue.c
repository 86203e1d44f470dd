#include "infrastructure/event_log_local/append_queue.h"

#include "base/assert.h"
#include "base/condition.h"
#include "infrastructure/event_log_local/segment_format.h"

#include <stdlib.h>
#include <string.h>

void append_queue_init(struct append_queue *queue, const struct clock *clock,
                       const struct append_queue_limits *limits)
{
    *queue = (struct append_queue){.clock = clock, .limits = *limits};
    pthread_mutex_init(&queue->mutex, NULL);
    condition_init(&queue->work);
    uint64_t now_ns = clock_monotonic_ns(clock);
    flow_rate_init(&queue->settled, now_ns);
    flow_rate_init(&queue->released, now_ns);
}

static void record_free(struct append_record *record)
{
    free(record->frames);
    free(record);
}

void append_queue_deinit(struct append_queue *queue)
{
    ASSERT(queue->outstanding == 0);
    while (queue->pool != NULL) {
        struct append_record *record = queue->pool;
        queue->pool = record->next;
        record_free(record);
    }
    pthread_cond_destroy(&queue->work);
    pthread_mutex_destroy(&queue->mutex);
}

static size_t cost_of(size_t length)
{
    return length + COMMIT_HEADER_BYTES;
}

/* Room that has to come free behind a refusal before the log counts as one that has room. */
static uint64_t room_wanted(const struct append_queue *queue)
{
    return queue->limits.held_bytes_max / 8;
}

/* When room has come free; under the lock. */
static void note_room(struct append_queue *queue)
{
    uint64_t used = queue->held_bytes + queue->outstanding_bytes;
    if (used + room_wanted(queue) <= queue->limits.held_bytes_max) {
        queue->lacks_room = false;
    }
}

static bool has_news(const struct append_queue *queue)
{
    return queue->lacks_room != queue->told_lack;
}

/* Whether the committer must be woken, which then counts as awake; under the lock. */
static bool must_wake(struct append_queue *queue)
{
    bool wake = queue->committer_sleeps;
    queue->committer_sleeps = false;
    return wake;
}

/* Whether an append may come in; under the lock. */
static enum status admit(struct append_queue *queue, size_t length)
{
    size_t cost = cost_of(length);
    if (queue->stopping) {
        return STATUS_UNAVAILABLE;
    }
    if (queue->accepting != STATUS_OK && clock_monotonic_ns(queue->clock) < queue->retry_at_ns) {
        return queue->accepting;
    }
    if (length > queue->limits.queue_bytes_max || cost > queue->limits.held_bytes_max / 2) {
        return STATUS_TOO_LARGE;
    }
    if (queue->outstanding >= APPEND_QUEUE_APPENDS_MAX ||
        (queue->outstanding > 0 &&
         queue->outstanding_bytes + cost > queue->limits.queue_bytes_max)) {
        return STATUS_BUSY;
    }
    queue->full =
        queue->held_bytes + queue->outstanding_bytes + cost > queue->limits.held_bytes_max;
    queue->lacks_room = queue->lacks_room || queue->full;
    return queue->full ? STATUS_NO_SPACE : STATUS_OK;
}

static struct append_record *take_pooled(struct append_queue *queue, size_t length)
{
    struct append_record *record = queue->pool;
    if (record == NULL || length > APPEND_POOLED_BYTES) {
        return NULL;
    }
    queue->pool = record->next;
    queue->pool_count--;
    return record;
}

static struct append_record *make_record(size_t length)
{
    size_t capacity = length > APPEND_POOLED_BYTES ? length : APPEND_POOLED_BYTES;
    struct append_record *record = malloc(sizeof *record);
    uint8_t *frames = malloc(capacity);
    if (record == NULL || frames == NULL) {
        free(record);
        free(frames);
        return NULL;
    }
    *record = (struct append_record){.capacity = capacity, .frames = frames};
    return record;
}

enum status append_queue_reserve(struct append_queue *queue, size_t length,
                                 struct append_record **out_record)
{
    pthread_mutex_lock(&queue->mutex);
    enum status status = admit(queue, length);
    struct append_record *record = NULL;
    if (status == STATUS_OK) {
        queue->outstanding++;
        queue->outstanding_bytes += cost_of(length);
        record = take_pooled(queue, length);
    }
    bool wake = has_news(queue) && must_wake(queue);
    pthread_mutex_unlock(&queue->mutex);
    if (wake) {
        pthread_cond_signal(&queue->work);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (record == NULL) {
        record = make_record(length);
    }
    if (record == NULL) {
        pthread_mutex_lock(&queue->mutex);
        queue->outstanding--;
        queue->outstanding_bytes -= cost_of(length);
        pthread_mutex_unlock(&queue->mutex);
        return STATUS_NO_MEMORY;
    }
    record->length = length;
    *out_record = record;
    return STATUS_OK;
}

void append_queue_push(struct append_queue *queue, struct append_record *record)
{
    record->next = NULL;
    pthread_mutex_lock(&queue->mutex);
    if (queue->first == NULL) {
        queue->first = record;
    } else {
        queue->last->next = record;
    }
    queue->last = record;
    bool wake = must_wake(queue);
    pthread_mutex_unlock(&queue->mutex);
    if (wake) {
        pthread_cond_signal(&queue->work);
    }
}

/* When it is time to look at the disk; UINT64_MAX: never. */
static uint64_t look_at_ns(const struct append_queue *queue, uint64_t idle_since_ns)
{
    uint64_t every_ns = (uint64_t)queue->limits.look_every_ms * NANOSECONDS_PER_MILLISECOND;
    if (queue->accepting != STATUS_OK) {
        return queue->retry_at_ns;
    }
    return every_ns == 0 ? UINT64_MAX : idle_since_ns + every_ns;
}

/* Sleeps until there is something to take or to tell, or it is time to look at the disk. Under the
 * lock. */
static enum append_wake wait_for_work(struct append_queue *queue)
{
    enum { WAKE_EVERY_MS = 100 };
    uint64_t idle_since_ns = clock_monotonic_ns(queue->clock);
    while (queue->first == NULL && !queue->stopping && !has_news(queue)) {
        queue->committer_sleeps = true;
        uint64_t until_ns = look_at_ns(queue, idle_since_ns);
        if (until_ns == UINT64_MAX) {
            pthread_cond_wait(&queue->work, &queue->mutex);
            continue;
        }
        if (clock_monotonic_ns(queue->clock) >= until_ns) {
            return APPEND_WAKE_LOOK;
        }
        struct timespec deadline = condition_deadline(WAKE_EVERY_MS);
        (void)condition_wait_until(&queue->work, &queue->mutex, &deadline);
    }
    if (queue->first != NULL) {
        return APPEND_WAKE_COMMIT;
    }
    return queue->stopping ? APPEND_WAKE_STOP : APPEND_WAKE_NEWS;
}

enum append_wake append_queue_take(struct append_queue *queue, size_t count_max, size_t bytes_max,
                                   struct append_record **out_records, size_t *out_count)
{
    pthread_mutex_lock(&queue->mutex);
    enum append_wake wake = wait_for_work(queue);
    queue->committer_sleeps = false;
    size_t count = 0;
    size_t bytes = 0;
    while (count < count_max && queue->first != NULL) {
        struct append_record *record = queue->first;
        if (count > 0 && bytes + record->length > bytes_max) {
            break;
        }
        bytes += record->length;
        queue->first = record->next;
        out_records[count++] = record;
    }
    pthread_mutex_unlock(&queue->mutex);
    *out_count = count;
    return wake;
}

void append_queue_settle(struct append_queue *queue, struct append_record *const *records,
                         size_t count, uint64_t written)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        bytes += cost_of(records[i]->length);
    }
    uint64_t now_ns = clock_monotonic_ns(queue->clock);
    pthread_mutex_lock(&queue->mutex);
    queue->outstanding -= count;
    queue->outstanding_bytes -= bytes;
    flow_rate_add(&queue->settled, bytes, now_ns);
    queue->held_bytes += written;
    note_room(queue);
    pthread_mutex_unlock(&queue->mutex);
}

void append_queue_recycle(struct append_queue *queue, struct append_record *const *records,
                          size_t count)
{
    struct append_record *surplus = NULL;
    pthread_mutex_lock(&queue->mutex);
    for (size_t i = 0; i < count; i++) {
        struct append_record *record = records[i];
        struct append_record **home = &surplus;
        if (record->capacity == APPEND_POOLED_BYTES && queue->pool_count < APPEND_POOL_MAX) {
            home = &queue->pool;
            queue->pool_count++;
        }
        record->next = *home;
        *home = record;
    }
    pthread_mutex_unlock(&queue->mutex);
    while (surplus != NULL) {
        struct append_record *record = surplus;
        surplus = record->next;
        record_free(record);
    }
}

struct append_queue_load append_queue_load(struct append_queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    struct append_queue_load load = {.appends = queue->outstanding,
                                     .bytes = queue->outstanding_bytes};
    pthread_mutex_unlock(&queue->mutex);
    return load;
}

bool append_queue_is_empty(struct append_queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    bool empty = queue->first == NULL;
    pthread_mutex_unlock(&queue->mutex);
    return empty;
}

bool append_queue_take_news(struct append_queue *queue, bool *out_lacks_room)
{
    pthread_mutex_lock(&queue->mutex);
    bool news = has_news(queue);
    queue->told_lack = queue->lacks_room;
    *out_lacks_room = queue->lacks_room;
    pthread_mutex_unlock(&queue->mutex);
    return news;
}

void append_queue_hold(struct append_queue *queue, uint64_t bytes)
{
    pthread_mutex_lock(&queue->mutex);
    queue->held_bytes += bytes;
    pthread_mutex_unlock(&queue->mutex);
}

void append_queue_release(struct append_queue *queue, uint64_t bytes)
{
    uint64_t now_ns = clock_monotonic_ns(queue->clock);
    pthread_mutex_lock(&queue->mutex);
    ASSERT(bytes <= queue->held_bytes);
    queue->held_bytes -= bytes;
    flow_rate_add(&queue->released, bytes, now_ns);
    queue->full = false;
    note_room(queue);
    bool wake = has_news(queue) && must_wake(queue);
    pthread_mutex_unlock(&queue->mutex);
    if (wake) {
        pthread_cond_signal(&queue->work);
    }
}

void append_queue_refuse(struct append_queue *queue, const struct error *why, unsigned retry_ms)
{
    ASSERT(why->status == STATUS_NO_SPACE || why->status == STATUS_UNAVAILABLE);
    pthread_mutex_lock(&queue->mutex);
    queue->accepting = why->status;
    queue->retry_at_ns =
        retry_ms == APPEND_REFUSE_FOR_GOOD
            ? UINT64_MAX
            : clock_monotonic_ns(queue->clock) + (uint64_t)retry_ms * NANOSECONDS_PER_MILLISECOND;
    memcpy(queue->reason, why->message, sizeof queue->reason);
    pthread_mutex_unlock(&queue->mutex);
}

void append_queue_resume(struct append_queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    queue->accepting = STATUS_OK;
    queue->reason[0] = '\0';
    pthread_mutex_unlock(&queue->mutex);
}

void append_queue_stop(struct append_queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    queue->stopping = true;
    pthread_mutex_unlock(&queue->mutex);
    pthread_cond_signal(&queue->work);
}

/* Behind a lack of room until there is as much as news of it wants; else until what waits is
 * committed. Under the lock. */
static unsigned retry_after_s(const struct append_queue *queue, bool full)
{
    uint64_t now_ns = clock_monotonic_ns(queue->clock);
    if (full) {
        uint64_t wanted = queue->held_bytes + queue->outstanding_bytes + room_wanted(queue);
        uint64_t most = queue->limits.held_bytes_max;
        return wanted <= most ? 1 : flow_rate_seconds(&queue->released, wanted - most, now_ns);
    }
    return queue->accepting == STATUS_OK && queue->outstanding_bytes > 0
               ? flow_rate_seconds(&queue->settled, queue->outstanding_bytes, now_ns)
               : 0;
}

bool append_queue_describe(struct append_queue *queue, struct event_log_state *out_state)
{
    pthread_mutex_lock(&queue->mutex);
    out_state->accepting = queue->accepting;
    memcpy(out_state->reason, queue->reason, sizeof queue->reason);
    bool full = queue->accepting == STATUS_OK && queue->full;
    if (full) {
        out_state->accepting = STATUS_NO_SPACE;
    }
    out_state->retry_after_s = retry_after_s(queue, full);
    out_state->bytes = queue->held_bytes;
    out_state->bytes_max = queue->limits.held_bytes_max;
    pthread_mutex_unlock(&queue->mutex);
    return full;
}
