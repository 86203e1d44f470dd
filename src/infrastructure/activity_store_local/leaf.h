#pragma once
/*
 * The leaf of an activity in the tree of its seal (merkle.h): what the store has of it and where it
 * stands in the event log, as one hash.
 *
 *     SHA-256(0x00, log id 16, partition 4, offset 8, timestamp 8, received at 8,
 *             length of the salt 1, salt,
 *             then id, user, action and metadata, each: length 4, bytes)
 *
 * Integers are little-endian, times milliseconds. A leaf stays when its activity is erased, so
 * nobody may guess what it was made of: the 62 random bits of an id that is a UUIDv7 see to that,
 * and a salt with any other. One thread at a time.
 */
#include "domain/activity.h"
#include "domain/position.h"
#include "infrastructure/crypto/sha256.h"

enum { LEAF_SALT_BYTES = 8 };

/* All borrowed for the call. */
struct leaf_content {
    struct uuid log_id;
    struct position position;
    const struct activity *activity;
    const uint8_t *salt; /* LEAF_SALT_BYTES; NULL: none */
};

/* A leaf and where in which log its activity stood. */
struct placed_leaf {
    struct uuid log_id;
    int32_t partition;
    int64_t offset;
    uint8_t hash[SHA256_BYTES];
};

/* NO_MEMORY. */
MUST_USE enum status leaf_hash(struct sha256 *sha256, const struct leaf_content *content,
                               uint8_t out_leaf[SHA256_BYTES]);
