#include "infrastructure/activity_table/memory_names.h"

#include "base/assert.h"

#include <xxhash.h>

void memory_names_init(struct memory_names *names, uint64_t seed)
{
    *names = (struct memory_names){.free = MEMORY_NONE, .seed = seed};
    memory_index_init(&names->index);
}

void memory_names_deinit(struct memory_names *names, struct memory_pool *pool)
{
    for (uint32_t i = 0; i < names->used; i++) {
        struct memory_name *name = memory_names_at(names, i);
        if (name->text != NULL) {
            memory_list_deinit(&name->list, pool);
            memory_pool_free_text(pool, name->text, name->text_len);
        }
    }
    for (uint32_t i = 0; i < names->chunk_count; i++) {
        memory_pool_free(pool, names->chunks[i],
                         MEMORY_NAMES_IN_CHUNK * sizeof(struct memory_name));
    }
    memory_pool_free(pool, names->chunks, names->chunk_capacity * sizeof *names->chunks);
    memory_index_deinit(&names->index, pool);
}

uint64_t memory_names_hash(const struct memory_names *names, struct str text)
{
    return XXH3_64bits_withSeed(text.data, text.len, names->seed);
}

static bool has_text(const void *context, const void *wanted, uint32_t value)
{
    const struct str *text = wanted;
    return str_equal(memory_names_text(context, value), *text);
}

uint32_t memory_names_find(const struct memory_names *names, struct str text, uint64_t hash)
{
    struct memory_match match = {.same = has_text, .context = names, .wanted = &text};
    return memory_index_find(&names->index, hash, &match);
}

static bool add_chunk(struct memory_names *names, struct memory_pool *pool)
{
    if (names->chunk_count == UINT32_MAX / MEMORY_NAMES_IN_CHUNK) {
        pool->full = true;
        return false;
    }
    if (names->chunk_count == names->chunk_capacity) {
        uint32_t capacity = names->chunk_capacity == 0 ? 16 : names->chunk_capacity * 2;
        struct memory_name **chunks = memory_pool_resize(
            pool, names->chunks, names->chunk_capacity * sizeof *chunks, capacity * sizeof *chunks);
        if (chunks == NULL) {
            return false;
        }
        names->chunks = chunks;
        names->chunk_capacity = capacity;
    }
    struct memory_name *chunk =
        memory_pool_allocate(pool, MEMORY_NAMES_IN_CHUNK * sizeof(struct memory_name));
    if (chunk == NULL) {
        return false;
    }
    names->chunks[names->chunk_count++] = chunk;
    return true;
}

static uint32_t next_number(struct memory_names *names, struct memory_pool *pool)
{
    if (names->free != MEMORY_NONE) {
        return names->free;
    }
    bool full = names->used == names->chunk_count * MEMORY_NAMES_IN_CHUNK;
    return full && !add_chunk(names, pool) ? MEMORY_NONE : names->used;
}

static void take_number(struct memory_names *names, uint32_t number)
{
    if (number == names->free) {
        names->free = memory_names_at(names, number)->next_free;
    } else {
        names->used++;
    }
}

static uint32_t add(struct memory_names *names, struct memory_pool *pool, struct str text,
                    uint64_t hash)
{
    uint32_t number = next_number(names, pool);
    if (number == MEMORY_NONE) {
        return MEMORY_NONE;
    }
    char *copy = memory_pool_allocate_text(pool, text.len);
    if (copy == NULL) {
        return MEMORY_NONE;
    }
    if (!memory_index_insert(&names->index, pool, hash, number)) {
        memory_pool_free_text(pool, copy, text.len);
        return MEMORY_NONE;
    }
    take_number(names, number);
    memcpy(copy, text.data, text.len);
    struct memory_name *name = memory_names_at(names, number);
    *name = (struct memory_name){
        .text = copy,
        .text_len = (uint32_t)text.len,
        .erased_at_ms = MEMORY_NEVER_ERASED,
    };
    memory_list_init(&name->list);
    return number;
}

uint32_t memory_names_find_or_add(struct memory_names *names, struct memory_pool *pool,
                                  struct str text, uint64_t hash)
{
    ASSERT(text.len >= 1 && text.len < UINT32_MAX);
    uint32_t found = memory_names_find(names, text, hash);
    return found != MEMORY_NONE ? found : add(names, pool, text, hash);
}

void memory_names_hold(struct memory_names *names, uint32_t name)
{
    memory_names_at(names, name)->rows++;
}

void memory_names_drop(struct memory_names *names, struct memory_pool *pool, uint32_t name)
{
    struct memory_name *at = memory_names_at(names, name);
    ASSERT(at->rows > 0);
    at->rows--;
    memory_names_release_unused(names, pool, name);
}

void memory_names_release_unused(struct memory_names *names, struct memory_pool *pool,
                                 uint32_t name)
{
    struct memory_name *at = memory_names_at(names, name);
    if (at->rows > 0 || at->erased_at_ms != MEMORY_NEVER_ERASED) {
        return;
    }
    uint64_t hash = memory_names_hash(names, memory_names_text(names, name));
    memory_index_remove(&names->index, pool, hash, name);
    memory_list_deinit(&at->list, pool);
    memory_pool_free_text(pool, at->text, at->text_len);
    *at = (struct memory_name){.next_free = names->free};
    names->free = name;
}
