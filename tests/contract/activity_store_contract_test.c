/* Every adapter of the store, and every double, held to the port. */
#include "activity_store_contract.h"
#include "infrastructure/activity_store_failing/activity_store_failing.h"
#include "infrastructure/activity_store_memory/activity_store_memory.h"
#include "infrastructure/activity_store_tracing/activity_store_tracing.h"
#include "support/durable_store_double.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

static struct activity_store *make_memory(void)
{
    struct activity_store_memory_config config = {.clock = &clock_system, .random = &random_system};
    struct activity_store *store = NULL;
    assert_int_equal(activity_store_memory_new(&config, &store, NULL), STATUS_OK);
    return store;
}

static struct activity_store *make_tracing(void)
{
    static struct logger logger = {
        .clock = &clock_system, .descriptor = -1, .format = LOG_FORMAT_JSON, .level = LOG_DEBUG};
    struct activity_store *store = make_memory();
    if (logger.descriptor < 0) {
        logger.descriptor = open("/dev/null", O_WRONLY | O_CLOEXEC);
    }
    assert_int_equal(activity_store_tracing_new(store, &logger, &store, NULL), STATUS_OK);
    return store;
}

static struct activity_store *make_failing(void)
{
    struct activity_store *store = make_memory();
    assert_int_equal(activity_store_failing_new(store, &store, NULL), STATUS_OK);
    return store;
}

static struct activity_store *make_double_at_sync(void)
{
    return durable_store_double_new(DURABLE_AT_SYNC);
}

static struct activity_store *make_double_at_put(void)
{
    return durable_store_double_new(DURABLE_AT_PUT);
}

static const struct store_maker makers[] = {
    {.name = "memory",
     .make = make_memory,
     .expires_exactly = true,
     .erasures = activity_store_memory_erasures},
    {.name = "tracing", .make = make_tracing, .expires_exactly = true},
    {.name = "failing", .make = make_failing, .expires_exactly = true},
    {.name = "durable double, at sync",
     .make = make_double_at_sync,
     .crash = durable_store_double_crash,
     .expires_exactly = true},
    {.name = "durable double, at put",
     .make = make_double_at_put,
     .crash = durable_store_double_crash,
     .expires_exactly = true},
};

/* The oracle's seeds for each: most for the store itself, some to show that a decorator hands on.
 */
static const unsigned seeds[ARRAY_LENGTH(makers)] = {10000, 100, 100, 500, 500};

int main(void)
{
    int failed = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(makers); i++) {
        failed += activity_store_contract_run_cases(&makers[i]);
        failed += activity_store_contract_run_accounts(&makers[i]);
        failed += activity_store_contract_run_queries(&makers[i]);
        failed += activity_store_contract_run_tallies(&makers[i]);
        failed += activity_store_contract_run_oracle(&makers[i], seeds[i]);
        failed += activity_store_contract_run_threads(&makers[i]);
    }
    return failed;
}
