#include "base/backoff.h"

unsigned backoff_ms(const struct random *random, unsigned ms_min, unsigned ms_max,
                    unsigned failures)
{
    uint64_t ceiling = ms_min;
    for (unsigned i = 0; i < failures && ceiling < ms_max; i++) {
        ceiling *= 2;
    }
    if (ceiling > ms_max) {
        ceiling = ms_max;
    }
    return (unsigned)(ceiling / 2 + random_below(random, ceiling / 2 + 1));
}
