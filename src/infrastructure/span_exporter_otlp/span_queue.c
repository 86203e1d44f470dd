#include "infrastructure/span_exporter_otlp/span_queue.h"

#include "base/condition.h"
#include "infrastructure/span_exporter_otlp/otlp_json.h"

#include <stdlib.h>

enum { ENTRY_BYTES = 1024 }; /* most spans fit */

/* Stands at the beginning of the buffer with its text. */
struct span_entry {
    struct span_entry *next;
    size_t len;
    size_t capacity; /* of the buffer */
    char text[];
};

void span_queue_init(struct span_queue *queue, size_t spans_max, size_t wake_at)
{
    *queue = (struct span_queue){.spans_max = spans_max, .wake_at = wake_at};
    pthread_mutex_init(&queue->mutex, NULL);
    condition_init(&queue->changed);
}

void span_queue_deinit(struct span_queue *queue)
{
    while (queue->first != NULL) {
        struct span_entry *entry = queue->first;
        queue->first = entry->next;
        free(entry);
    }
    pthread_cond_destroy(&queue->changed);
    pthread_mutex_destroy(&queue->mutex);
}

/* --- adding --- */

static enum status render(const struct span *span, struct span_entry **out_entry)
{
    struct buffer buffer;
    const struct span_entry blank = {.next = NULL};
    buffer_init(&buffer, SPAN_TEXT_BYTES_MAX);
    enum status status = buffer_reserve(&buffer, ENTRY_BYTES);
    if (status != STATUS_OK) {
        return status;
    }
    buffer_append(&buffer, &blank, sizeof blank);
    otlp_json_append_span(&buffer, span);
    if (buffer.failed != STATUS_OK) {
        status = buffer.failed;
        buffer_deinit(&buffer);
        return status;
    }
    struct span_entry *entry = (struct span_entry *)(void *)buffer.data;
    entry->len = buffer.len - sizeof blank;
    entry->capacity = buffer.capacity;
    *out_entry = entry;
    return STATUS_OK;
}

/* Under the lock. */
static enum status put(struct span_queue *queue, struct span_entry *entry)
{
    size_t count = atomic_load_explicit(&queue->count, memory_order_relaxed);
    if (queue->stopping) {
        return STATUS_UNAVAILABLE;
    }
    if (count >= queue->spans_max || queue->bytes + entry->capacity > SPAN_QUEUE_BYTES_MAX) {
        return STATUS_BUSY;
    }
    if (queue->last == NULL) {
        queue->first = entry;
    } else {
        queue->last->next = entry;
    }
    queue->last = entry;
    queue->bytes += entry->capacity;
    atomic_store_explicit(&queue->count, count + 1, memory_order_relaxed);
    return STATUS_OK;
}

enum status span_queue_add(struct span_queue *queue, const struct span *span)
{
    struct span_entry *entry = NULL;
    if (atomic_load_explicit(&queue->count, memory_order_relaxed) >= queue->spans_max) {
        return STATUS_BUSY;
    }
    enum status status = render(span, &entry);
    if (status != STATUS_OK) {
        return status;
    }
    pthread_mutex_lock(&queue->mutex);
    status = put(queue, entry);
    bool wakes = status == STATUS_OK && atomic_load(&queue->count) == queue->wake_at;
    pthread_mutex_unlock(&queue->mutex);
    if (status != STATUS_OK) {
        free(entry);
    }
    if (wakes) {
        pthread_cond_signal(&queue->changed);
    }
    return status;
}

/* --- taking --- */

static bool wait_for(struct span_queue *queue, size_t enough, const struct timespec *deadline)
{
    bool in_time = true;
    pthread_mutex_lock(&queue->mutex);
    while (in_time && !queue->stopping && atomic_load(&queue->count) < enough) {
        in_time = condition_wait_until(&queue->changed, &queue->mutex, deadline);
    }
    bool stopping = queue->stopping;
    pthread_mutex_unlock(&queue->mutex);
    return !stopping;
}

bool span_queue_await(struct span_queue *queue, const struct timespec *deadline)
{
    return wait_for(queue, queue->wake_at, deadline);
}

bool span_queue_pause(struct span_queue *queue, const struct timespec *deadline)
{
    return wait_for(queue, SIZE_MAX, deadline);
}

/* NULL: there is none. */
static struct span_entry *take_first(struct span_queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    struct span_entry *entry = queue->first;
    if (entry != NULL) {
        queue->first = entry->next;
        queue->last = queue->first == NULL ? NULL : queue->last;
        queue->bytes -= entry->capacity;
        atomic_fetch_sub_explicit(&queue->count, 1, memory_order_relaxed);
    }
    pthread_mutex_unlock(&queue->mutex);
    return entry;
}

size_t span_queue_take(struct span_queue *queue, size_t spans_max, size_t bytes_max,
                       struct buffer *json)
{
    size_t taken = 0;
    struct span_entry *entry;
    while (taken < spans_max && json->len < bytes_max && (entry = take_first(queue)) != NULL) {
        if (taken > 0) {
            buffer_append_char(json, ',');
        }
        buffer_append(json, entry->text, entry->len);
        free(entry);
        taken++;
    }
    return taken;
}

void span_queue_stop(struct span_queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    queue->stopping = true;
    pthread_mutex_unlock(&queue->mutex);
    pthread_cond_broadcast(&queue->changed);
}
