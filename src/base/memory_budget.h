#pragma once
/*
 * A bound that many share for memory of one kind, as request bodies or answers over all loops. Who
 * takes memory charges it first and releases the same amount later. Any thread.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct memory_budget {
    atomic_size_t bytes_used;
    size_t bytes_max;
};

/* False when the bound would be passed; then nothing is charged. */
static inline bool memory_budget_charge(struct memory_budget *memory, size_t bytes)
{
    size_t before = atomic_fetch_add_explicit(&memory->bytes_used, bytes, memory_order_relaxed);
    if (bytes > memory->bytes_max || before > memory->bytes_max - bytes) {
        atomic_fetch_sub_explicit(&memory->bytes_used, bytes, memory_order_relaxed);
        return false;
    }
    return true;
}

static inline void memory_budget_release(struct memory_budget *memory, size_t bytes)
{
    atomic_fetch_sub_explicit(&memory->bytes_used, bytes, memory_order_relaxed);
}
