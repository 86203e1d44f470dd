#pragma once
/*
 * Reads one segment from front to back: through a block of memory, checking everything, and around
 * damage (segment_format.h says how). Recovery and the reader of the log share it. One thread at a
 * time.
 */
#include "base/error.h"
#include "infrastructure/disk/disk.h"
#include "infrastructure/event_log_local/segment_format.h"

#include <stdbool.h>

enum { SEGMENT_BLOCK_BYTES = 1 << 20 };

struct segment_walk {
    struct uuid log_id;
    uint32_t seed;

    struct disk_file *file; /* owned; NULL: none is open */
    uint64_t limit;         /* bytes of the file that may be read */
    int64_t bound;          /* offsets in this file are below it */

    uint64_t at;         /* the next byte */
    uint64_t commit_end; /* of the commit around `at`; 0: between commits */
    uint64_t sequence;   /* of the newest header so far */
    int64_t next_offset; /* offsets to come are not below it */

    bool searching; /* since damage_from nothing valid was found */
    uint64_t damage_from;
    uint64_t damage_solid_end; /* behind the last byte of it that is not zero */

    uint8_t *block;
    size_t block_capacity;
    uint64_t block_at; /* where the block stands in the file */
    size_t block_len;
};

enum walk_item {
    WALK_HEADER,  /* `header`, at `from` */
    WALK_ROW,     /* `row`, from a frame that holds */
    WALK_DAMAGE,  /* nothing valid in the bytes `from` to `to` */
    WALK_BLOCKED, /* must load another block to go on, and was not allowed to */
    WALK_END      /* the limit is reached */
};

struct walk_found {
    enum walk_item item;
    struct commit_header header;
    struct logged_activity row; /* its texts live in the block, until the next load */
    uint32_t row_crc;
    int64_t missing; /* offsets left out in front of this header or row */
    uint64_t from;
    uint64_t to;
    uint64_t solid_to; /* damage: only zeros from here on, as reserved space reads */
};

void segment_walk_init(struct segment_walk *walk, struct uuid log_id);
void segment_walk_deinit(struct segment_walk *walk);

/* Starts with another file, which it closes later. next_offset and sequence stay; the caller sets
 * limit and bound. */
void segment_walk_open(struct segment_walk *walk, struct disk_file *file);

/* The next thing in the segment. Without `may_load` no row handed out before is overwritten.
 * UNAVAILABLE: the disk could not be read; asking again repeats it. NO_MEMORY. */
MUST_USE enum status segment_walk_next(struct segment_walk *walk, bool may_load,
                                       struct walk_found *out_found, struct error *err);

/* Right after a WALK_HEADER: passes over its frames without looking at them. */
void segment_walk_skip_commit(struct segment_walk *walk, const struct commit_header *header);
