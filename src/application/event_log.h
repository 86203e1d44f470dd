#pragma once
/*
 * The transport port: the durable queue between API and worker. Adapters fill a const table of
 * operations; callers use the wrappers below, which assert the contract. The contract suite in
 * tests/contract/event_log_contract.c holds every adapter to what is written here.
 *
 * Appending is asynchronous: append returns at once, and the listener hears from the adapter's own
 * thread when the batch is durable or cannot be made so. Appends of one thread keep their order in
 * the log (in each partition, where a log has several).
 *
 * Threads: append, end_position and describe from any thread; poll, seek and commit from one
 * thread, the worker. append, end_position and describe never block on I/O, so event loops may call
 * them.
 */
#include "base/error.h"
#include "base/macros.h"
#include "domain/activity_batch.h"
#include "domain/position.h"

#include <stdbool.h>
#include <stdint.h>

enum durability {
    DURABILITY_MEMORY,     /* gone with the process */
    DURABILITY_LOCAL_DISK, /* fdatasync returned */
    DURABILITY_REPLICATED  /* acknowledged by all in-sync replicas */
};

/* Says which request an append belongs to. The log hands it back untouched; whoever gave it checks
 * the generation, so that an answer for a connection that is gone is dropped. */
struct append_ticket {
    uint32_t loop;
    uint32_t slot;
    uint64_t generation;
};

struct append_result {
    struct append_ticket ticket;
    enum status status; /* OK: durable. Anything else: nothing is promised, and the batch may or may
                           not appear in the log. UNAVAILABLE, NO_SPACE, TIMED_OUT */
    enum durability durability;
    size_t count;                   /* activities of the append */
    struct uuid log_id;             /* of the log that holds them; OK only */
    const struct position *reached; /* highest offset in each partition touched, ascending; OK only
                                     */
    size_t reached_count;
};

/* The one who hears of appends, embedded in its owner. `completed` is called on the log's thread
 * with all results of one commit that belong to this listener; it must not block and must not call
 * the log. The array and `reached` live until it returns. */
struct append_listener {
    void (*completed)(struct append_listener *listener, const struct append_result *results,
                      size_t count);
};

struct event_log;

/* What waits on this machine's disk because the log itself could not be reached; zeros: nothing, or
 * no such place. */
struct event_log_spill_state {
    bool configured;
    enum status
        accepting; /* as below: whether it would take activities now, also while it need not */
    char reason[ERROR_MESSAGE_BYTES]; /* why it would not; else "" */
    uint64_t activities;
    uint64_t bytes;
    uint64_t bytes_max;
    unsigned retry_after_s; /* when there will be room again, as fast as it empties; 0: not known */
};

struct event_log_state {
    const char *kind; /* "memory", "local", "kafka": static */
    struct uuid log_id;
    enum durability durability;
    enum status accepting; /* OK, NO_SPACE (full, may recover) or UNAVAILABLE (see reason) */
    char reason[ERROR_MESSAGE_BYTES]; /* why it does not accept, or where instead; else "" */
    uint64_t bytes;                   /* held now; 0 when the adapter cannot know */
    uint64_t bytes_max;               /* 0: no limit of its own */
    uint64_t activity_bytes_max;      /* that one activity may have, as activity_message.h measures
                                         it; 0: no such limit */
    unsigned retry_after_s; /* when it will take again what it refuses now, as fast as it empties;
                               0: not known */
    uint64_t missing; /* activities that had an offset and could not be served since the start */
    char warning[ERROR_MESSAGE_BYTES]; /* it works, but less safely than it should; "": no such */
    struct event_log_spill_state spill;
};

struct event_log_operations {
    enum status (*append)(struct event_log *log, const struct activity *activities, size_t count,
                          struct append_listener *listener, struct append_ticket ticket);
    enum status (*poll)(struct event_log *log, size_t rows_max, unsigned wait_ms,
                        struct activity_batch *out_batch, struct error *err);
    enum status (*seek)(struct event_log *log, const struct position_set *positions,
                        struct error *err);
    enum status (*commit)(struct event_log *log, const struct position_set *positions,
                          struct error *err);
    enum status (*end_position)(struct event_log *log, struct position_set *out_positions);
    void (*describe)(struct event_log *log, struct event_log_state *out_state);
    void (*free)(struct event_log *log);
};

/* Embedded first in every adapter. */
struct event_log {
    const struct event_log_operations *operations;
};

enum {
    EVENT_LOG_APPEND_ACTIVITIES_MAX = 100000, /* in one append */
    EVENT_LOG_POLL_ROWS_MAX = 100000          /* in one poll */
};

/* Queues `count` >= 1 activities as one batch: all of them become durable or none is promised. The
 * slices are borrowed until this returns. Every OK is followed by exactly one result to `listener`.
 * BUSY: the queue is full, come back later. NO_SPACE: disk or configured size is full. UNAVAILABLE:
 * the log stopped accepting. TOO_LARGE: more than the log takes in one batch. NO_MEMORY. On these
 * no result follows. */
MUST_USE enum status event_log_append(struct event_log *log, const struct activity *activities,
                                      size_t count, struct append_listener *listener,
                                      struct append_ticket ticket);

/* The next durable activities behind the read position, at most `rows_max` with what is refused,
 * which moves past them. Waits at most `wait_ms` for the first one; none: OK with a count of 0 (its
 * `next` may still move, past what holds no activity). The batch is borrowed until the next poll,
 * seek or free. UNAVAILABLE: try again; CORRUPT: stop. */
MUST_USE enum status event_log_poll(struct event_log *log, size_t rows_max, unsigned wait_ms,
                                    struct activity_batch *out_batch, struct error *err);

/* Moves the read position of each partition named; the others stay. Before the first poll all stand
 * at the log's beginning, or where the group of readers that this one belongs to has come to, which
 * counts before what is named then. Below what the log still holds: to its first activity. Beyond
 * its end: CORRUPT, since a store then covers what this log never held. */
MUST_USE enum status event_log_seek(struct event_log *log, const struct position_set *positions,
                                    struct error *err);

/* Everything below is durable in the store: the log may drop it. */
MUST_USE enum status event_log_commit(struct event_log *log, const struct position_set *positions,
                                      struct error *err);

/* Raises `out_positions` to the offset behind the newest durable activity of each partition that
 * this process reads: at least what it was told is durable, and of what other processes appended
 * what it has heard of. NO_MEMORY. */
MUST_USE enum status event_log_end_position(struct event_log *log,
                                            struct position_set *out_positions);

void event_log_describe(struct event_log *log, struct event_log_state *out_state);

/* Stops accepting, completes what was appended, closes. Takes NULL. No other call may be under
 * way. */
void event_log_free(struct event_log *log);
CLEANUP_FUNCTION(struct event_log *, event_log_free)

/* "memory", "local-disk", "replicated", as answers name it. Static. */
const char *durability_name(enum durability durability);
