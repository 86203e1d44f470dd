#include "domain/activity_id.h"

void activity_id_source_init(struct activity_id_source *source, const struct clock *clock,
                             const struct random *random)
{
    source->clock = clock;
    source->random = random;
    atomic_init(&source->last, 0);
}

enum { FRACTION_BITS = 12 };

/* Milliseconds in the upper bits, then the fraction of a millisecond in 1/4096. */
static uint64_t ticks_at(uint64_t now_ns)
{
    uint64_t ms = now_ns / NANOSECONDS_PER_MILLISECOND;
    uint64_t fraction = (now_ns % NANOSECONDS_PER_MILLISECOND) * 4096 / NANOSECONDS_PER_MILLISECOND;
    return ms << FRACTION_BITS | fraction;
}

static uint64_t next_ticks(struct activity_id_source *source, uint64_t now_ns)
{
    uint64_t now = ticks_at(now_ns);
    uint64_t last = atomic_load_explicit(&source->last, memory_order_relaxed);
    uint64_t next;
    do {
        next = now > last ? now : last + 1;
    } while (!atomic_compare_exchange_weak_explicit(&source->last, &last, next,
                                                    memory_order_relaxed, memory_order_relaxed));
    return next;
}

struct uuid activity_id_next(struct activity_id_source *source, uint64_t now_ns)
{
    uint64_t ticks = next_ticks(source, now_ns);
    struct uuid id;
    random_fill(source->random, id.bytes + 8, 8);
    for (int i = 0; i < 6; i++) {
        id.bytes[i] = (uint8_t)(ticks >> (52 - 8 * i));
    }
    id.bytes[6] = (uint8_t)(0x70 | (ticks >> 8 & 0x0f));
    id.bytes[7] = (uint8_t)ticks;
    id.bytes[8] = (uint8_t)((id.bytes[8] & 0x3f) | 0x80);
    return id;
}

int64_t activity_id_next_time_ms(struct activity_id_source *source, uint64_t now_ns)
{
    return (int64_t)(next_ticks(source, now_ns) >> FRACTION_BITS);
}

int64_t activity_id_border_ms(struct activity_id_source *source)
{
    uint64_t now = ticks_at(clock_wall_ns(source->clock));
    uint64_t last = atomic_load_explicit(&source->last, memory_order_relaxed);
    uint64_t border_ms;
    do {
        border_ms = ((now > last ? now : last) >> FRACTION_BITS) + 1;
    } while (!atomic_compare_exchange_weak_explicit(&source->last, &last,
                                                    (border_ms << FRACTION_BITS) - 1,
                                                    memory_order_relaxed, memory_order_relaxed));
    return (int64_t)border_ms;
}

void activity_id_begin_at(struct activity_id_source *source, int64_t time_ms)
{
    uint64_t before = time_ms > 0 ? ((uint64_t)time_ms << FRACTION_BITS) - 1 : 0;
    uint64_t last = atomic_load_explicit(&source->last, memory_order_relaxed);
    while (last < before &&
           !atomic_compare_exchange_weak_explicit(&source->last, &last, before,
                                                  memory_order_relaxed, memory_order_relaxed)) {
    }
}

int64_t activity_id_time_ms(struct uuid id)
{
    if (id.bytes[6] >> 4 != 7) {
        return 0;
    }
    int64_t ms = 0;
    for (int i = 0; i < 6; i++) {
        ms = ms << 8 | id.bytes[i];
    }
    return ms;
}
