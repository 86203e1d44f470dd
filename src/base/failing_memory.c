#include "base/failing_memory.h"

#include <stdatomic.h>
#include <stdlib.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);

static atomic_bool armed;
static atomic_bool failed;
static atomic_ulong allocations_left; /* before one fails, while armed */
static _Thread_local bool spared;

/* Behind the one that fails the count wraps around, and does not come by 0 again. */
static bool fails_now(void)
{
    bool fails = atomic_load(&armed) && !spared && atomic_fetch_sub(&allocations_left, 1) == 0;
    if (fails) {
        atomic_store(&failed, true);
    }
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
    atomic_store(&allocations_left, allocations);
    atomic_store(&failed, false);
    atomic_store(&armed, true);
}

bool failing_memory_disarm(void)
{
    atomic_store(&armed, false);
    return atomic_load(&failed);
}

void failing_memory_spare_this_thread(bool spares)
{
    spared = spares;
}
