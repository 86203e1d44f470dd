#pragma once
/*
 * Parts for tests: activities of every kind that a part must keep, made from a seed, sorted, and
 * written on a disk. One thread at a time.
 */
#include "base/random.h"
#include "infrastructure/activity_store_local/part.h"

enum { SAMPLE_ROWS_MAX = 6000, SAMPLE_USERS = 300, SAMPLE_ACTIONS = 90 };

struct sample_row {
    struct activity activity; /* texts in the arena */
    uint32_t user;            /* of the sample's users that have rows */
    uint32_t action;
    uint32_t source;
    int64_t offset;
    uint64_t salt;
};

struct sample {
    struct arena arena;
    struct sample_row *rows; /* in the order of answers */
    uint32_t row_count;
    struct str users[SAMPLE_USERS]; /* in byte order */
    uint32_t user_count;
    struct str actions[SAMPLE_ACTIONS];
    uint32_t action_count;
    struct part_source sources[2];
    uint32_t next; /* row, while it is written */
};

/* The same rows for the same seed and count. */
void sample_init(struct sample *sample, uint64_t seed, uint32_t row_count);
void sample_deinit(struct sample *sample);

extern const struct part_name sample_name;
#define SAMPLE_PATH "sample.part"

/* Writes the rows, with `dictionary` for their metadata unless it is empty. */
MUST_USE enum status sample_write(struct sample *sample, struct disk *disk, struct str dictionary,
                                  struct error *err);
