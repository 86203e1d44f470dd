#pragma once
/*
 * What application/event_log.h promises, as tests for every adapter. An adapter's test program
 * describes how its logs are made and runs the suite. One thread at a time.
 */
#include "application/event_log.h"

#include <stdbool.h>

struct log_maker {
    const char *name; /* of the adapter, in test names and messages */
    const char *kind; /* as describe says */
    enum durability durability;
    /* A new, empty log that holds about `bytes_max`; fails the test when it cannot. */
    struct event_log *(*make)(uint64_t bytes_max);
    /* Frees the log and opens what it left. NULL: it leaves nothing. */
    struct event_log *(*reopen)(struct event_log *log);
    /* Frees the log and everything it left. */
    void (*unmake)(struct event_log *log);
};

/* Returns how many tests failed. */
int event_log_contract_run(const struct log_maker *maker);
