/* The store on MongoDB, held to the port, on the server that USERTRAIL_TEST_MONGODB names (see
 * tests/servers). Each store has a database of its own, which is dropped behind it. A crash is an
 * end without warning: everything that was put must be there, since every put is durable. */
#include "activity_store_contract.h"
#include "infrastructure/activity_store_mongodb/activity_store_mongodb.h"
#include "support/quiet_logger.h"

#include <mongoc/mongoc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

enum { URI_BYTES = 512 };

static char uri[URI_BYTES]; /* of the store that was made last */
static unsigned sessions = 2;

static struct activity_store *open_store(void)
{
    const struct activity_store_mongodb_config config = {.uri = uri,
                                                         .sessions = sessions,
                                                         .clock = &clock_system,
                                                         .random = &random_system,
                                                         .logger = quiet_logger()};
    struct activity_store *store = NULL;
    struct error err;
    if (activity_store_mongodb_new(&config, &store, &err) != STATUS_OK) {
        fail_msg("cannot open the store: %s", err.message);
    }
    return store;
}

static void drop_database(void)
{
    if (uri[0] != '\0') {
        mongoc_uri_t *parsed = mongoc_uri_new(uri);
        mongoc_client_t *client = mongoc_client_new_from_uri(parsed);
        mongoc_database_t *database =
            mongoc_client_get_database(client, mongoc_uri_get_database(parsed));
        assert_true(mongoc_database_drop(database, NULL));
        mongoc_database_destroy(database);
        mongoc_client_destroy(client);
        mongoc_uri_destroy(parsed);
    }
}

static struct activity_store *make(void)
{
    static unsigned number;
    drop_database();
    snprintf(uri, sizeof uri, "%s/usertrail_test_%d_%u", getenv("USERTRAIL_TEST_MONGODB"),
             (int)getpid(), number++);
    return open_store();
}

static struct activity_store *crash(struct activity_store *store)
{
    activity_store_free(store);
    return open_store();
}

static const struct store_maker maker = {.name = "mongodb",
                                         .make = make,
                                         .crash = crash,
                                         .expires_exactly = true,
                                         .erasures = activity_store_mongodb_erasures};

/* Few: a server without indexes looks at everything for each question. */
enum { SEEDS = 400 };

int main(void)
{
    if (getenv("USERTRAIL_TEST_MONGODB") == NULL) {
        fprintf(stderr, "USERTRAIL_TEST_MONGODB names no server; tests/servers/servers.py run "
                        "--mongodb -- starts one\n");
        return 1;
    }
    int failed = 0;
    failed += activity_store_contract_run_cases(&maker);
    failed += activity_store_contract_run_accounts(&maker);
    failed += activity_store_contract_run_queries(&maker);
    failed += activity_store_contract_run_tallies(&maker);
    failed += activity_store_contract_run_oracle(&maker, SEEDS);
    failed += activity_store_contract_run_threads(&maker);
    drop_database();
    return failed;
}
