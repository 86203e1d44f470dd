#include "infrastructure/activity_store_local/tombstones.h"

#include "base/array.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

void tombstones_init(struct tombstones *tombstones)
{
    *tombstones = (struct tombstones){0};
}

void tombstones_deinit(struct tombstones *tombstones)
{
    for (size_t i = 0; i < tombstones->count; i++) {
        free((char *)tombstones->items[i].user_id.data);
    }
    free(tombstones->items);
    *tombstones = (struct tombstones){0};
}

/* How many stand below the user, who is found there or not. */
static size_t below(const struct tombstones *tombstones, struct str user_id, bool *out_found)
{
    size_t low = 0;
    size_t high = tombstones->count;
    *out_found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_compare(tombstones->items[middle].user_id, user_id);
        if (order == 0) {
            *out_found = true;
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const struct tombstone *tombstones_find(const struct tombstones *tombstones, struct str user_id)
{
    bool found;
    size_t at = below(tombstones, user_id, &found);
    return found ? &tombstones->items[at] : NULL;
}

static enum status insert(struct tombstones *tombstones, size_t at, const struct tombstone *erased)
{
    char *text = malloc(erased->user_id.len + 1); /* never of no bytes */
    if (text == NULL ||
        !ARRAY_RESERVE(tombstones->items, tombstones->capacity, tombstones->count + 1)) {
        free(text);
        return STATUS_NO_MEMORY;
    }
    memcpy(text, erased->user_id.data, erased->user_id.len);
    struct tombstone *place = &tombstones->items[at];
    memmove(place + 1, place, (tombstones->count - at) * sizeof *place);
    *place = *erased;
    place->user_id.data = text;
    tombstones->count++;
    return STATUS_OK;
}

enum status tombstones_set(struct tombstones *tombstones, const struct tombstone *erased)
{
    bool found;
    size_t at = below(tombstones, erased->user_id, &found);
    if (!found) {
        return insert(tombstones, at, erased);
    }
    struct tombstone *known = &tombstones->items[at];
    known->number = erased->number;
    if (known->erased_at_ms < erased->erased_at_ms) {
        known->erased_at_ms = erased->erased_at_ms;
    }
    return STATUS_OK;
}
