#pragma once
/*
 * What application/log_tail.h promises, as tests for every adapter. One thread at a time.
 */
#include "application/event_log.h"
#include "application/log_tail.h"

struct tail_maker {
    const char *name; /* of the adapter, in messages */
    /* A new, empty log of one partition with its tails; fails the test when it cannot. */
    struct event_log *(*make)(struct log_tail_source **out_tails);
    /* Has the log drop what lies below its end, or a part of it; false: it keeps everything. */
    bool (*drop)(struct event_log *log);
    /* Frees the log and everything it left. */
    void (*unmake)(struct event_log *log);
};

/* Returns how many tests failed. */
int log_tail_contract_run(const struct tail_maker *maker);
