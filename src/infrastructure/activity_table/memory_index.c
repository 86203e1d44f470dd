#include "infrastructure/activity_table/memory_index.h"

#include "base/assert.h"

#include <string.h>

enum { TABLE_FIRST_SLOTS = 8 };

void memory_index_init(struct memory_index *index)
{
    *index = (struct memory_index){0};
}

void memory_index_deinit(struct memory_index *index, struct memory_pool *pool)
{
    for (size_t i = 0; i < MEMORY_INDEX_TABLES; i++) {
        struct memory_index_table *table = &index->tables[i];
        memory_pool_free(pool, table->slots, table->capacity * sizeof *table->slots);
    }
    memory_index_init(index);
}

static const struct memory_index_table *table_of(const struct memory_index *index, uint64_t hash)
{
    return &index->tables[hash >> 56];
}

/* Spreads the fragment over any capacity without a division (Lemire, "Fast random integer
 * generation in an interval"); the capacity need not be a power of two. */
static uint32_t home_of(const struct memory_index_table *table, uint32_t fragment)
{
    return (uint32_t)((uint64_t)fragment * table->capacity >> 32);
}

static uint32_t slot_after(const struct memory_index_table *table, uint32_t at)
{
    return at + 1 == table->capacity ? 0 : at + 1;
}

uint32_t memory_index_find(const struct memory_index *index, uint64_t hash,
                           const struct memory_match *match)
{
    const struct memory_index_table *table = table_of(index, hash);
    if (table->count == 0) {
        return MEMORY_NONE;
    }
    uint32_t fragment = (uint32_t)hash;
    uint32_t at = home_of(table, fragment);
    for (; table->slots[at].value != MEMORY_NONE; at = slot_after(table, at)) {
        const struct memory_slot *slot = &table->slots[at];
        if (slot->fragment == fragment && match->same(match->context, match->wanted, slot->value)) {
            return slot->value;
        }
    }
    return MEMORY_NONE;
}

static bool same_fragment(const void *context, const void *wanted, uint32_t value)
{
    (void)context;
    (void)wanted;
    (void)value;
    return true;
}

uint32_t memory_index_guess(const struct memory_index *index, uint64_t hash)
{
    return memory_index_find(index, hash, &(struct memory_match){.same = same_fragment});
}

void memory_index_prefetch(const struct memory_index *index, uint64_t hash)
{
    const struct memory_index_table *table = table_of(index, hash);
    if (table->count > 0) {
        __builtin_prefetch(&table->slots[home_of(table, (uint32_t)hash)]);
    }
}

static void put(struct memory_index_table *table, struct memory_slot slot)
{
    uint32_t at = home_of(table, slot.fragment);
    while (table->slots[at].value != MEMORY_NONE) {
        at = slot_after(table, at);
    }
    table->slots[at] = slot;
}

/* Moves the entries into a table of another size. */
static bool table_resize(struct memory_index_table *table, struct memory_pool *pool,
                         uint32_t capacity)
{
    struct memory_index_table moved = {.capacity = capacity, .count = table->count};
    moved.slots = memory_pool_allocate(pool, capacity * sizeof *moved.slots);
    if (moved.slots == NULL) {
        return false;
    }
    memset(moved.slots, 0xff, capacity * sizeof *moved.slots); /* every value is MEMORY_NONE */
    for (uint32_t i = 0; i < table->capacity; i++) {
        if (table->slots[i].value != MEMORY_NONE) {
            put(&moved, table->slots[i]);
        }
    }
    memory_pool_free(pool, table->slots, table->capacity * sizeof *table->slots);
    *table = moved;
    return true;
}

bool memory_index_insert(struct memory_index *index, struct memory_pool *pool, uint64_t hash,
                         uint32_t value)
{
    struct memory_index_table *table = &index->tables[hash >> 56];
    /* At most four fifths full: linear probing then looks at three slots on average. */
    if ((uint64_t)(table->count + 1) * 5 > (uint64_t)table->capacity * 4) {
        uint32_t capacity =
            table->capacity == 0 ? TABLE_FIRST_SLOTS : table->capacity + table->capacity / 2;
        if (!table_resize(table, pool, capacity)) {
            return false;
        }
    }
    put(table, (struct memory_slot){.fragment = (uint32_t)hash, .value = value});
    table->count++;
    return true;
}

/* Closes the gap at `hole`, so that no search ends at it too early: every later entry that may
 * stand there moves up (Knuth, volume 3, 6.4, algorithm R). */
static void close_gap(struct memory_index_table *table, uint32_t hole)
{
    uint32_t at = hole;
    for (;;) {
        at = slot_after(table, at);
        if (table->slots[at].value == MEMORY_NONE) {
            break;
        }
        uint32_t home = home_of(table, table->slots[at].fragment);
        bool stays = hole <= at ? hole < home && home <= at : hole < home || home <= at;
        if (!stays) {
            table->slots[hole] = table->slots[at];
            hole = at;
        }
    }
    table->slots[hole].value = MEMORY_NONE;
}

void memory_index_remove(struct memory_index *index, struct memory_pool *pool, uint64_t hash,
                         uint32_t value)
{
    struct memory_index_table *table = &index->tables[hash >> 56];
    ASSERT(table->count > 0);
    uint32_t at = home_of(table, (uint32_t)hash);
    while (table->slots[at].value != value) {
        ASSERT(table->slots[at].value != MEMORY_NONE);
        at = slot_after(table, at);
    }
    close_gap(table, at);
    table->count--;
    /* Gives memory back after many removals; when that fails, the larger table serves as well. */
    if (table->capacity > TABLE_FIRST_SLOTS && table->count < table->capacity / 4) {
        (void)table_resize(table, pool, table->capacity / 2);
    }
}
