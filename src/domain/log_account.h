#pragma once
/*
 * What became of the positions of an event log: promise 3, counted per position, not per attempt.
 *
 *     covered - start = stored + duplicate + conflict + refused + erased + empty
 *
 * A store keeps such an account beside the positions that it covers, made durable together with
 * them, so that after a crash neither is ahead of the other: what was lost with the one comes again
 * and is counted again. `start` is where counting began: the first position that was handed over of
 * a partition, or what was covered already when a version without accounts had covered it.
 *
 * Only positions between what was covered and what a batch covers now are counted. What comes again
 * from below is a redelivery and counted nowhere, unless it is stored once more, as by a replay
 * after a loss: `replayed` counts these beside the sum.
 *
 * One thread at a time.
 */
#include "domain/activity_batch.h"
#include "domain/verdict.h"

enum log_outcome {
    OUTCOME_STORED,
    OUTCOME_DUPLICATE,
    OUTCOME_CONFLICT,
    OUTCOME_REFUSED, /* by the log, as no activity, or by the store */
    OUTCOME_ERASED,
    OUTCOME_EMPTY, /* the log handed nothing over for the position: a marker of a transaction, or
                      what it does not hold any more */
    OUTCOME_COUNT
};

struct log_counts {
    uint64_t outcomes[OUTCOME_COUNT];
    uint64_t foreign;  /* of them, activities that other programs wrote to the log */
    uint64_t replayed; /* rows that were stored outside of the sum */
};

/* "stored", "duplicate", …: static. */
const char *log_outcome_name(enum log_outcome outcome);

/* All outcomes together. */
uint64_t log_counts_sum(const struct log_counts *counts);

void log_counts_add(struct log_counts *counts, const struct log_counts *more);

/* Makes each number at least as large as the other's: of two states of one account the later. */
void log_counts_raise(struct log_counts *counts, const struct log_counts *later);

/* Counts one batch. Everything is borrowed. */
struct log_counting {
    const struct position_set *starts;
    const struct position_set *covered; /* counted before */
    const struct position_set *next;    /* to be counted now, by partition */
    struct log_counts added;
    uint64_t handed_over; /* positions of `added` */
    int32_t partition;    /* looked up last */
    int64_t from_offset;
    int64_t next_offset; /* 0: no partition was looked up */
};

void log_counting_begin(struct log_counting *counting, const struct position_set *starts,
                        const struct position_set *covered, const struct position_set *next);
void log_counting_add_row(struct log_counting *counting, const struct logged_activity *row,
                          enum verdict verdict);
void log_counting_add_refused(struct log_counting *counting, const struct refusal *refused);

/* Adds what nothing was handed over for. Afterwards `added` is complete. */
void log_counting_end(struct log_counting *counting);

/* The whole of a batch. */
struct log_counts log_counts_of_batch(const struct activity_batch *batch,
                                      const enum verdict *verdicts,
                                      const struct position_set *starts,
                                      const struct position_set *covered);

/* Adds to `starts` the partitions of batch->next that it does not know: each begins at what is
 * covered of it, or else with the first position in the batch. NO_MEMORY, TOO_LARGE. */
MUST_USE enum status log_starts_take_up(struct position_set *starts,
                                        const struct position_set *covered,
                                        const struct activity_batch *batch);
