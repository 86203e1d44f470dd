#include "base/arena.h"

#include "base/assert.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

/* An ordinary chunk; those behind it are as large as all before them, so that much memory comes and
 * goes in few pieces. */
enum { ARENA_CHUNK_BYTES = 16 * 1024, ARENA_CHUNK_BYTES_MAX = 1024 * 1024 };

struct arena_chunk {
    struct arena_chunk *older;
    size_t capacity; /* bytes behind the header */
    size_t used;
    size_t charged; /* to the budget */
    alignas(max_align_t) char data[];
};

void arena_init(struct arena *arena, size_t bytes_max)
{
    arena_init_shared(arena, bytes_max, NULL);
}

void arena_init_shared(struct arena *arena, size_t bytes_max, struct memory_budget *budget)
{
    *arena = (struct arena){.bytes_max = bytes_max, .budget = budget};
}

static bool charge(struct arena *arena, size_t bytes)
{
    return bytes == 0 || memory_budget_charge(arena->budget, bytes);
}

static void release(struct arena *arena, size_t bytes)
{
    if (bytes > 0) {
        memory_budget_release(arena->budget, bytes);
    }
}

static void chunks_free(struct arena *arena, struct arena_chunk *chunk)
{
    while (chunk != NULL) {
        struct arena_chunk *older = chunk->older;
        release(arena, chunk->charged);
        free(chunk);
        chunk = older;
    }
}

void arena_deinit(struct arena *arena)
{
    chunks_free(arena, arena->chunks);
    arena->chunks = NULL;
    arena->bytes_used = 0;
}

void arena_reset(struct arena *arena)
{
    struct arena_chunk *kept = arena->chunks;
    while (kept != NULL && kept->capacity != ARENA_CHUNK_BYTES) {
        struct arena_chunk *older = kept->older;
        release(arena, kept->charged);
        free(kept);
        kept = older;
    }
    if (kept != NULL) {
        chunks_free(arena, kept->older);
        release(arena, kept->charged);
        kept->older = NULL;
        kept->used = 0;
        kept->charged = 0;
    }
    arena->chunks = kept;
    arena->bytes_used = kept == NULL ? 0 : sizeof *kept + kept->capacity;
}

static struct arena_chunk *arena_add_chunk(struct arena *arena, size_t size)
{
    size_t capacity = arena->bytes_used;
    capacity = capacity < ARENA_CHUNK_BYTES ? ARENA_CHUNK_BYTES : capacity;
    capacity = capacity > ARENA_CHUNK_BYTES_MAX ? ARENA_CHUNK_BYTES_MAX : capacity;
    capacity = capacity < size ? size : capacity;
    size_t left = arena->bytes_max - arena->bytes_used;
    if (left < sizeof(struct arena_chunk) || capacity > left - sizeof(struct arena_chunk)) {
        /* Close to the maximum an ordinary chunk may no longer fit where the request itself does.
         */
        capacity = size;
    }
    if (left < sizeof(struct arena_chunk) || capacity > left - sizeof(struct arena_chunk)) {
        return NULL;
    }
    bool first = arena->chunks == NULL && capacity <= ARENA_CHUNK_BYTES;
    size_t charged = first || arena->budget == NULL ? 0 : sizeof(struct arena_chunk) + capacity;
    if (!charge(arena, charged)) {
        return NULL;
    }
    struct arena_chunk *chunk = malloc(sizeof *chunk + capacity);
    if (chunk == NULL) {
        release(arena, charged);
        return NULL;
    }
    *chunk = (struct arena_chunk){.older = arena->chunks, .capacity = capacity, .charged = charged};
    arena->chunks = chunk;
    arena->bytes_used += sizeof *chunk + capacity;
    return chunk;
}

void *arena_allocate(struct arena *arena, size_t size)
{
    ASSERT(arena->bytes_used <= arena->bytes_max);
    if (size > arena->bytes_max || size > SIZE_MAX - alignof(max_align_t)) {
        return NULL; /* the second: rounding up must not overflow */
    }
    size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    struct arena_chunk *chunk = arena->chunks;
    if (chunk == NULL || chunk->capacity - chunk->used < size) {
        chunk = arena_add_chunk(arena, size);
        if (chunk == NULL) {
            return NULL;
        }
    }
    void *memory = chunk->data + chunk->used;
    chunk->used += size;
    return memory;
}

struct str arena_copy_str(struct arena *arena, struct str s)
{
    char *copy = arena_allocate(arena, s.len == 0 ? 1 : s.len);
    if (copy == NULL) {
        return (struct str){0};
    }
    if (s.len > 0) {
        memcpy(copy, s.data, s.len);
    }
    return (struct str){.data = copy, .len = s.len};
}
