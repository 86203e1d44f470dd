#pragma once
/*
 * The way from the event loops to the committer: a bounded queue of encoded appends, the pool of
 * their buffers, the account of bytes, and whether the log accepts at all. Encoding happens between
 * reserve and push, outside of the lock. Wakes the committer only when it sleeps. Any thread.
 */
#include "application/event_log.h"
#include "base/clock.h"
#include "base/flow_rate.h"

#include <pthread.h>
#include <stdbool.h>

enum {
    APPEND_QUEUE_APPENDS_MAX = 65536, /* waiting or being committed */
    APPEND_POOLED_BYTES = 4096,       /* a buffer up to this size is kept for the next append */
    APPEND_POOL_MAX = 1024            /* buffers kept */
};

struct append_record {
    struct append_record *next;
    struct append_listener *listener;
    struct append_ticket ticket;
    uint32_t count;  /* activities */
    bool has_traces; /* some of them do */
    size_t length;   /* bytes of their frames */
    size_t capacity; /* of frames */
    uint8_t *frames;
};

struct append_queue_limits {
    size_t queue_bytes_max;  /* frames waiting or being committed */
    uint64_t held_bytes_max; /* these and what the segments hold */
    unsigned look_every_ms;  /* without anything to take; 0: only after a failure */
};

struct append_queue {
    const struct clock *clock;
    struct append_queue_limits limits;

    pthread_mutex_t mutex;
    pthread_cond_t work;
    struct append_record *first;
    struct append_record *last;
    struct append_record *pool;
    size_t pool_count;
    size_t outstanding;       /* appends reserved and not settled */
    size_t outstanding_bytes; /* of their frames and a header each */
    uint64_t held_bytes;
    bool committer_sleeps;
    bool stopping;

    bool full;             /* an append was refused for held_bytes_max */
    bool lacks_room;       /* likewise, and since then not an eighth of it came free again */
    bool told_lack;        /* what append_queue_take_news said last */
    enum status accepting; /* OK, NO_SPACE or UNAVAILABLE, as the newest commit went */
    uint64_t retry_at_ns;  /* when not OK: from then on the next append tries the disk */
    char reason[ERROR_MESSAGE_BYTES];
    struct flow_rate settled;  /* bytes that waited */
    struct flow_rate released; /* bytes that the segments held */
};

void append_queue_init(struct append_queue *queue, const struct clock *clock,
                       const struct append_queue_limits *limits);
void append_queue_deinit(struct append_queue *queue);

/* A record with room for `length` bytes. BUSY, NO_SPACE, UNAVAILABLE, TOO_LARGE, NO_MEMORY. */
MUST_USE enum status append_queue_reserve(struct append_queue *queue, size_t length,
                                          struct append_record **out_record);

/* Queues a record that was reserved. */
void append_queue_push(struct append_queue *queue, struct append_record *record);

/* Why the committer goes on. */
enum append_wake {
    APPEND_WAKE_COMMIT, /* records wait */
    APPEND_WAKE_STOP,   /* the log stops, and nothing is left */
    APPEND_WAKE_NEWS,   /* there were some; they may be gone before they are taken */
    APPEND_WAKE_LOOK    /* it is time to look whether commits would go well; never comes
                           behind a refusal for good */
};

/* For the committer: what waits, in order, at most `count_max` records and, behind the first one,
 * `bytes_max` bytes. Waits for some, or for another reason to go on, and gives none then. */
MUST_USE enum append_wake append_queue_take(struct append_queue *queue, size_t count_max,
                                            size_t bytes_max, struct append_record **out_records,
                                            size_t *out_count);

/* The account of records whose fate is known, before their listeners hear: they wait no more, and
 * the segments hold `written` bytes more, 0 when they were not written. */
void append_queue_settle(struct append_queue *queue, struct append_record *const *records,
                         size_t count, uint64_t written);

/* Gives settled records back after their listeners heard. */
void append_queue_recycle(struct append_queue *queue, struct append_record *const *records,
                          size_t count);

/* What waits or is being committed now. */
struct append_queue_load {
    size_t appends;
    size_t bytes;
};

struct append_queue_load append_queue_load(struct append_queue *queue);

bool append_queue_is_empty(struct append_queue *queue);

/* For the committer: true once for each time that the log became full or has room again, so that
 * somebody is told. At its limit a log refuses one append and takes the next smaller one, so
 * "again" waits until an eighth of the limit is free. */
bool append_queue_take_news(struct append_queue *queue, bool *out_lacks_room);

/* What the segments hold at opening; what of it was dropped. */
void append_queue_hold(struct append_queue *queue, uint64_t bytes);
void append_queue_release(struct append_queue *queue, uint64_t bytes);

enum { APPEND_REFUSE_FOR_GOOD = 0 };

/* A commit failed with NO_SPACE or UNAVAILABLE: refuses likewise for `retry_ms`, then lets appends
 * and the committer try, or for good. */
void append_queue_refuse(struct append_queue *queue, const struct error *why, unsigned retry_ms);

/* Commits go well again. */
void append_queue_resume(struct append_queue *queue);

/* What is queued will still be taken; nothing new is accepted. */
void append_queue_stop(struct append_queue *queue);

/* True: it refuses for held_bytes_max alone, for which the owner has the words; else the reason is
 * that of the newest refusal. */
bool append_queue_describe(struct append_queue *queue, struct event_log_state *out_state);
