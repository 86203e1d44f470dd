#include "interfaces/http/http_mailbox.h"

#include "base/array.h"
#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

void http_mailbox_init(struct http_mailbox *mailbox, void (*wake)(void *context), void *context)
{
    *mailbox = (struct http_mailbox){.wake = wake, .context = context};
    int failed = pthread_mutex_init(&mailbox->mutex, NULL);
    ASSERT(failed == 0);
}

static void mail_deinit(struct http_mail *mail)
{
    free(mail->completions);
    free(mail->descriptors);
}

void http_mailbox_deinit(struct http_mailbox *mailbox)
{
    mail_deinit(&mailbox->incoming);
    mail_deinit(&mailbox->taken);
    pthread_mutex_destroy(&mailbox->mutex);
}

static bool mail_reserve(struct http_mail *mail, size_t count)
{
    return ARRAY_RESERVE(mail->completions, mail->completion_capacity, count);
}

enum status http_mailbox_reserve(struct http_mailbox *mailbox, size_t count)
{
    pthread_mutex_lock(&mailbox->mutex);
    bool reserved = mail_reserve(&mailbox->incoming, count);
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

void http_mailbox_put(struct http_mailbox *mailbox, const struct http_completion *completions,
                      size_t count)
{
    pthread_mutex_lock(&mailbox->mutex);
    bool closed = mailbox->closed;
    if (!closed && count > 0) {
        struct http_mail *mail = &mailbox->incoming;
        bool reserved = mail_reserve(mail, mail->completion_count + count);
        ASSERT(reserved);
        memcpy(mail->completions + mail->completion_count, completions,
               count * sizeof *completions);
        mail->completion_count += count;
        mailbox_wake_locked(mailbox);
    }
    pthread_mutex_unlock(&mailbox->mutex);
    for (size_t i = 0; closed && i < count; i++) {
        completions[i].run(NULL, &completions[i]);
    }
}

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

const struct http_mail *http_mailbox_take(struct http_mailbox *mailbox)
{
    struct http_mail *taken = &mailbox->taken;
    taken->completion_count = 0;
    taken->descriptor_count = 0;
    pthread_mutex_lock(&mailbox->mutex);
    struct http_mail mail = mailbox->incoming;
    mailbox->incoming = *taken;
    mailbox->woken = false;
    /* The arrays change places, so the room that was reserved must be in both. */
    bool reserved = mail_reserve(&mailbox->incoming, mail.completion_capacity);
    pthread_mutex_unlock(&mailbox->mutex);
    ASSERT(reserved);
    *taken = mail;
    return taken;
}

void http_mailbox_close(struct http_mailbox *mailbox)
{
    pthread_mutex_lock(&mailbox->mutex);
    mailbox->closed = true;
    pthread_mutex_unlock(&mailbox->mutex);
}
