#pragma once
/*
 * Sending refused activities again, once their cause is mended: what stands in the refused list is
 * read as a message of a log is, appended to the log, and taken off the list when it is durable.
 *
 * Whatever is sent again has the id that it had: its own, or the one that a message without an id
 * gets from its place (activity_message.h). So a crash between the log and the list, or somebody
 * who sends twice, costs a duplicate that the store sees, and nothing is lost. It keeps its time of
 * receipt, too, and so stays behind an erasure of its user.
 *
 * What still is no activity stays in the list. What the store refuses again comes back to the list
 * with the position that it has then.
 *
 * One at a time: who comes meanwhile is told BUSY. Any thread but an event loop's; it waits for the
 * log and the list.
 */
#include "application/activity_message.h"
#include "application/list_refusals.h"
#include "application/record_activities.h"

#include <pthread.h>

/* For the log, each time; above what a spill takes to step in. */
enum { RESEND_WAIT_MS = 15000 };

struct resend_refusals_config {
    const struct list_refusals *lister; /* borrowed, as all of these */
    struct event_log *log;
    struct record_activities *recorder; /* appends to that log */
    const struct clock *clock;
    const char *topic; /* of the log, as ids of its messages begin; NULL: it has none */
    unsigned wait_ms;  /* RESEND_WAIT_MS but for tests */
};

struct resend_refusals {
    struct resend_refusals_config config;
    pthread_mutex_t in_use; /* held by whoever resends; guards the reader */
    struct activity_message_reader reader;

    struct append_listener listener;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t heard;
    uint64_t generation; /* of the append that is waited for; an earlier one's result is nobody's */
    bool waits;
    enum status status;
    enum durability durability;
};

/* NO_MEMORY. No append of it may be under way when it is taken down: the log is gone then. */
MUST_USE enum status resend_refusals_init(struct resend_refusals *self,
                                          const struct resend_refusals_config *config,
                                          struct error *err);
void resend_refusals_deinit(struct resend_refusals *self);

/* One that was not sent. */
struct kept_refusal {
    struct str id;
    struct str reason;
};

struct resend_outcome {
    size_t looked_at;
    size_t resent;
    struct kept_refusal *kept; /* in the arena */
    size_t kept_count;
    enum durability durability; /* of what was sent, if anything */
    struct str activity_id;     /* of the last one sent; in the arena */
    struct list_refusals_answer
        answer; /* of a page; its cursor is the caller's, initialised by it */
};

/* Sends one entry. NOT_FOUND: there is no such entry. INVALID: it cannot be sent, for the reason
 * that `err` says, and stays. BUSY, UNAVAILABLE, NO_SPACE, TIMED_OUT, NO_MEMORY and what list and
 * log say: it stays, though it may be in the log, and is stored once when it is sent again. */
MUST_USE enum status resend_refusals_one(struct resend_refusals *self, struct str id,
                                         struct arena *arena, struct resend_outcome *out_outcome,
                                         struct error *err);

/* Sends a page of them, the newest, from behind a cursor of list_refusals.h; what is kept is told,
 * and the answer's cursor leads behind the page. Statuses as above but for NOT_FOUND; INVALID: no
 * such cursor. */
MUST_USE enum status resend_refusals_page(struct resend_refusals *self,
                                          const struct list_refusals_question *question,
                                          struct arena *arena, struct resend_outcome *out_outcome,
                                          struct error *err);
