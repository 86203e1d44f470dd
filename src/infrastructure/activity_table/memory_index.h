#pragma once
/*
 * From a 64-bit hash to a number (of a row, of a name). Open addressing in 256 tables that grow one
 * by one, so that no insertion pays for moving millions of entries. The index keeps 32 bits of the
 * hash beside each number: it grows without looking at what the numbers stand for, and asks its
 * user only when these bits agree. Reading under the store's lock, changing under its write lock.
 */
#include "infrastructure/activity_table/memory_pool.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEMORY_NONE UINT32_MAX /* no row, no name */

enum { MEMORY_INDEX_TABLES = 256 };

struct memory_slot {
    uint32_t fragment; /* the low half of the hash; its place in the table follows from it */
    uint32_t value;    /* MEMORY_NONE: empty */
};

struct memory_index_table {
    struct memory_slot *slots;
    uint32_t capacity;
    uint32_t count;
};

struct memory_index {
    struct memory_index_table tables[MEMORY_INDEX_TABLES];
};

/* Whether a number stands for what is looked for. */
struct memory_match {
    bool (*same)(const void *context, const void *wanted, uint32_t value);
    const void *context;
    const void *wanted;
};

void memory_index_init(struct memory_index *index);
void memory_index_deinit(struct memory_index *index, struct memory_pool *pool);

/* The number for which `match` says yes, or MEMORY_NONE. */
uint32_t memory_index_find(const struct memory_index *index, uint64_t hash,
                           const struct memory_match *match);

/* Probably the number that find would give; MEMORY_NONE when there is none. For fetching ahead. */
uint32_t memory_index_guess(const struct memory_index *index, uint64_t hash);

void memory_index_prefetch(const struct memory_index *index, uint64_t hash);

/* Adds a number that is not there. False without memory, and then nothing changed. */
bool memory_index_insert(struct memory_index *index, struct memory_pool *pool, uint64_t hash,
                         uint32_t value);

/* Takes a number out that is there. */
void memory_index_remove(struct memory_index *index, struct memory_pool *pool, uint64_t hash,
                         uint32_t value);
