// A log-linear histogram of durations, after the idea of HdrHistogram: each power of two is cut
// into 128 equal buckets, so every value from 1 ns to centuries is kept to better than 0.8 % in a
// table of fixed size, and recording is an increment. One thread at a time.
#pragma once

#include <stdint.h>

enum {
    HISTOGRAM_LINEAR_BITS = 7,
    HISTOGRAM_PER_OCTAVE = 1 << HISTOGRAM_LINEAR_BITS,
    HISTOGRAM_BUCKETS = (64 - HISTOGRAM_LINEAR_BITS + 1) * HISTOGRAM_PER_OCTAVE
};

struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t total;
    uint64_t max;
    double sum;
};

// A zeroed struct is an empty histogram.
void histogram_record(struct histogram *histogram, uint64_t value);

// The value below or at which `percent` (0..100) of all records lie, rounded up to the end of its
// bucket but never above the greatest value recorded; 0 when nothing was recorded.
uint64_t histogram_percentile(const struct histogram *histogram, double percent);

// The arithmetic mean; 0 when nothing was recorded.
double histogram_mean(const struct histogram *histogram);
