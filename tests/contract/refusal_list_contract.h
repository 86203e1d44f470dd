#pragma once
/*
 * What application/refusal_list.h promises, as tests for every adapter. An adapter's test program
 * describes how its lists are made and runs the suite. One thread at a time.
 */
#include "application/refusal_list.h"
#include "base/clock.h"

struct refusal_list_maker {
    const char *name; /* of the adapter, in test names and messages */
    const char *kind; /* as describe says */
    /* A new, empty list that holds about `bytes_max` and takes its times from `clock`, which
     * outlives it; fails the test when it cannot. */
    struct refusal_list *(*make)(uint64_t bytes_max, const struct clock *clock);
    /* Frees the list and opens what it left. NULL: it leaves nothing. */
    struct refusal_list *(*reopen)(struct refusal_list *list);
    /* Frees the list and everything it left. */
    void (*unmake)(struct refusal_list *list);
};

/* Returns how many tests failed. */
int refusal_list_contract_run(const struct refusal_list_maker *maker);
