#pragma once
/*
 * For the tests of the worker: a log, a store and a refused list in one, which fail on command and
 * remember what became of each row. Any thread.
 */
#include "application/store_activities.h"

enum { WORLD_ROWS_MAX = 64, WORLD_COMMITS_MAX = 64, WORLD_TEXT_BYTES = 200 };

/* Any port call may be told to fail; each counts. */
enum call {
    CALL_POLL,
    CALL_SEEK,
    CALL_COMMIT,
    CALL_END_POSITION,
    CALL_PUT,
    CALL_DURABLE_POSITIONS,
    CALL_SYNC,
    CALL_EXPIRE,
    CALL_REFUSE,
    CALL_COUNT
};

enum durable { DURABLE_NEVER, DURABLE_AT_SYNC, DURABLE_AT_PUT };

/* A log of `row_count` activities, a store and a list beside it, one lock for all. */
struct world {
    struct event_log log;
    struct activity_store store;
    struct refusal_list refusals;
    struct uuid log_id;
    pthread_mutex_t lock;

    struct logged_activity
        rows[WORLD_ROWS_MAX]; /* offset i stands at i when there is one partition */
    size_t row_count;
    bool log_refuses[WORLD_ROWS_MAX]; /* it hands the row over as refused */
    struct refusal refused[WORLD_ROWS_MAX];
    size_t read_at;
    struct position_set next;
    struct position_set seeked;
    int64_t commits[WORLD_COMMITS_MAX]; /* of partition 0 */
    size_t commit_count;
    size_t poll_count;
    uint64_t log_bytes;     /* as described */
    uint64_t log_bytes_max; /* 0: no limit */

    enum durable durable;
    unsigned stored[WORLD_ROWS_MAX]; /* how often put_batch answered OK for the row */
    bool store_refuses[WORLD_ROWS_MAX];
    size_t put_count;
    size_t cover_count; /* puts of nothing, behind refused rows that were listed */
    bool listed[WORLD_ROWS_MAX];
    char listed_raw[WORLD_ROWS_MAX][WORLD_TEXT_BYTES]; /* of the first time, as the others */
    char listed_key[WORLD_ROWS_MAX][WORLD_TEXT_BYTES];
    char listed_reason[WORLD_ROWS_MAX][WORLD_TEXT_BYTES];
    struct position_set covered;
    struct position_set durable_positions;

    size_t expire_count;     /* calls that were answered OK */
    int64_t expired_before;  /* by the last of them */
    uint64_t rows_to_expire; /* what the next one answers */

    enum status fail_with[CALL_COUNT]; /* STATUS_OK: it works */
    unsigned fail_times[CALL_COUNT];
    unsigned fail_any_at;      /* the nth call of whatever kind fails, 0: none */
    enum status fail_any_with; /* with this */
    const void *failed_rows;   /* of the put_batch that failed last */
    size_t failed_count;
};

/* Allocates nothing yet. */
void world_init(struct world *world);
void world_deinit(struct world *world);

/* An activity more in the log. */
void world_add_row(struct world *world, struct position position);

/* So many more, behind the others in partition 0. */
void world_add_rows(struct world *world, size_t count);

/* The worker's process is gone: the next one reads from the start, and what the store did not make
 * durable is not there. */
void world_crash(struct world *world);

/* What lies below in partition 0 is durable in the store from now on. */
void world_make_durable(struct world *world, int64_t offset);
