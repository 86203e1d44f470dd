#pragma once
/*
 * Which row of a part has an id: an index on disk, in the order of a hash, and a filter in memory
 * that mostly says no without it; see part_format.h. Writing: one thread; reading: any thread.
 */
#include "infrastructure/activity_store_local/bits.h"
#include "infrastructure/activity_store_local/keyed_sort.h"
#include "infrastructure/activity_store_local/run.h"

#include <stdbool.h>

enum {
    ID_RUN_ENTRIES = 126, /* with the CRC 508 bytes */
    ID_ENTRY_BYTES = 4,
    ID_RUN_BYTES = ID_RUN_ENTRIES * ID_ENTRY_BYTES,
    FILTER_BLOCK_BYTES = 64,
    FILTER_BITS_PER_ID = 11
};

/* The hash that index and filter are made with. */
uint64_t id_hash(struct str id);

/* The milliseconds in an id that begins as a UUIDv7 does; 0 for any other. */
int64_t id_time_ms(struct str id);

/* Ids on their way into the index: the row of each hash. */
struct id_entries {
    struct keyed *entries;
    uint32_t count;
};

/* Sorts the entries and writes the index. `out_firsts` has room for id_run_count(count) numbers,
 * the upper 32 bits of the first hash of each run, which a reader keeps. */
MUST_USE enum status id_index_write(struct run_output *output, const struct id_entries *ids,
                                    struct run_place *out_place, uint32_t *out_firsts,
                                    struct error *err);

static inline uint32_t id_run_count(uint32_t ids)
{
    return (ids + ID_RUN_ENTRIES - 1) / ID_RUN_ENTRIES;
}

struct id_index {
    struct disk_file *file;
    uint32_t seed;
    struct run_place place;
    const uint32_t *firsts;
    uint32_t count; /* of ids */
};

/* A search under way. */
struct id_search {
    const struct id_index *index;
    uint64_t hash;
    uint32_t next_run;
    uint32_t entry; /* the next one of the run in `bytes` */
    uint32_t entry_count;
    uint8_t bytes[ID_RUN_BYTES + RUN_CRC_BYTES + BITS_SLACK_BYTES];
};

void id_search_begin(struct id_search *search, const struct id_index *index, uint64_t hash);

/* The next row that may have an id of this hash; says nothing when there is none any more:
 * NOT_FOUND. CORRUPT, and what the disk says. */
MUST_USE enum status id_search_next(struct id_search *search, uint32_t *out_row, struct error *err);

/* The bytes of a filter for so many ids; at least one block. */
size_t id_filter_bytes(uint32_t ids);

void id_filter_add(uint8_t *filter, size_t bytes, uint64_t hash);
bool id_filter_may_hold(const uint8_t *filter, size_t bytes, uint64_t hash);
