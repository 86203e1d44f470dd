#pragma once
/*
 * The rows of a batch on their way to their verdicts. Rows with one id form a group in their order;
 * its first row that is still waiting is sent to the server, and the others are judged against what
 * the server then has: an unordered insert is carried out in any order, so equal ids must not be in
 * it twice. The worker's thread; while parts of a batch are being sent, each row that is sent
 * belongs to the thread that sends it.
 */
#include "domain/activity_batch.h"
#include "domain/activity_store.h"

enum row_state {
    ROW_WAITS,
    ROW_SENT_STORED,  /* by this attempt */
    ROW_SENT_EXISTS,  /* there is a document with its id */
    ROW_SENT_REFUSED, /* the server will never take it */
    ROW_JUDGED        /* it has its verdict */
};

struct put_row {
    uint32_t next;     /* the next row with this id, plus 1; 0: none */
    uint32_t previous; /* the one before */
    enum row_state state;
    enum verdict verdict;
    bool inserted; /* by this attempt: to be removed if an erasure turns out to cover it */
    bool taken;    /* an erasure removed it, and counted it, after it was inserted */
};

struct put_rows {
    const struct activity_batch *batch;
    uint64_t seed;
    struct put_row *rows; /* batch->count */
    size_t capacity;
    uint32_t *slots; /* first row of each id, plus 1; 0: free */
    size_t slot_count;
    size_t slots_capacity;
    uint32_t *chosen; /* rows to be sent, in the order of the batch */
    size_t chosen_count;
};

void put_rows_init(struct put_rows *rows, uint64_t seed);
void put_rows_deinit(struct put_rows *rows);

/* Begins a batch: all rows wait. NO_MEMORY. */
MUST_USE enum status put_rows_begin(struct put_rows *rows, const struct activity_batch *batch);

/* Gives a verdict. */
void put_rows_judge(struct put_rows *rows, size_t row, enum verdict verdict);

/* Puts the first waiting row of each id among `chosen`. */
void put_rows_choose(struct put_rows *rows);

/* The row with this id that was sent and found to exist; false: none. */
bool put_rows_find_existing(const struct put_rows *rows, struct str id, size_t *out_row);
