#pragma once
/*
 * How fast something flows off, as seen over the last seconds, and so how long what waits will
 * take: what a client is told that has to come back later. Two windows that follow each other, so
 * that what was long ago counts no more and one burst is not taken for a rate. Not for several
 * threads at once.
 */
#include <stdint.h>

enum { FLOW_WINDOW_MS = 2000 }; /* a window lasts so long, and until something flows */

struct flow_rate {
    uint64_t begun_ns;
    uint64_t units;
    uint64_t before_ns; /* how long the window before lasted */
    uint64_t before_units;
};

/* Times are those of clock_monotonic_ns. */
void flow_rate_init(struct flow_rate *rate, uint64_t now_ns);
void flow_rate_add(struct flow_rate *rate, uint64_t units, uint64_t now_ns);

/* 0: nothing flows, or it only just began. */
uint64_t flow_rate_per_second(const struct flow_rate *rate, uint64_t now_ns);

/* In how many seconds so much will have flowed off at this rate, at least 1; 0: nobody knows. */
unsigned flow_seconds(uint64_t units, uint64_t per_second);

/* The same at the rate as it is seen. */
unsigned flow_rate_seconds(const struct flow_rate *rate, uint64_t units, uint64_t now_ns);
