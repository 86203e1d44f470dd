#pragma once
/*
 * Memory for one request or one batch: many small allocations, one release. It has a maximum, and
 * what passes it gets NULL, never the machine's last page. Many arenas may have a budget in common,
 * to which each charges what it takes beyond its first chunk. One thread at a time.
 */
#include "base/memory_budget.h"
#include "base/str.h"

#include <stddef.h>

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks; /* newest first */
    size_t bytes_used;          /* sum of all chunks, headers included */
    size_t bytes_max;
    struct memory_budget *budget; /* NULL: none */
};

/* Allocates nothing yet. */
void arena_init(struct arena *arena, size_t bytes_max);

/* The same with a budget, which must outlive the arena. */
void arena_init_shared(struct arena *arena, size_t bytes_max, struct memory_budget *budget);
void arena_deinit(struct arena *arena);

/* Forgets all allocations; keeps one ordinary chunk so that a busy owner need not ask malloc. */
void arena_reset(struct arena *arena);

/* Aligned for any type, not zeroed; lives until reset. NULL beyond the maximum, beyond the budget
 * or without memory. */
void *arena_allocate(struct arena *arena, size_t size);

/* A copy of the bytes. {NULL, 0} when it does not fit; an empty slice copies to a non-NULL one. */
struct str arena_copy_str(struct arena *arena, struct str s);
