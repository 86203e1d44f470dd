#include "domain/position.h"

#include "base/array.h"
#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

void position_set_init(struct position_set *set)
{
    *set = (struct position_set){0};
}

void position_set_deinit(struct position_set *set)
{
    free(set->items);
    *set = (struct position_set){0};
}

/* The index of the partition, or where it would stand. */
static size_t find_index(const struct position_set *set, int32_t partition)
{
    size_t low = 0;
    size_t high = set->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (set->items[middle].partition < partition) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool stands_at(const struct position_set *set, size_t index, int32_t partition)
{
    return index < set->count && set->items[index].partition == partition;
}

bool position_set_has(const struct position_set *set, int32_t partition)
{
    return stands_at(set, find_index(set, partition), partition);
}

int64_t position_set_get(const struct position_set *set, int32_t partition)
{
    size_t index = find_index(set, partition);
    return stands_at(set, index, partition) ? set->items[index].offset : 0;
}

uint64_t position_set_distance(const struct position_set *from, const struct position_set *to)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < to->count; i++) {
        int64_t behind = to->items[i].offset - position_set_get(from, to->items[i].partition);
        sum += behind > 0 ? (uint64_t)behind : 0;
    }
    return sum;
}

static enum status make_room(struct position_set *set)
{
    if (set->count == POSITION_PARTITIONS_MAX) {
        return STATUS_TOO_LARGE;
    }
    return ARRAY_RESERVE(set->items, set->capacity, set->count + 1) ? STATUS_OK : STATUS_NO_MEMORY;
}

enum status position_set_raise(struct position_set *set, struct position position)
{
    ASSERT(position.offset >= 0);
    size_t index = find_index(set, position.partition);
    if (stands_at(set, index, position.partition)) {
        if (set->items[index].offset < position.offset) {
            set->items[index].offset = position.offset;
        }
        return STATUS_OK;
    }
    enum status status = make_room(set);
    if (status != STATUS_OK) {
        return status;
    }
    memmove(&set->items[index + 1], &set->items[index], (set->count - index) * sizeof *set->items);
    set->items[index] = position;
    set->count++;
    return STATUS_OK;
}

enum status position_set_raise_all(struct position_set *set, const struct position_set *from)
{
    for (size_t i = 0; i < from->count; i++) {
        enum status status = position_set_raise(set, from->items[i]);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

enum status position_set_prepare(struct position_set *set, const struct position_set *from)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < from->count; i++) {
        struct position known = {.partition = from->items[i].partition, .offset = 0};
        status = position_set_raise(set, known);
    }
    return status;
}
