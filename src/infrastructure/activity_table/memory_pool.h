#pragma once
/*
 * Where the memory store's memory comes from: malloc, counted, with a maximum. Refusals for want of
 * memory and for the maximum both give NULL; `full` tells them apart. Callers hand sizes back when
 * they free, so nothing is kept beside each block. Under the store's write lock.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

struct memory_slab;

struct memory_pool {
    uint64_t bytes;            /* taken now, with what malloc adds */
    uint64_t bytes_max;        /* 0: none */
    bool full;                 /* a request was refused because of bytes_max */
    bool keeps_texts;          /* until all is given back at once; set it before the first */
    struct memory_slab *slabs; /* of kept texts, the newest first */
};

/* malloc puts 8 bytes before each block and hands out multiples of 16, at least 32. */
static inline uint64_t memory_pool_cost(size_t size)
{
    uint64_t cost = ((uint64_t)size + 8 + 15) & ~UINT64_C(15);
    return cost < 32 ? 32 : cost;
}

/* As realloc; `old_size` is 0 for a new block, whose `block` is NULL. Making a block smaller may
 * fail, too; it then stays as it was. */
static inline void *memory_pool_resize(struct memory_pool *pool, void *block, size_t old_size,
                                       size_t size)
{
    uint64_t before = old_size == 0 ? 0 : memory_pool_cost(old_size);
    uint64_t bytes = pool->bytes - before + memory_pool_cost(size);
    if (pool->bytes_max != 0 && bytes > pool->bytes_max && bytes > pool->bytes) {
        pool->full = true;
        return NULL;
    }
    void *resized = realloc(block, size);
    if (resized != NULL) {
        pool->bytes = bytes;
    }
    return resized;
}

static inline void *memory_pool_allocate(struct memory_pool *pool, size_t size)
{
    return memory_pool_resize(pool, NULL, 0, size);
}

static inline void memory_pool_free(struct memory_pool *pool, void *block, size_t size)
{
    if (block != NULL) {
        pool->bytes -= memory_pool_cost(size);
        free(block);
    }
}

/* Texts: many, small and of all sizes. A pool that keeps them lays one behind the other and frees
 * all of them in memory_pool_free_texts, which is quicker where nothing is removed one by one.
 * Aligned for 64 bits. */
void *memory_pool_allocate_text(struct memory_pool *pool, size_t size);
void memory_pool_free_text(struct memory_pool *pool, void *text, size_t size);
void memory_pool_free_texts(struct memory_pool *pool);
