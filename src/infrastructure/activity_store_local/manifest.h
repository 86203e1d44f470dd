#pragma once
/*
 * What a store consists of: the file "manifest" in its folder, which names the parts and says what
 * they cover. It is written anew at each change, beside the old one, and then takes its place at
 * once, so that a crash leaves the one or the other.
 *
 *     magic 8 | format 4 | length of the body 4 | body | CRC-32C 4
 *
 *     body   store id 16; numbers of the next part and the next erasure; what counts of the chain:
 *            records, seals, bytes, hash 32; how many parts, and each: number, rows, bytes,
 *            erasures that are behind it, first of its seals, how many; how many logs, and each:
 *            id 16, how many partitions, and each: partition, offset, start of counting plus 1 (0:
 *            it is not counted); what became of the log's positions (domain/log_account.h):
 *            stored, duplicate, conflict, refused, erased, empty, foreign, replayed; how many
 *            erased users, and each: number, erased at (zigzag), length of the id, id
 *
 * Numbers are varints (LEB128), fixed ones little-endian; the CRC is over everything before it.
 * Format 1 knew neither seals nor chain, format 2 no counts: both are still read, and what they
 * cover is where counting begins.
 * Parts stand in the order in which their activities came. One thread at a time.
 */
#include "domain/coverage.h"
#include "infrastructure/activity_store_local/chain_format.h"
#include "infrastructure/activity_store_local/tombstones.h"
#include "infrastructure/disk/disk.h"

enum { MANIFEST_FORMAT = 3, MANIFEST_PARTS_MAX = 65536 };

/* The seals of a part's rows, of which some may be gone as a whole. Empty: the part was written
 * before there was a chain. */
struct seal_range {
    uint64_t begin;
    uint64_t end;
};

struct manifest_part {
    uint64_t number;
    uint64_t rows;
    uint64_t bytes;
    uint64_t erasures; /* those with lower numbers were regarded when it was written */
    struct seal_range seals;
};

struct manifest {
    struct uuid store_id;
    uint64_t next_part;
    uint64_t next_erasure;
    struct chain_end chain; /* what counts of it */
    struct manifest_part *parts;
    size_t part_count;
    struct coverage covered; /* what would survive a crash */
    struct tombstones tombstones;
};

/* Empty, of a new store. */
void manifest_init(struct manifest *manifest, struct uuid store_id);
void manifest_deinit(struct manifest *manifest);

/* A copy of everything; NO_MEMORY, and then there is nothing to free. */
MUST_USE enum status manifest_copy(const struct manifest *manifest, struct manifest *out_copy);

/* Puts `added` in the place of the parts [begin, begin + count); `added` may be NULL. NO_MEMORY. */
MUST_USE enum status manifest_replace(struct manifest *manifest, size_t begin, size_t count,
                                      const struct manifest_part *added);

/* NOT_FOUND: there is none. INVALID: a newer format. CORRUPT, NO_MEMORY, what the disk says. On
 * failure there is nothing to free. */
MUST_USE enum status manifest_load(struct disk *disk, const char *directory,
                                   struct manifest *out_manifest, struct error *err);

/* The same of a file that is open: it never changes, another one takes its name. */
MUST_USE enum status manifest_read(struct disk_file *file, struct manifest *out_manifest,
                                   struct error *err);

/* Durable when it returns OK. `out_unknown`: it failed, and a restart may find this manifest or the
 * one before, so neither's parts may be removed. */
MUST_USE enum status manifest_save(struct disk *disk, const char *directory,
                                   const struct manifest *manifest, bool *out_unknown,
                                   struct error *err);
