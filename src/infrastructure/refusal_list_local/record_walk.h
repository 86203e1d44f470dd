#pragma once
/*
 * Reads one file of the list from front to back, around damage. One thread at a time.
 */
#include "infrastructure/disk/disk.h"
#include "infrastructure/refusal_list_local/record_format.h"

struct record_walk {
    struct disk_file *file; /* borrowed */
    uint64_t number;        /* of the file */
    uint64_t size;
    uint64_t at; /* the next byte */

    uint8_t *window; /* bytes of the file, from window_at on */
    size_t window_len;
    size_t window_capacity;
    uint64_t window_at;
};

enum record_item {
    RECORD_FOUND,
    RECORD_DAMAGE, /* nothing valid from `from` to `to`, where a record stands or the file ends */
    RECORD_END
};

struct record_found {
    enum record_item item;
    struct record record; /* its texts live until the next call */
    uint64_t from;
    uint64_t to;
};

/* At the file's beginning. */
void record_walk_init(struct record_walk *walk, struct disk_file *file, uint64_t number,
                      uint64_t size);
void record_walk_deinit(struct record_walk *walk);

/* INVALID: a later format. NO_MEMORY, what the disk says. */
MUST_USE enum status record_walk_next(struct record_walk *walk, struct record_found *out_found,
                                      struct error *err);
