#include "histogram.h"

#include <math.h>

// Values below 128 have a bucket each. Above, the highest 8 bits of the value (the first is always
// 1) choose the bucket and the number of bits dropped chooses the octave.
static unsigned bucket_of(uint64_t value)
{
    if (value < HISTOGRAM_PER_OCTAVE)
        return (unsigned)value;
    unsigned dropped = 63U - (unsigned)__builtin_clzll(value) - HISTOGRAM_LINEAR_BITS;
    unsigned leading = (unsigned)(value >> dropped);
    return (dropped + 1) * HISTOGRAM_PER_OCTAVE + (leading - HISTOGRAM_PER_OCTAVE);
}

static uint64_t bucket_end(unsigned bucket)
{
    if (bucket < HISTOGRAM_PER_OCTAVE)
        return bucket;
    unsigned dropped = bucket / HISTOGRAM_PER_OCTAVE - 1;
    uint64_t leading = bucket % HISTOGRAM_PER_OCTAVE + HISTOGRAM_PER_OCTAVE;
    return (leading << dropped) + ((UINT64_C(1) << dropped) - 1);
}

void histogram_record(struct histogram *histogram, uint64_t value)
{
    histogram->counts[bucket_of(value)]++;
    histogram->total++;
    histogram->sum += (double)value;
    if (value > histogram->max)
        histogram->max = value;
}

uint64_t histogram_percentile(const struct histogram *histogram, double percent)
{
    // The rank of the record asked for: the smallest one that has `percent` of all at or below it.
    // The little taken off keeps 99.9 % of 1,000 from becoming the 1,000th by a rounding error.
    double rank = ceil(percent / 100.0 * (double)histogram->total - 1e-6);
    uint64_t wanted = rank < 1.0 ? 1 : (uint64_t)rank;
    uint64_t passed = 0;
    for (unsigned bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
        passed += histogram->counts[bucket];
        if (passed >= wanted) {
            uint64_t end = bucket_end(bucket);
            return end < histogram->max ? end : histogram->max;
        }
    }
    return histogram->max;
}

double histogram_mean(const struct histogram *histogram)
{
    return histogram->total == 0 ? 0.0 : histogram->sum / (double)histogram->total;
}
