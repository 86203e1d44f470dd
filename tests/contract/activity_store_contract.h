#pragma once
/*
 * What domain/activity_store.h promises, as tests for every adapter. An adapter's test program
 * describes how its stores are made and runs the suite; adapters that come later plug in the same
 * way. One thread at a time.
 */
#include "domain/activity_store.h"
#include "domain/erasure_lookup.h"

#include <stdbool.h>

struct store_maker {
    const char *name; /* of the adapter, in test names and messages */
    /* A new, empty store; fails the test when it cannot. */
    struct activity_store *(*make)(void);
    /* Frees the store as a crash would and opens what is left of it. NULL: nothing is. */
    struct activity_store *(*crash)(struct activity_store *store);
    bool expires_exactly; /* expire removes everything below at once */
    bool records_erasures;
    struct erasure_lookup *(*erasures)(struct activity_store *store); /* NULL: has none */
};

/* Each runs a group of tests under the adapter's name and returns how many failed. */
int activity_store_contract_run_cases(const struct store_maker *maker);
int activity_store_contract_run_accounts(const struct store_maker *maker);
int activity_store_contract_run_queries(const struct store_maker *maker);
int activity_store_contract_run_tallies(const struct store_maker *maker);
int activity_store_contract_run_oracle(const struct store_maker *maker, unsigned seeds);
int activity_store_contract_run_threads(const struct store_maker *maker);
