#include "interfaces/http/http_mailbox.h"

#include "base/array.h"
#include "base/assert.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PAUSE_NS = 1000 * 1000 };

void http_mailbox_init(struct http_mailbox *mailbox, void (*wake)(void *context), void *context)
{
    *mailbox = (struct http_mailbox){.wake = wake, .context = context};
    int failed = pthread_mutex_init(&mailbox->mutex, NULL);
    ASSERT(failed == 0);
}

void http_mailbox_deinit(struct http_mailbox *mailbox)
{
    free(mailbox->incoming.completions.completions);
    free(mailbox->incoming.descriptors);
    free(mailbox->taken.completions.completions);
    free(mailbox->taken.descriptors);
    free(mailbox->patient.completions);
    free(mailbox->patient_taken.completions);
    pthread_mutex_destroy(&mailbox->mutex);
}

/* --- completions --- */

static bool queue_reserve(struct http_completion_queue *queue, size_t count)
{
    return ARRAY_RESERVE(queue->completions, queue->capacity, count);
}

/* There is room for them. */
static void queue_add(struct http_completion_queue *queue,
                      const struct http_completion *completions, size_t count)
{
    memcpy(queue->completions + queue->count, completions, count * sizeof *completions);
    queue->count += count;
}

/* What came changes places with what is done with. So do their arrays, and the room that was
 * reserved should be in both. Without memory it is asked for again when it is needed. */
static void queue_swap(struct http_completion_queue *incoming, struct http_completion_queue *taken)
{
    struct http_completion_queue came = *incoming;
    *incoming = *taken;
    incoming->count = 0;
    *taken = came;
    (void)queue_reserve(incoming, came.capacity);
}

enum status http_mailbox_reserve(struct http_mailbox *mailbox, size_t count)
{
    pthread_mutex_lock(&mailbox->mutex);
    bool reserved = queue_reserve(&mailbox->incoming.completions, count) &&
                    queue_reserve(&mailbox->patient, count);
    pthread_mutex_unlock(&mailbox->mutex);
    return reserved ? STATUS_OK : STATUS_NO_MEMORY;
}

static void mailbox_wake_locked(struct http_mailbox *mailbox)
{
    if (!mailbox->woken) {
        mailbox->woken = true;
        mailbox->wake(mailbox->context);
    }
}

/* Room was reserved with each ticket, but what is gone before its result came leaves its room to
 * the next. A result must not be lost, so without memory its bringer waits for some, or until the
 * loop has taken what is there. */
static void await_room_locked(struct http_mailbox *mailbox, struct http_completion_queue *queue,
                              size_t count)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    while (!mailbox->closed && !queue_reserve(queue, queue->count + count)) {
        pthread_mutex_unlock(&mailbox->mutex);
        nanosleep(&pause, NULL);
        pthread_mutex_lock(&mailbox->mutex);
    }
}

static void put(struct http_mailbox *mailbox, struct http_completion_queue *queue,
                const struct http_completion *completions, size_t count)
{
    pthread_mutex_lock(&mailbox->mutex);
    await_room_locked(mailbox, queue, count);
    bool closed = mailbox->closed;
    if (!closed && count > 0) {
        queue_add(queue, completions, count);
        mailbox_wake_locked(mailbox);
    }
    pthread_mutex_unlock(&mailbox->mutex);
    for (size_t i = 0; closed && i < count; i++) {
        completions[i].run(NULL, &completions[i]);
    }
}

void http_mailbox_put(struct http_mailbox *mailbox, const struct http_completion *completions,
                      size_t count)
{
    put(mailbox, &mailbox->incoming.completions, completions, count);
}

void http_mailbox_put_patient(struct http_mailbox *mailbox,
                              const struct http_completion *completions, size_t count)
{
    put(mailbox, &mailbox->patient, completions, count);
}

/* --- connections --- */

static bool mail_add_descriptor(struct http_mail *mail, int descriptor)
{
    if (!ARRAY_RESERVE(mail->descriptors, mail->descriptor_capacity, mail->descriptor_count + 1)) {
        return false;
    }
    mail->descriptors[mail->descriptor_count] = descriptor;
    mail->descriptor_count++;
    return true;
}

bool http_mailbox_put_descriptor(struct http_mailbox *mailbox, int descriptor)
{
    pthread_mutex_lock(&mailbox->mutex);
    bool put = !mailbox->closed && mail_add_descriptor(&mailbox->incoming, descriptor);
    if (put) {
        mailbox_wake_locked(mailbox);
    }
    pthread_mutex_unlock(&mailbox->mutex);
    return put;
}

void http_mailbox_wake(struct http_mailbox *mailbox)
{
    pthread_mutex_lock(&mailbox->mutex);
    if (!mailbox->closed) {
        mailbox_wake_locked(mailbox);
    }
    pthread_mutex_unlock(&mailbox->mutex);
}

/* --- the loop --- */

static void swap_descriptors(struct http_mail *incoming, struct http_mail *taken)
{
    struct http_mail came = *incoming;
    incoming->descriptors = taken->descriptors;
    incoming->descriptor_capacity = taken->descriptor_capacity;
    incoming->descriptor_count = 0;
    taken->descriptors = came.descriptors;
    taken->descriptor_capacity = came.descriptor_capacity;
    taken->descriptor_count = came.descriptor_count;
}

const struct http_mail *http_mailbox_take(struct http_mailbox *mailbox)
{
    pthread_mutex_lock(&mailbox->mutex);
    queue_swap(&mailbox->incoming.completions, &mailbox->taken.completions);
    swap_descriptors(&mailbox->incoming, &mailbox->taken);
    mailbox->patient_came = mailbox->patient.count > 0;
    mailbox->woken = false;
    pthread_mutex_unlock(&mailbox->mutex);
    return &mailbox->taken;
}

const struct http_completion *http_mailbox_take_patient(struct http_mailbox *mailbox)
{
    struct http_completion_queue *taken = &mailbox->patient_taken;
    if (mailbox->patient_done == taken->count) {
        if (!mailbox->patient_came) {
            return NULL;
        }
        mailbox->patient_came = false;
        mailbox->patient_done = 0;
        pthread_mutex_lock(&mailbox->mutex);
        queue_swap(&mailbox->patient, taken);
        pthread_mutex_unlock(&mailbox->mutex);
    }
    return &taken->completions[mailbox->patient_done++];
}

void http_mailbox_close(struct http_mailbox *mailbox)
{
    pthread_mutex_lock(&mailbox->mutex);
    mailbox->closed = true;
    pthread_mutex_unlock(&mailbox->mutex);
}
