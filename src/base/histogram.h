#pragma once
/*
 * Durations counted by how long they were: one thread adds, any thread reads. Adding is two plain
 * stores beside the search for the bucket, which mostly ends at the first. Whoever reads while
 * somebody adds may have a duration in the counts and not in the sum yet, or the other way round.
 */
#include "base/counter.h"

#include <stddef.h>

enum { HISTOGRAM_BOUNDS = 14 };

/* The highest duration of each bucket but the last, which has none; ascending. */
struct histogram_bounds {
    uint64_t ns[HISTOGRAM_BOUNDS];
};

/* 5 ms to 10 s, as OpenTelemetry wants them for http.server.request.duration
 * (https://opentelemetry.io/docs/specs/semconv/http/http-metrics/). */
extern const struct histogram_bounds histogram_bounds_requests;

/* 0.1 ms to 5 s, for what a disk does. */
extern const struct histogram_bounds histogram_bounds_disk;

/* All zero at first. */
struct histogram {
    _Atomic uint64_t counts[HISTOGRAM_BOUNDS + 1];
    _Atomic uint64_t sum_ns;
};

/* What several histograms with the same bounds come to; all zero but for the bounds at first. */
struct histogram_sums {
    const struct histogram_bounds *bounds;
    uint64_t counts[HISTOGRAM_BOUNDS + 1];
    uint64_t sum_ns;
};

static inline void histogram_add(struct histogram *histogram, const struct histogram_bounds *bounds,
                                 uint64_t ns)
{
    size_t bucket = 0;
    while (bucket < HISTOGRAM_BOUNDS && ns > bounds->ns[bucket]) {
        bucket++;
    }
    counter_add(&histogram->counts[bucket], 1);
    counter_add(&histogram->sum_ns, ns);
}

void histogram_sum(const struct histogram *histogram, struct histogram_sums *sums);

/* How many durations there are. */
uint64_t histogram_count(const struct histogram_sums *sums);
