#include "fuzz.h"

#include "base/assert.h"
#include "base/utf8.h"

#include <stdlib.h>

char *fuzz_copy(const uint8_t *data, size_t size, size_t padding)
{
    char *copy = calloc(1, size + padding + (size + padding == 0));
    ASSERT(copy != NULL);
    if (size > 0) {
        memcpy(copy, data, size);
    }
    return copy;
}

void fuzz_expect_text(const char *text)
{
    size_t code_points;
    ASSERT(utf8_count(str_from(text), &code_points) && code_points > 0);
}
