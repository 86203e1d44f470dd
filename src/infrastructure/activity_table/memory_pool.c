#include "infrastructure/activity_table/memory_pool.h"

enum { SLAB_BYTES = 256 * 1024 };

struct memory_slab {
    struct memory_slab *before;
    size_t size; /* of all of it */
    size_t used; /* of bytes */
    _Alignas(8) char bytes[];
};

static struct memory_slab *add_slab(struct memory_pool *pool, size_t bytes)
{
    size_t size = sizeof(struct memory_slab) + (bytes < SLAB_BYTES ? SLAB_BYTES : bytes);
    struct memory_slab *slab = memory_pool_allocate(pool, size);
    if (slab != NULL) {
        *slab = (struct memory_slab){.before = pool->slabs, .size = size};
        pool->slabs = slab;
    }
    return slab;
}

static void *keep_text(struct memory_pool *pool, size_t size)
{
    struct memory_slab *slab = pool->slabs;
    size_t taken = (size + 7) & ~(size_t)7;
    if (slab == NULL || slab->size - sizeof *slab - slab->used < taken) {
        slab = add_slab(pool, taken);
        if (slab == NULL) {
            return NULL;
        }
    }
    void *text = slab->bytes + slab->used;
    slab->used += taken;
    return text;
}

void *memory_pool_allocate_text(struct memory_pool *pool, size_t size)
{
    return pool->keeps_texts ? keep_text(pool, size) : memory_pool_allocate(pool, size);
}

void memory_pool_free_text(struct memory_pool *pool, void *text, size_t size)
{
    if (!pool->keeps_texts) {
        memory_pool_free(pool, text, size);
    }
}

void memory_pool_free_texts(struct memory_pool *pool)
{
    while (pool->slabs != NULL) {
        struct memory_slab *slab = pool->slabs;
        pool->slabs = slab->before;
        memory_pool_free(pool, slab, slab->size);
    }
}
