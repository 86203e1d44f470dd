#pragma once
/*
 * One who follows activities as they come (live_tail.h): a bounded queue of events of a stream of
 * Server-Sent Events. Whoever is behind loses the oldest, and is told how many. An event is
 * rendered once and shared by all queues that it is in.
 *
 * Threads: the tail's threads push, the owner's takes; each queue has a short lock of its own.
 */
#include "base/error.h"
#include "base/macros.h"
#include "base/memory_budget.h"
#include "domain/activity_filter.h"
#include "domain/position.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

enum {
    LIVE_QUEUE_EVENTS_MAX = 4096,
    LIVE_QUEUE_BYTES_MAX = 2 * 1024 * 1024 /* of more than one event */
};

/* Text as it is sent. Behind it stands the user's id, for whoever has to be forgotten. */
struct live_event {
    atomic_uint references;
    struct memory_budget *memory;
    uint64_t activities; /* that are missing when this is */
    int64_t received_at_ms;
    size_t len;
    size_t user_len; /* 0: nobody's */
    char text[];
};

/* A copy, with one reference, charged to `memory`; NULL without any. `activity` is the one that it
 * tells of, or NULL. */
struct live_event *live_event_new(struct memory_budget *memory, struct str text,
                                  const struct activity *activity);
void live_event_unref(struct live_event *event);

enum live_state {
    LIVE_JOINS,   /* nothing is known yet */
    LIVE_FOLLOWS, /* events come */
    LIVE_REFUSED, /* nothing will come, and `why` says why */
    LIVE_ENDED    /* nothing more comes; joining again may succeed */
};

struct live_backfill;

/* Embedded in its owner, who fills in the first part. */
struct live_listener {
    struct activity_filter filter; /* what it points to lives as long as the listener */
    bool resumes;                  /* behind an event that it had before */
    struct uuid log_id;            /* of that event */
    struct position_set from;      /* likewise; freed with the listener */
    /* There is something to take, after a rest; from a thread of the tail, must not block. */
    void (*woken)(struct live_listener *listener);
    /* Nobody has it any more; from any thread. */
    void (*released)(struct live_listener *listener);

    atomic_uint references;
    pthread_mutex_t mutex; /* guards what follows */
    enum live_state state;
    struct error why;
    struct live_event *events[LIVE_QUEUE_EVENTS_MAX];
    size_t first;
    size_t count;
    size_t bytes;
    uint64_t lost; /* in front of the first */
    bool awake;    /* its owner was woken and does not rest again yet */
    bool left;

    /* The tail's. */
    struct live_listener *next;
    struct live_backfill *backfill; /* it is not up to date yet */
    uint64_t told_at_ms;            /* when it was last given something */
};

/* With one reference, its owner's. */
void live_listener_init(struct live_listener *listener);
void live_listener_ref(struct live_listener *listener);
void live_listener_unref(struct live_listener *listener);

/* --- for the owner --- */

enum live_state live_listener_state(struct live_listener *listener, struct error *out_why);

/* The next event, whose reference is the caller's, or NULL. `out_lost` says how many activities are
 * missing in front of it, or of whatever comes next. */
struct live_event *live_listener_take(struct live_listener *listener, uint64_t *out_lost);

/* True: it is woken when there is something, while it joins when that is over. False: there is
 * already. */
bool live_listener_rest(struct live_listener *listener);

/* --- for the tail --- */

/* Takes no reference of the caller's away. */
void live_listener_push(struct live_listener *listener, struct live_event *event);

/* An event for which there was no memory. */
void live_listener_lose(struct live_listener *listener, uint64_t activities);

bool live_listener_has_room(struct live_listener *listener);
void live_listener_set_state(struct live_listener *listener, enum live_state state,
                             const struct error *why);
bool live_listener_has_left(struct live_listener *listener);

/* Nothing more is wanted: empties the queue. */
void live_listener_set_left(struct live_listener *listener);

/* Takes out what is about the user and was received before. */
void live_listener_forget(struct live_listener *listener, struct str user_id, int64_t before_ms);
