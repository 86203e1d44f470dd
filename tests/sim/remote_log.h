#pragma once
/*
 * A log on other machines, as a process sees it: it takes appends, and at times it is away. What
 * was appended then fails after a while, or when it is given up; a seeded part of it, from its
 * beginning on, was written all the same, with the report lost or just in time. The content
 * survives its connections, which are the event logs that a process opens and frees.
 *
 * Only numbered activities. Threads: any; a connection has one of its own.
 */
#include "application/event_log.h"
#include "base/random.h"

#include <pthread.h>
#include <stdbool.h>

enum { REMOTE_WRITTEN_MAX = 400000 };

struct remote {
    pthread_mutex_t mutex; /* guards all */
    pthread_cond_t changed;
    struct random_seeded seeded;
    struct random random;
    uint64_t *written; /* numbers, in the order of writing, doubles included */
    size_t written_count;
    bool away;
    bool held;                   /* nothing is completed, until it is given up */
    bool stumbling;              /* callers lose their turn at times while they append */
    unsigned delay_ms;           /* of each append */
    uint64_t activity_bytes_max; /* as it tells; 0: nothing */
    uint64_t refuses_every;      /* never takes numbers that this divides, whoever asks; 0: none */
    unsigned give_ups;
    struct event_log *connection; /* the one that is open */
};

void remote_init(struct remote *remote, uint64_t seed);
void remote_deinit(struct remote *remote);

struct event_log *remote_connect(struct remote *remote);

/* As for event_log_spill: the context is the remote. */
void remote_give_up(void *context);

void remote_set_away(struct remote *remote, bool away);
void remote_hold(struct remote *remote, bool hold);
void remote_set_stumbling(struct remote *remote, bool stumbling);
void remote_set_delay(struct remote *remote, unsigned ms);
void remote_set_activity_bytes_max(struct remote *remote, uint64_t bytes);
void remote_refuse_every(struct remote *remote, uint64_t divisor);

/* The process that has the connection is gone: nothing that it appends is written any more. */
void remote_sever(struct remote *remote);

/* Writes past all connections. */
void remote_write(struct remote *remote, uint64_t number);

size_t remote_count(struct remote *remote);
