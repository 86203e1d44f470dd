#pragma once
/*
 * What the two threads of a live tail share.
 */
#include "application/live_tail.h"

enum {
    LIVE_ROWS_MAX = 256,    /* that are read and shown at once */
    LIVE_BACKFILLS_MAX = 16 /* at a time; others wait for their turn */
};

struct live_batch {
    struct log_tail_batch rows;
    size_t done;    /* rows that were shown, or are not to be */
    bool waits;     /* there is something of it left */
    bool told_gone; /* what is gone in front of it was told */
    bool erased[LIVE_ROWS_MAX];
};

struct live_backfill {
    struct live_backfill *next;
    struct live_listener *listener;
    struct log_tail *tail;
    struct position_set reached; /* of this listener */
    struct live_batch batch;
    bool from_elsewhere; /* the event was of another log */
    bool begun;
    uint64_t deadline_ms;
};

struct live_tail {
    struct live_tail_config config;
    pthread_t follower;
    pthread_t filler;
    unsigned threads;

    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    bool stopping;
    size_t listeners; /* that joined and did not leave */
    struct live_listener *joining;
    struct live_listener **joining_end;
    struct live_backfill *waiting;
    struct live_backfill **waiting_end;

    /* Held while anything is shown, and by whoever says what may be. Taken before `mutex` and the
     * listeners' locks. */
    pthread_mutex_t showing;
    struct live_listener *followers; /* everybody who was let in */
    struct uuid log_id;
    struct position_set reached;
    struct buffer frame;
    struct memory_budget memory; /* of all events that wait anywhere */

    /* The follower's. */
    struct log_tail *tail;
    struct live_batch batch;
    uint64_t retry_at_ms;
    uint64_t idle_since_ms; /* 0: there are listeners */
    bool failing;           /* told in the log */
};

/* --- live_show.c; under `showing` --- */

/* Asks the store about what is left of the batch. */
MUST_USE enum status live_judge(struct live_tail *tail, struct live_batch *batch,
                                struct error *err);

/* The event of one row, which is the last of `reached`; NULL without memory. */
struct live_event *live_render(struct live_tail *tail, const struct position_set *reached,
                               const struct activity *activity);

/* Activities that can no longer be had, or nobody knows how many. */
#define LIVE_GAP_UNKNOWN UINT64_MAX
void live_push_gap(struct live_tail *tail, struct live_listener *listener, uint64_t missed,
                   const char *why);

/* The first event: how to come back, and where from unless `reached` is NULL. False without memory:
 * who does not know that would miss what comes before he is there again. */
MUST_USE bool live_push_opening(struct live_tail *tail, struct live_listener *listener,
                                const struct position_set *reached);
void live_push_heartbeat(struct live_tail *tail, struct live_listener *listener);

/* --- live_backfill.c --- */

/* Lets a listener wait for its turn. NO_MEMORY. */
MUST_USE enum status live_backfill_add(struct live_tail *tail, struct live_listener *listener);
void *live_backfill_run(void *context);
