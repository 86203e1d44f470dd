#pragma once
/*
 * The chain of a store: the file "chain" in its folder, to which a record is appended for each
 * seal, erasure and expiry, and for erased activities when they leave the files, and in which
 * nothing is ever changed.
 *
 *     header | record | record | …
 *
 *     header   magic 8 | format 4 | store id 16 | CRC 4
 *     record   length of the body 4 | kind 1 | number 8 | hash of what is before 32 | body | CRC 4
 *
 *     SEAL     number of the seal 8, time 8, rows 8, root 32, how many sources 4, and each: log id
 *              16, partition 4, offset from which the seal goes 8, offset up to which it goes 8
 *     ERASURE  number of the erasure 8, erased at 8, rows 8, salt 16, hash of the user 32
 *     EXPIRY   time 8, rows 8, how many ranges of seals 4, and each: first seal 8, last seal 8
 *     LEFT OUT how many leaves 4, and each: log id 16, partition 4, offset 8, leaf 32
 *
 * Integers are little-endian, times milliseconds. A CRC-32C is over all bytes of its header or
 * record before it, and finds accidents. What finds intent:
 *
 *     hash of a record   SHA-256(0x04, the record's bytes without the CRC)
 *     hash of no record  SHA-256(0x05, the header's bytes without the CRC); in the first record
 *     root               merkle.h over the leaves (leaf.h) of the seal's rows in the log's order
 *     hash of a user     SHA-256(0x03, salt, user id)
 *
 * No two seals claim the same place: a row that its log gives once more, after its place was sealed
 * and the row erased or expired, stands in a log of the store's own (head.h).
 *
 * Records are numbered from 1 over all kinds, seals from 1 among themselves. The hash of the last
 * record stands for all that is before it, down to the id of the store: whoever keeps it elsewhere,
 * or has it signed (checkpoint.h), can tell a chain that was made anew from one that grew.
 *
 * An erasure does not spell out whom it erased, since that name should be gone, but whoever has the
 * name can see that it is the one, and whoever guesses it, too: the salt stands beside the hash.
 *
 * Why it can be trusted after a crash: the manifest says where the chain ends (struct chain_end)
 * and is saved after the record is synced. What is behind that end is a record whose manifest never
 * came; opening cuts it off.
 */
#include "infrastructure/activity_store_local/leaf.h"
#include "infrastructure/activity_store_local/part_format.h"
#include "infrastructure/crypto/sha256.h"

enum {
    CHAIN_FORMAT = 1,
    CHAIN_HEADER_BYTES = 32,
    CHAIN_HEAD_BYTES = 45, /* of a record, before the body */
    CHAIN_CRC_BYTES = 4,
    CHAIN_SALT_BYTES = 16,
    CHAIN_RANGES_MAX = 4096, /* of seals, in one expiry */
    CHAIN_SEAL_BYTES = 60,   /* without the sources */
    CHAIN_SOURCE_BYTES = 36,
    CHAIN_LEAVES_MAX = 2048, /* in one record */
    CHAIN_LEAF_BYTES = 60,
    CHAIN_BODY_BYTES_MAX = CHAIN_SEAL_BYTES + PART_SOURCES_MAX * CHAIN_SOURCE_BYTES,
    CHAIN_RECORD_BYTES_MAX = CHAIN_HEAD_BYTES + CHAIN_BODY_BYTES_MAX + CHAIN_CRC_BYTES
};

/* Where a chain ends. All zero: nothing was ever appended. */
struct chain_end {
    uint64_t records;
    uint64_t seals; /* how many of them are */
    uint64_t bytes; /* of the file, with the header */
    uint8_t hash[SHA256_BYTES];
};

enum chain_kind { CHAIN_SEAL = 1, CHAIN_ERASURE = 2, CHAIN_EXPIRY = 3, CHAIN_LEFT_OUT = 4 };

struct chain_seal {
    uint64_t number;
    int64_t time_ms;
    uint64_t rows;
    uint8_t root[SHA256_BYTES];
    const struct part_source *sources;
    uint32_t source_count; /* at most PART_SOURCES_MAX */
};

struct chain_erasure {
    uint64_t number;
    int64_t erased_at_ms;
    uint64_t rows;
    uint8_t salt[CHAIN_SALT_BYTES];
    uint8_t user_hash[SHA256_BYTES];
};

/* Seals from the first to the last, both included. */
struct chain_seal_range {
    uint64_t first;
    uint64_t last;
};

struct chain_expiry {
    int64_t time_ms;
    uint64_t rows; /* 0 in a record that goes on with the ranges of the one before */
    const struct chain_seal_range *ranges; /* whose rows were dropped; ascending */
    uint32_t range_count;                  /* at most CHAIN_RANGES_MAX */
};

/* Leaves of activities of erased users that are in the files no longer: with them the seals of
 * these activities are proven still. */
struct chain_left_out {
    const struct placed_leaf *leaves;
    uint32_t leaf_count; /* at most CHAIN_LEAVES_MAX */
};

struct chain_record {
    enum chain_kind kind;
    union {
        struct chain_seal seal;
        struct chain_erasure erasure;
        struct chain_expiry expiry;
        struct chain_left_out left_out;
    };
};

/* Where a record's lists go when it is read. */
struct chain_lists {
    struct part_source sources[PART_SOURCES_MAX];
    struct chain_seal_range ranges[CHAIN_RANGES_MAX];
    struct placed_leaf leaves[CHAIN_LEAVES_MAX];
};

void chain_header_encode(struct uuid store_id, uint8_t out[CHAIN_HEADER_BYTES]);

/* INVALID with words when it is a newer format, CORRUPT when it is none or another store's. */
MUST_USE enum status chain_header_check(const uint8_t bytes[CHAIN_HEADER_BYTES],
                                        struct uuid store_id, struct error *err);

/* The end of a chain that has a header only. NO_MEMORY. */
MUST_USE enum status chain_start(struct sha256 *sha256, struct uuid store_id,
                                 struct chain_end *out_end);

/* Bytes that `length`, the first four of a record, says it has in all; 0: no record has so many. */
size_t chain_record_bytes(uint32_t length);

/* Appends the bytes of the record that follows `behind`, and says where the chain ends then. A
 * failed buffer is failed; else NO_MEMORY. */
MUST_USE enum status chain_record_encode(struct sha256 *sha256, const struct chain_record *record,
                                         const struct chain_end *behind, struct buffer *bytes,
                                         struct chain_end *out_end);

/* Reads the record that follows `*end` out of chain_record_bytes() bytes and moves `*end` behind
 * it. CORRUPT: damaged, not the one that follows, or none; NO_MEMORY. On failure `*end` stays. */
MUST_USE enum status chain_record_decode(struct sha256 *sha256, const uint8_t *bytes,
                                         struct chain_lists *lists, struct chain_end *end,
                                         struct chain_record *out_record);

/* NO_MEMORY. */
MUST_USE enum status chain_user_hash(struct sha256 *sha256, const uint8_t salt[CHAIN_SALT_BYTES],
                                     struct str user_id, uint8_t out_hash[SHA256_BYTES]);
