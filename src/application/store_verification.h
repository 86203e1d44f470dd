#pragma once
/*
 * What a look at every byte of a store finds: told by the adapter that knows the files, part by
 * part, to whoever shows it. One thread at a time.
 */
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    VERIFIED_PROBLEMS_MAX = 16, /* of one part, or of the chain */
    VERIFIED_HASH_BYTES = 32
};

/* What is verified, and against what else. */
struct verification_request {
    const char *directory;
    const char *checkpoint_file; /* one that was kept elsewhere; NULL: none */
    const char *public_key_file; /* of the key that signed it; NULL: its signature is not checked */
    const char *receipt_file;    /* of an erasure, as it was answered; NULL: none */
};

struct verified_part {
    uint64_t number;
    size_t at; /* its place among all parts, from 0 */
    size_t part_count;
    uint64_t activities; /* as the manifest says, like `bytes` */
    uint64_t bytes;
    int64_t first_ms; /* timestamps; `first_ms` > `last_ms` when the part cannot tell them */
    int64_t last_ms;
    struct error problems[VERIFIED_PROBLEMS_MAX];
    size_t problem_count;
    bool stopped; /* there are more, and the rest of it was not looked at */
};

struct store_verification {
    uint64_t parts;
    uint64_t activities;
    uint64_t bytes;
    uint64_t problems;
};

/* What a receipt of this chain says, of which the record is the one that it names. */
struct verified_receipt {
    uint64_t record; /* 0: there is no receipt, or it is not of this chain */
    int64_t erased_at_ms;
    uint64_t erased; /* activities: that many the receipt says ... */
    uint64_t sealed; /* ... and that many the record vouches for */
};

/* The chain of seals, which tells whether activities are those that were stored. */
struct verified_chain {
    uint64_t records;
    uint64_t seals;
    uint64_t sealed;                   /* activities */
    uint64_t expired;                  /* of them, dropped by retention */
    uint64_t left_out;                 /* of them, erased and gone from the files */
    uint64_t unsealed;                 /* activities that were stored before there was a chain */
    uint8_t hash[VERIFIED_HASH_BYTES]; /* of its last record */
    uint64_t checkpoint_records; /* that a checkpoint of this chain vouches for; 0: none does */
    int64_t checkpoint_ms;       /* when it was signed */
    uint64_t expired_since;      /* activities that retention took from the files since */
    uint64_t erasures_since;     /* records of erasures since, which count at once ... */
    uint64_t erased_since;       /* ... so many activities, in the files still or not */
    uint64_t left_out_since;     /* activities that were erased, before or since, and left since */
    struct verified_receipt receipt;
    struct error problems[VERIFIED_PROBLEMS_MAX];
    size_t problem_count;
    bool stopped; /* there are more */
};

/* Embedded by who listens. */
struct verification_listener {
    /* Its problems are not known yet, nor are its times. */
    void (*part_begins)(struct verification_listener *listener, const struct verified_part *part);
    void (*part_ends)(struct verification_listener *listener, const struct verified_part *part);
    /* Behind the last part. */
    void (*chain_ends)(struct verification_listener *listener, const struct verified_chain *chain);
};
