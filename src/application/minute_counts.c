#include "application/minute_counts.h"

#include "base/assert.h"

#include <stdbool.h>

enum { MS_PER_MINUTE = 60 * 1000 };

void minute_counts_init(struct minute_counts *self, const struct clock *clock)
{
    self->clock = clock;
    pthread_mutex_init(&self->turning, NULL);
    for (size_t i = 0; i < MINUTES_KEPT; i++) {
        atomic_init(&self->slots[i].minute, -1);
        for (size_t j = 0; j < MINUTE_COUNTS_MAX; j++) {
            atomic_init(&self->slots[i].counts[j], 0);
        }
    }
}

void minute_counts_deinit(struct minute_counts *self)
{
    pthread_mutex_destroy(&self->turning);
}

static int64_t this_minute(const struct minute_counts *self)
{
    return clock_wall_ms(self->clock) / MS_PER_MINUTE;
}

/* A clock that steps back counts where it is now, unless a later hour has that place. */
static void turn(struct minute_counts *self, struct minute_slot *slot, int64_t minute)
{
    pthread_mutex_lock(&self->turning);
    if (atomic_load(&slot->minute) < minute) {
        for (size_t i = 0; i < MINUTE_COUNTS_MAX; i++) {
            atomic_store(&slot->counts[i], 0);
        }
        atomic_store(&slot->minute, minute);
    }
    pthread_mutex_unlock(&self->turning);
}

static bool is_nothing(const uint64_t *added, size_t count)
{
    uint64_t any = 0;
    for (size_t i = 0; i < count; i++) {
        any |= added[i];
    }
    return any == 0;
}

void minute_counts_add(struct minute_counts *self, const uint64_t *added, size_t count)
{
    ASSERT(count <= MINUTE_COUNTS_MAX);
    if (is_nothing(added, count)) { /* a worker that looks and finds nothing */
        return;
    }
    int64_t minute = this_minute(self);
    struct minute_slot *slot = &self->slots[(uint64_t)minute % MINUTES_KEPT];
    if (atomic_load_explicit(&slot->minute, memory_order_acquire) < minute) {
        turn(self, slot, minute);
    }
    for (size_t i = 0; i < count; i++) {
        if (added[i] > 0) {
            atomic_fetch_add_explicit(&slot->counts[i], added[i], memory_order_relaxed);
        }
    }
}

size_t minute_counts_take(struct minute_counts *self, struct minute_sums out_sums[MINUTES_KEPT])
{
    int64_t now = this_minute(self);
    size_t count = 0;
    for (int64_t minute = now - MINUTES_KEPT + 1; minute <= now; minute++) {
        struct minute_slot *slot = &self->slots[(uint64_t)minute % MINUTES_KEPT];
        if (atomic_load(&slot->minute) != minute) {
            continue;
        }
        struct minute_sums *sums = &out_sums[count++];
        sums->minute = minute;
        for (size_t i = 0; i < MINUTE_COUNTS_MAX; i++) {
            sums->counts[i] = atomic_load(&slot->counts[i]);
        }
    }
    return count;
}
