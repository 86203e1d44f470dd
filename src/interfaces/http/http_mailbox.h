#pragma once
/*
 * What other threads leave for a loop: completions of exchanges, and connections that a busier loop
 * hands over. One mutex, held for a copy of a few words only; the loop takes everything at once by
 * swapping two arrays. Any thread may put; only the loop takes.
 *
 * Patient completions have a queue of their own, from which the loop takes one after the other, a
 * few in each turn: a thousand of them at once hold nobody else up.
 *
 * Putting never fails: room for every exchange of the loop is reserved when the exchange is made.
 * Only completions of exchanges that are gone can make the array grow, and who puts one of them in
 * a process without memory for these few bytes waits for some: losing it would keep its data for
 * ever.
 */
#include "base/macros.h"
#include "base/status.h"
#include "interfaces/http/http_exchange.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct http_completion_queue {
    struct http_completion *completions;
    size_t count;
    size_t capacity;
};

struct http_mail {
    struct http_completion_queue completions;
    int *descriptors;
    size_t descriptor_count;
    size_t descriptor_capacity;
};

struct http_mailbox {
    pthread_mutex_t mutex;
    struct http_mail incoming;
    struct http_mail taken; /* the loop's own; swapped with `incoming` */
    struct http_completion_queue patient;
    struct http_completion_queue patient_taken; /* the loop's own; swapped when it is done */
    size_t patient_done;                        /* of these */
    bool patient_came;                          /* the loop's own: `patient` was not empty */
    void (*wake)(void *context);
    void *context;
    bool woken;  /* a wake-up is under way, a further one is not needed */
    bool closed; /* the loop has ended */
};

/* `wake` is called with the mutex held and must only signal. */
void http_mailbox_init(struct http_mailbox *mailbox, void (*wake)(void *context), void *context);
void http_mailbox_deinit(struct http_mailbox *mailbox);

/* Makes room for `count` completions in all, of either kind. */
MUST_USE enum status http_mailbox_reserve(struct http_mailbox *mailbox, size_t count);

/* Once the mailbox is closed, completions run at once on the caller, without an exchange. */
void http_mailbox_put(struct http_mailbox *mailbox, const struct http_completion *completions,
                      size_t count);
void http_mailbox_put_patient(struct http_mailbox *mailbox,
                              const struct http_completion *completions, size_t count);

/* False when the loop takes no more connections; the descriptor stays the caller's. */
bool http_mailbox_put_descriptor(struct http_mailbox *mailbox, int descriptor);

/* Wakes the loop without mail. */
void http_mailbox_wake(struct http_mailbox *mailbox);

/* Everything that came but patient completions; valid until the next take. */
const struct http_mail *http_mailbox_take(struct http_mailbox *mailbox);

/* The patient completion that came first; NULL: there is none. Valid until the next one is taken.
 */
const struct http_completion *http_mailbox_take_patient(struct http_mailbox *mailbox);

/* Nothing may be put any more; the last mail is taken behind it. */
void http_mailbox_close(struct http_mailbox *mailbox);
