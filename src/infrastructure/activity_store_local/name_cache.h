#pragma once
/*
 * The texts of users that were read last, by number. A walk over rows meets the same few users
 * again and again, and each text costs reading its block from the front, since each one there needs
 * the one before. Short texts only; one slot for each remainder of the number. One thread at a
 * time.
 */
#include "base/str.h"

#include <stdint.h>

enum { NAME_CACHE_SLOTS = 1024, NAME_CACHE_TEXT_BYTES = 36 };

struct name_cache_slot {
    uint32_t number;
    uint32_t len; /* 0: nothing is here; no user has an empty text */
    char text[NAME_CACHE_TEXT_BYTES];
};

struct name_cache {
    struct name_cache_slot slots[NAME_CACHE_SLOTS];
};

/* {NULL, 0} when it is not there; else it stays until the next is put. */
static inline struct str name_cache_find(const struct name_cache *cache, uint32_t number)
{
    const struct name_cache_slot *slot = &cache->slots[number % NAME_CACHE_SLOTS];
    return slot->len > 0 && slot->number == number ? (struct str){slot->text, slot->len}
                                                   : (struct str){0};
}

/* Instead of whatever else has its slot; a text that is too long is not kept. */
static inline void name_cache_put(struct name_cache *cache, uint32_t number, struct str text)
{
    struct name_cache_slot *slot = &cache->slots[number % NAME_CACHE_SLOTS];
    if (text.len <= NAME_CACHE_TEXT_BYTES) {
        slot->number = number;
        slot->len = (uint32_t)text.len;
        memcpy(slot->text, text.data, text.len);
    }
}
