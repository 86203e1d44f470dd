#include "base/failing_memory.h"

#include <stdlib.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);

static bool armed;
static bool failed;
static unsigned long allocations_left; /* before one fails, while armed */

static bool fails_now(void)
{
    bool fails = armed && !failed && allocations_left-- == 0;
    failed = failed || fails;
    return fails;
}

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    return fails_now() ? NULL : __real_realloc(block, size);
}

void failing_memory_arm(unsigned long allocations)
{
    allocations_left = allocations;
    failed = false;
    armed = true;
}

bool failing_memory_disarm(void)
{
    armed = false;
    return failed;
}
