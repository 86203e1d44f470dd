#pragma once
/*
 * What the chain says, held against the manifest and the parts. Reads the whole chain first, so
 * that parts can be held against their seals one by one; see seal_check.h for the memory it takes,
 * and 80 bytes more for each erasure. One thread.
 */
#include "application/erasure_receipt.h"
#include "infrastructure/activity_store_local/chain_reader.h"
#include "infrastructure/activity_store_local/checkpoint.h"
#include "infrastructure/activity_store_local/seal_check.h"

/* What others kept and the chain is held against; NULL: nothing of the kind. */
struct chain_evidence {
    const struct checkpoint *checkpoint;
    const struct erasure_receipt *receipt;
};

/* The record of the number that a receipt names, as it is. */
struct chain_of_receipt {
    enum chain_kind kind;
    struct chain_erasure erasure; /* when it is one */
    uint8_t hash[SHA256_BYTES];
};

struct chain_verification {
    struct seal_check seals;
    struct chain_erasure *erasures; /* in the order of their numbers */
    size_t erasure_count;
    size_t erasure_capacity;
    uint64_t sealed; /* activities */
    uint64_t erased; /* of them, by all erasures, whether they are in the files still or not */
    uint64_t left_out_since; /* of them, those that left the files behind the checkpoint */
    uint64_t erasures_since; /* records behind the checkpoint ... */
    uint64_t erased_since;   /* ... and the activities of them */
    struct error damage;  /* STATUS_OK: the chain is whole up to the end that the manifest names */
    struct chain_end end; /* up to which it could be read */
    struct chain_evidence evidence;
    bool is_of_checkpoint; /* the record that it names has the hash that it names */
    bool is_of_receipt;    /* and says what the receipt says; once that was asked */
    struct chain_of_receipt of_receipt;
};

/* The evidence is borrowed. NO_MEMORY, and then there is nothing to free. */
MUST_USE enum status chain_verification_init(struct chain_verification *verification,
                                             const struct chain_evidence *evidence);

/* OK also when the chain is damaged. NO_MEMORY, UNAVAILABLE. */
MUST_USE enum status chain_verification_load(struct chain_verification *verification,
                                             const struct chain_place *place,
                                             const struct chain_end *end, struct error *err);
void chain_verification_deinit(struct chain_verification *verification);

/* The chain, once it was loaded, is the one that the checkpoint is of. */
void chain_verification_checkpoint(const struct chain_verification *verification,
                                   struct uuid store_id, struct seal_faults *faults);

/* The same of the receipt: the record that it names is there, and says what the receipt says. Each
 * member that does not fit is named. NO_MEMORY. */
MUST_USE enum status chain_verification_receipt(struct chain_verification *verification,
                                                struct uuid store_id, struct seal_faults *faults);

/* The erasures of the manifest are those of the chain, and no more rows are gone as erased than
 * they erased. NO_MEMORY. */
MUST_USE enum status chain_verification_erasures(struct chain_verification *verification,
                                                 const struct manifest *manifest,
                                                 struct seal_faults *faults);
