#include "base/shared_snapshot.h"

#include "base/assert.h"

#include <stdalign.h>
#include <stdlib.h>
#include <time.h>

enum { CACHE_LINE_BYTES = 64, LOOK_AGAIN_NS = 50000 };

/* A line of its own, so that readers do not slow each other down. */
struct shared_snapshot_slot {
    alignas(CACHE_LINE_BYTES) _Atomic(const void *) held;
};

enum status shared_snapshot_init(struct shared_snapshot *shared, unsigned readers)
{
    struct shared_snapshot_slot *slots =
        aligned_alloc(CACHE_LINE_BYTES, readers * sizeof(struct shared_snapshot_slot));
    if (slots == NULL) {
        return STATUS_NO_MEMORY;
    }
    for (unsigned i = 0; i < readers; i++) {
        atomic_init(&slots[i].held, NULL);
    }
    shared->slots = slots;
    shared->slot_count = readers;
    atomic_init(&shared->current, NULL);
    return STATUS_OK;
}

void shared_snapshot_deinit(struct shared_snapshot *shared)
{
    free(shared->slots);
    shared->slots = NULL;
    shared->slot_count = 0;
}

/* Whoever replaces looks at the slots after it changed what is current. So either it finds this
 * slot filled, or this thread sees the change and takes the new one. */
const void *shared_snapshot_hold(struct shared_snapshot *shared, unsigned reader)
{
    ASSERT(reader < shared->slot_count);
    struct shared_snapshot_slot *slot = &shared->slots[reader];
    ASSERT(atomic_load_explicit(&slot->held, memory_order_relaxed) == NULL);
    const void *seen = atomic_load(&shared->current);
    for (;;) {
        atomic_store(&slot->held, seen);
        const void *now = atomic_load(&shared->current);
        if (now == seen) {
            return seen;
        }
        seen = now;
    }
}

void shared_snapshot_release(struct shared_snapshot *shared, unsigned reader)
{
    ASSERT(reader < shared->slot_count);
    atomic_store_explicit(&shared->slots[reader].held, NULL, memory_order_release);
}

static void wait_until_free(const struct shared_snapshot_slot *slot, const void *old)
{
    while (atomic_load(&slot->held) == old) {
        nanosleep(&(struct timespec){.tv_nsec = LOOK_AGAIN_NS}, NULL);
    }
}

void *shared_snapshot_replace(struct shared_snapshot *shared, void *next)
{
    void *old = atomic_exchange(&shared->current, next);
    for (unsigned i = 0; old != NULL && i < shared->slot_count; i++) {
        wait_until_free(&shared->slots[i], old);
    }
    return old;
}
