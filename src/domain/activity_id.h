#pragma once
/*
 * Ids for activities whose client sent none: UUIDv7 (RFC 9562 section 5.7) that increase strictly
 * in the order in which one process accepts activities, over all threads. The 12 bits behind the
 * milliseconds count fractions of a millisecond (section 6.2, method 3); 62 bits are random.
 * Any thread.
 */
#include "base/clock.h"
#include "base/random.h"
#include "base/uuid.h"

#include <stdatomic.h>
#include <stdint.h>

struct activity_id_source {
    const struct clock *clock;
    const struct random *random;
    _Atomic uint64_t last; /* 48 bits of milliseconds and 12 bits of fraction: what is given out
                              from now on lies behind it */
};

void activity_id_source_init(struct activity_id_source *source, const struct clock *clock,
                             const struct random *random);

/* Never fails. `now_ns` is the time of the source's clock, read now or, for what came together,
 * once for all of it; when it is behind the newest id the ids go on from that one. */
struct uuid activity_id_next(struct activity_id_source *source, uint64_t now_ns);

/* The milliseconds of the next id without the id: when an activity came that has one of its own. */
int64_t activity_id_next_time_ms(struct activity_id_source *source, uint64_t now_ns);

/* A border between what was given out and what will be: every time up to now lies before it, and no
 * later one does. At most a millisecond ahead of the newest. */
int64_t activity_id_border_ms(struct activity_id_source *source);

/* Nothing before this time is given out any more. */
void activity_id_begin_at(struct activity_id_source *source, int64_t time_ms);

/* The milliseconds in a UUIDv7; 0 for another version. */
int64_t activity_id_time_ms(struct uuid id);
