#include "base/histogram.h"

#define MS(count) ((count)*UINT64_C(1000000))
#define US(count) ((count)*UINT64_C(1000))

const struct histogram_bounds histogram_bounds_requests = {
    {MS(5), MS(10), MS(25), MS(50), MS(75), MS(100), MS(250), MS(500), MS(750), MS(1000), MS(2500),
     MS(5000), MS(7500), MS(10000)}};

const struct histogram_bounds histogram_bounds_disk = {{US(100), US(250), US(500), MS(1), US(2500),
                                                        MS(5), MS(10), MS(25), MS(50), MS(100),
                                                        MS(250), MS(500), MS(1000), MS(5000)}};

void histogram_sum(const struct histogram *histogram, struct histogram_sums *sums)
{
    for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++) {
        sums->counts[i] += counter_read(&histogram->counts[i]);
    }
    sums->sum_ns += counter_read(&histogram->sum_ns);
}

uint64_t histogram_count(const struct histogram_sums *sums)
{
    uint64_t count = 0;
    for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++) {
        count += sums->counts[i];
    }
    return count;
}
