#pragma once
/*
 * Room in an array that grows: an owner has its elements, their count and a capacity, all zero at
 * first, and frees the elements. Who adds has a limit of its own for how many there may be. As the
 * owner's threads.
 */
#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>

/* Gives `items` and `capacity`, which are the owner's, room for `wanted` elements; the elements may
 * move. False: there is no memory, and nothing changed. */
#define ARRAY_RESERVE(items, capacity, wanted)                                                     \
    __extension__({                                                                                \
        size_t wanted_ = (wanted);                                                                 \
        void *items_ = (items);                                                                    \
        bool fits_ =                                                                               \
            wanted_ <= (capacity) || array_grow(&items_, &(capacity), wanted_, sizeof *(items));   \
        (items) = items_;                                                                          \
        fits_;                                                                                     \
    })

/* For ARRAY_RESERVE. Twice the capacity, or what is wanted if that is more. */
MUST_USE bool array_grow(void **items, size_t *capacity, size_t wanted, size_t element_bytes);
