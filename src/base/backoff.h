#pragma once
/*
 * How long to wait before trying again: half of a ceiling that doubles with each failure, and a
 * random part of the other half, so that many who failed together do not come back as one. Any
 * thread.
 */
#include "base/random.h"

/* From half of `ms_min` to `ms_max`; `failures` came before the one that is waited for now. */
unsigned backoff_ms(const struct random *random, unsigned ms_min, unsigned ms_max,
                    unsigned failures);
