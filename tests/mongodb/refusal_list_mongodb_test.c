/* The refused list in MongoDB, held to the port. */
#include "contract/refusal_list_contract.h"
#include "infrastructure/refusal_list_mongodb/refusal_list_mongodb.h"

#include <mongoc/mongoc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

static char uri[512]; /* of the list that was made last */
static uint64_t list_bytes_max;
static const struct clock *list_clock;

static struct refusal_list *open_list(void)
{
    const struct refusal_list_mongodb_config config = {
        .uri = uri, .bytes_max = list_bytes_max, .clock = list_clock};
    struct refusal_list *list = NULL;
    struct error err;
    if (refusal_list_mongodb_new(&config, &list, &err) != STATUS_OK) {
        fail_msg("%s", err.message);
    }
    return list;
}

static struct refusal_list *make(uint64_t bytes_max, const struct clock *clock)
{
    static unsigned number;
    snprintf(uri, sizeof uri, "%s/usertrail_refused_%d_%u", getenv("USERTRAIL_TEST_MONGODB"),
             (int)getpid(), number++);
    list_bytes_max = bytes_max;
    list_clock = clock;
    return open_list();
}

static struct refusal_list *reopen(struct refusal_list *list)
{
    refusal_list_free(list);
    return open_list();
}

static void unmake(struct refusal_list *list)
{
    refusal_list_free(list);
    mongoc_uri_t *parsed = mongoc_uri_new(uri);
    mongoc_client_t *client = mongoc_client_new_from_uri(parsed);
    mongoc_database_t *database =
        mongoc_client_get_database(client, mongoc_uri_get_database(parsed));
    assert_true(mongoc_database_drop(database, NULL));
    mongoc_database_destroy(database);
    mongoc_client_destroy(client);
    mongoc_uri_destroy(parsed);
}

static const struct refusal_list_maker maker = {"refusal list contract: mongodb", "mongodb", make,
                                                reopen, unmake};

/* Two workers on one list: an entry is listed once, and both learn of the sums. */
static void test_two_workers(void **state)
{
    (void)state;
    const struct refusal refusals[] = {{.position = {0, 1}, .raw = STR("a"), .reason = STR("no")},
                                       {.position = {0, 2}, .raw = STR("b"), .reason = STR("no")}};
    struct uuid log_id = {{7}};
    struct refusal_list_state about;
    struct refusal_list *one = make(1 << 20, &clock_system);
    struct refusal_list *other = open_list();
    assert_int_equal(refusal_list_add(one, log_id, refusals, 2, NULL), STATUS_OK);
    assert_int_equal(refusal_list_add(other, log_id, refusals, 2, NULL), STATUS_OK);
    refusal_list_describe(one, &about);
    assert_int_equal(about.listed, 2);
    refusal_list_free(other);
    other = open_list();
    refusal_list_describe(other, &about);
    assert_int_equal(about.listed, 2);
    assert_true(about.bytes > 0);
    refusal_list_free(other);
    unmake(one);
}

static void unset_users(void)
{
    bson_t everything = BSON_INITIALIZER;
    bson_t *without = BCON_NEW("$unset", "{", "users", BCON_UTF8(""), "}");
    mongoc_uri_t *parsed = mongoc_uri_new(uri);
    mongoc_client_t *client = mongoc_client_new_from_uri(parsed);
    mongoc_collection_t *collection =
        mongoc_client_get_collection(client, mongoc_uri_get_database(parsed), "refused");
    assert_true(mongoc_collection_update_many(collection, &everything, without, NULL, NULL, NULL));
    mongoc_collection_destroy(collection);
    mongoc_client_destroy(client);
    mongoc_uri_destroy(parsed);
    bson_destroy(without);
}

/* Entries of an earlier version do not say whose they are: they are looked at. */
static void test_entries_without_users(void **state)
{
    (void)state;
    const struct refusal refusals[] = {
        {.position = {0, 1}, .raw = STR("{\"userId\":\"ann\"}"), .reason = STR("no")},
        {.position = {0, 2}, .raw = STR("{\"userId\":\"bob\"}"), .reason = STR("no")},
        {.position = {0, 3}, .raw = STR("x"), .key = STR("ann"), .reason = STR("no")}};
    struct refusal_list *list = make(1 << 20, &clock_system);
    struct refusal_list_state about;
    uint64_t forgotten = 0;
    assert_int_equal(refusal_list_add(list, (struct uuid){{7}}, refusals, 3, NULL), STATUS_OK);
    unset_users();
    assert_int_equal(refusal_list_forget(list, STR("ann"), &forgotten, NULL), STATUS_OK);
    assert_int_equal(forgotten, 2);
    refusal_list_describe(list, &about);
    assert_int_equal(about.listed, 1);
    unmake(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_two_workers),
                                       cmocka_unit_test(test_entries_without_users)};
    if (getenv("USERTRAIL_TEST_MONGODB") == NULL) {
        fprintf(stderr, "USERTRAIL_TEST_MONGODB names no server; see tests/servers\n");
        return 1;
    }
    return refusal_list_contract_run(&maker) + cmocka_run_group_tests(tests, NULL, NULL);
}
