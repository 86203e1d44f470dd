#pragma once
/*
 * Parts to merge, for tests: a sample whose rows are dealt out at random to several parts on a
 * simulated disk, some of its users hidden in some of them. One thread at a time.
 */
#include "infrastructure/activity_store_local/merge.h"
#include "infrastructure/activity_store_local/part_sample.h"

enum { MERGE_SAMPLE_PARTS_MAX = 6, MERGE_SAMPLE_SOURCES = 3 };

struct merge_sample {
    struct sample sample;
    uint64_t seed;
    struct disk *simulated;
    struct disk *disk; /* the simulated one, unless a test sets another before it writes */
    uint8_t part_of[SAMPLE_ROWS_MAX]; /* of each row */
    struct merge_part parts[MERGE_SAMPLE_PARTS_MAX];
    struct hidden_users *hidden[MERGE_SAMPLE_PARTS_MAX];
    bool is_hidden[MERGE_SAMPLE_PARTS_MAX][SAMPLE_USERS]; /* by the sample's numbers */
    uint32_t part_count;
    atomic_bool cancel;
};

#define MERGED_PATH "merged.part"
extern const struct part_name merged_name;

/* Makes the sample and deals its rows out; nothing is written yet, so rows may still be changed. */
void merge_sample_init(struct merge_sample *merge, uint64_t seed, uint32_t row_count,
                       uint32_t part_count);
void merge_sample_deinit(struct merge_sample *merge);

/* Writes and opens the parts. A part of which no row was dealt is left out. */
void merge_sample_write(struct merge_sample *merge);

/* Hides a user of the sample in one part; nothing where the part does not know that user. */
void merge_sample_hide(struct merge_sample *merge, uint32_t part, uint32_t user);

/* Merges into MERGED_PATH. */
MUST_USE enum status merge_sample_run(struct merge_sample *merge, struct error *err);
