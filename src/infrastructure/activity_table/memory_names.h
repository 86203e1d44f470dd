#pragma once
/*
 * The users, or the actions: each text once, with a number, and the list of the rows that carry it.
 * A name lives as long as it has rows or a tombstone. Reading under the store's lock, changing
 * under its write lock.
 */
#include "infrastructure/activity_table/memory_list.h"

#define MEMORY_NEVER_ERASED INT64_MIN

struct memory_name {
    char *text; /* NULL: the number is free */
    uint32_t text_len;
    uint32_t next_free; /* of a free number */
    uint32_t rows;      /* that carry it, in the list or on their way into it */
    struct memory_list list;
    int64_t erased_at_ms; /* the tombstone of a user, or MEMORY_NEVER_ERASED */
};

enum { MEMORY_NAMES_IN_CHUNK = 1024 };

struct memory_names {
    struct memory_index index;
    struct memory_name **chunks;
    uint32_t chunk_count;
    uint32_t chunk_capacity;
    uint32_t used;
    uint32_t free;
    uint64_t seed;
};

void memory_names_init(struct memory_names *names, uint64_t seed);
void memory_names_deinit(struct memory_names *names, struct memory_pool *pool);

uint64_t memory_names_hash(const struct memory_names *names, struct str text);

static inline struct memory_name *memory_names_at(const struct memory_names *names, uint32_t name)
{
    return &names->chunks[name / MEMORY_NAMES_IN_CHUNK][name % MEMORY_NAMES_IN_CHUNK];
}

static inline struct str memory_names_text(const struct memory_names *names, uint32_t name)
{
    const struct memory_name *at = memory_names_at(names, name);
    return (struct str){.data = at->text, .len = at->text_len};
}

/* The number of the text, or MEMORY_NONE. */
uint32_t memory_names_find(const struct memory_names *names, struct str text, uint64_t hash);

/* The same, making a new one where there is none; MEMORY_NONE without memory. */
uint32_t memory_names_find_or_add(struct memory_names *names, struct memory_pool *pool,
                                  struct str text, uint64_t hash);

/* A row more, or less, carries the name. Its last row takes the name along, unless there is a
 * tombstone. */
void memory_names_hold(struct memory_names *names, uint32_t name);
void memory_names_drop(struct memory_names *names, struct memory_pool *pool, uint32_t name);

/* Forgets the name when it has neither rows nor a tombstone. */
void memory_names_release_unused(struct memory_names *names, struct memory_pool *pool,
                                 uint32_t name);
