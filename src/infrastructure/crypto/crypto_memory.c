#include "infrastructure/crypto/crypto_memory.h"

#include <openssl/crypto.h>
#include <stdlib.h>

static bool bounded;
static unsigned long allocations_left; /* while bounded */

static bool fails_now(void)
{
    bool fails = bounded && allocations_left == 0;
    allocations_left -= bounded && !fails;
    return fails;
}

static void *allocate(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return fails_now() ? NULL : malloc(size);
}

static void *reallocate(void *block, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return fails_now() ? NULL : realloc(block, size);
}

static void release(void *block, const char *file, int line)
{
    (void)file;
    (void)line;
    free(block);
}

bool crypto_memory_take_over(void)
{
    return CRYPTO_set_mem_functions(allocate, reallocate, release) == 1;
}

void crypto_memory_run_out(unsigned long allocations)
{
    allocations_left = allocations;
    bounded = true;
}

void crypto_memory_suffice(void)
{
    bounded = false;
}
