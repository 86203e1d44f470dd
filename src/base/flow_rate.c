#include "base/flow_rate.h"

#include "base/clock.h"

#include <limits.h>

enum { SEEN_MS_MIN = 100 };

void flow_rate_init(struct flow_rate *rate, uint64_t now_ns)
{
    *rate = (struct flow_rate){.begun_ns = now_ns};
}

void flow_rate_add(struct flow_rate *rate, uint64_t units, uint64_t now_ns)
{
    uint64_t lasted_ns = now_ns - rate->begun_ns;
    rate->units += units;
    if (lasted_ns >= FLOW_WINDOW_MS * (uint64_t)NANOSECONDS_PER_MILLISECOND) {
        *rate = (struct flow_rate){
            .begun_ns = now_ns, .before_ns = lasted_ns, .before_units = rate->units};
    }
}

uint64_t flow_rate_per_second(const struct flow_rate *rate, uint64_t now_ns)
{
    uint64_t seen_ms = (rate->before_ns + now_ns - rate->begun_ns) / NANOSECONDS_PER_MILLISECOND;
    uint64_t units = rate->before_units + rate->units;
    if (seen_ms < SEEN_MS_MIN || units > UINT64_MAX / MILLISECONDS_PER_SECOND) {
        return 0;
    }
    return units * MILLISECONDS_PER_SECOND / seen_ms;
}

unsigned flow_seconds(uint64_t units, uint64_t per_second)
{
    if (per_second == 0) {
        return 0;
    }
    uint64_t seconds = units / per_second;
    return seconds < UINT_MAX ? (unsigned)seconds + 1 : UINT_MAX;
}

unsigned flow_rate_seconds(const struct flow_rate *rate, uint64_t units, uint64_t now_ns)
{
    return flow_seconds(units, flow_rate_per_second(rate, now_ns));
}
