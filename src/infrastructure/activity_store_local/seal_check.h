#pragma once
/*
 * Holds activities against the seals of the chain: whoever verifies a store tells what the chain
 * says, then part by part which activities there are, and hears of each seal whether they are those
 * that were sealed. One thread at a time. Memory: some 200 bytes for each seal, 64 for each leaf of
 * an erased activity, and 64 for each activity of one part.
 */
#include "infrastructure/activity_store_local/chain_format.h"
#include "infrastructure/activity_store_local/leaf_list.h"
#include "infrastructure/activity_store_local/manifest.h"

enum seal_fate {
    SEAL_EXPECTED, /* no part was held against it yet */
    SEAL_PROVEN,   /* its activities are those that were sealed, or their leaves */
    SEAL_EXPIRED,  /* retention dropped them */
    SEAL_WRONG     /* and why was told, here or elsewhere */
};

struct checked_seal {
    uint64_t rows;
    int64_t time_ms;
    struct part_source *ranges;
    uint32_t range_count;
    enum seal_fate fate;
    bool expired_since; /* it expired behind the checkpoint */
    uint8_t root[SHA256_BYTES];
};

/* Filled zeros know nothing yet. */
struct seal_check {
    struct sha256 sha256;
    struct checked_seal *seals; /* number 1 first */
    size_t count;
    size_t capacity;
    struct leaf_list left_out; /* sorted once all are there */
    bool behind_checkpoint;    /* what is told now was not there when the checkpoint was made */
};

/* NO_MEMORY. */
MUST_USE enum status seal_check_init(struct seal_check *check);
void seal_check_deinit(struct seal_check *check);

/* --- what the chain says, in its order --- */

/* CORRUPT: it is not the next one. NO_MEMORY. */
MUST_USE enum status seal_check_add(struct seal_check *check, const struct chain_seal *seal);

/* CORRUPT: there are no such seals. */
MUST_USE enum status seal_check_expire(struct seal_check *check, struct seal_range seals);
/* NO_MEMORY. */
MUST_USE enum status seal_check_leave_out(struct seal_check *check, const struct placed_leaf *leaf);

/* --- what there is --- */

/* Who hears what is wrong. */
struct seal_faults {
    void (*add)(struct seal_faults *faults, const char *words);
};

/* Tells them, cut after ERROR_MESSAGE_BYTES. */
PRINTF_LIKE(2, 3) void seal_faults_tell(struct seal_faults *faults, const char *format, ...);

/* The leaves of all rows of one part, in any order, with the seals that the manifest names for it.
 * NO_MEMORY. */
MUST_USE enum status seal_check_part(struct seal_check *check, struct leaf_list *rows,
                                     struct seal_range seals, struct seal_faults *faults);

/* Activities of seals that expired, without those that had been erased and left the files before;
 * whatever the records of the expiries say. Once all that the chain says was told. */
struct expired_activities {
    uint64_t all;
    uint64_t since; /* behind the checkpoint */
};

struct expired_activities seal_check_expired(const struct seal_check *check);

/* Of a part that cannot be read: nothing is said of its seals. */
void seal_check_skip(struct seal_check *check, struct seal_range seals);

/* Once all parts were told: seals of which no part is left. NO_MEMORY. */
MUST_USE enum status seal_check_rest(struct seal_check *check, struct seal_faults *faults);
