#include "base/array.h"

#include <stdint.h>
#include <stdlib.h>

enum { ELEMENTS_MIN = 4 };

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

bool array_grow(void **items, size_t *capacity, size_t wanted, size_t element_bytes)
{
    size_t doubled = *capacity > SIZE_MAX / 2 ? SIZE_MAX : *capacity * 2;
    size_t room = larger(larger(doubled, wanted), ELEMENTS_MIN);
    if (room > SIZE_MAX / element_bytes) {
        return false;
    }
    void *grown = realloc(*items, room * element_bytes);
    if (grown == NULL) {
        return false;
    }
    *items = grown;
    *capacity = room;
    return true;
}
