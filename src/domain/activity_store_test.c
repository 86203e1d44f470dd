/* Guards the wrappers of the port: a caller or an adapter that breaks the contract is stopped
 * there. */
#include "base/macros.h"
#include "domain/activity_store.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>
/* An adapter that answers as it is told. */
struct stub {
    struct activity_store store;
    enum status status;
    enum status reported; /* in the error */
    struct activity_page page;
    struct activity_tally tally;
    bool freed;
};

static enum status stub_find(struct activity_store *store,
                             const struct activity_page_request *request, struct arena *arena,
                             struct activity_page *out_page, struct error *err)
{
    struct stub *stub = CONTAINER_OF(store, struct stub, store);
    (void)request;
    (void)arena;
    *out_page = stub->page;
    if (err != NULL) {
        err->status = stub->reported;
    }
    return stub->status;
}

static enum status stub_get(struct activity_store *store, struct str id, struct arena *arena,
                            struct activity *out_activity, struct error *err)
{
    (void)store;
    (void)id;
    (void)arena;
    (void)err;
    *out_activity = (struct activity){.id = STR("other")};
    return STATUS_OK;
}

static enum status stub_tally(struct activity_store *store,
                              const struct activity_tally_request *request, struct arena *arena,
                              struct activity_tally *out_tally, struct error *err)
{
    struct stub *stub = CONTAINER_OF(store, struct stub, store);
    (void)request;
    (void)arena;
    (void)err;
    *out_tally = stub->tally;
    return stub->status;
}

static void stub_describe(struct activity_store *store, struct activity_store_state *out_state)
{
    (void)store;
    *out_state = (struct activity_store_state){0};
}

static void stub_free(struct activity_store *store)
{
    CONTAINER_OF(store, struct stub, store)->freed = true;
}

static const struct activity_store_operations stub_operations = {
    .find = stub_find,
    .get = stub_get,
    .tally = stub_tally,
    .describe = stub_describe,
    .free = stub_free,
};

static struct activity_page_request fine_request(void)
{
    return (struct activity_page_request){
        .filter = activity_filter_all(), .limit = 2, .bytes_max = 100};
}

enum breach {
    BREACH_NONE,
    BREACH_LIMIT,
    BREACH_BYTES,
    BREACH_USERS,
    BREACH_EXCLUDED,
    BREACH_TOO_MANY_ROWS,
    BREACH_CUT_WITHOUT_MORE,
    BREACH_ERROR_DIFFERS,
    BREACH_OTHER_ID,
    BREACH_NO_KIND,
    BREACH_TALLY,
    BREACH_TALLY_LIMIT = BREACH_TALLY,
    BREACH_TALLY_GROUPS_MAX,
    BREACH_TALLY_GROUPING,
    BREACH_TALLY_INTERVAL,
    BREACH_TALLY_PATH,
    BREACH_TALLY_TOO_MANY_GROUPS,
    BREACH_TALLY_MORE_TOO_EARLY,
    BREACH_COUNT
};

static void commit_tally_breach(enum breach breach)
{
    struct stub stub = {.store.operations = &stub_operations, .tally.count = 1};
    struct activity_tally_request request = {.limit = 2, .groups_max = 9};
    struct activity_tally tally;
    request.limit = breach == BREACH_TALLY_LIMIT ? 0 : request.limit;
    request.groups_max = breach == BREACH_TALLY_GROUPS_MAX ? 0 : request.groups_max;
    request.grouping = breach == BREACH_TALLY_GROUPING ? GROUPING_COUNT : GROUP_BY_HOUR;
    request.grouping = breach == BREACH_TALLY_INTERVAL ? GROUP_BY_TIME : request.grouping;
    request.grouping = breach == BREACH_TALLY_PATH ? GROUP_BY_METADATA : request.grouping;
    stub.tally.count = breach == BREACH_TALLY_TOO_MANY_GROUPS ? 3 : stub.tally.count;
    stub.tally.more = breach == BREACH_TALLY_MORE_TOO_EARLY;
    (void)!activity_store_tally(&stub.store, &request, NULL, &tally, NULL);
}

static void commit_breach(enum breach breach)
{
    struct stub stub = {.store.operations = &stub_operations};
    struct activity_page_request request = fine_request();
    struct activity_page page;
    struct activity activity;
    struct activity_store_state described;
    struct error err = {.status = STATUS_OK};
    request.limit = breach == BREACH_LIMIT ? 0 : request.limit;
    request.bytes_max = breach == BREACH_BYTES ? 0 : request.bytes_max;
    request.filter.user_ids.count = breach == BREACH_USERS ? FILTER_NAMES_MAX + 1 : 0;
    request.filter.excluded.actions.count = breach == BREACH_EXCLUDED ? FILTER_NAMES_MAX + 1 : 0;
    stub.page.count = breach == BREACH_TOO_MANY_ROWS ? 3 : 0;
    stub.page.cut_short = breach == BREACH_CUT_WITHOUT_MORE;
    stub.status = breach == BREACH_ERROR_DIFFERS ? STATUS_BUSY : STATUS_OK;
    if (breach == BREACH_OTHER_ID) {
        (void)!activity_store_get(&stub.store, STR("this"), NULL, &activity, NULL);
    } else if (breach == BREACH_NO_KIND) {
        activity_store_describe(&stub.store, &described);
    } else {
        (void)!activity_store_find(&stub.store, &request, NULL, &page, &err);
    }
}

static void test_breaches_abort(void **state)
{
    (void)state;
    for (int breach = BREACH_NONE; breach < BREACH_COUNT; breach++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            close(STDERR_FILENO);
            if (breach >= BREACH_TALLY) {
                commit_tally_breach((enum breach)breach);
            } else {
                commit_breach((enum breach)breach);
            }
            _exit(0);
        }
        int ended = 0;
        assert_int_equal(waitpid(child, &ended, 0), child);
        bool aborted = WIFSIGNALED(ended) && WTERMSIG(ended) == SIGABRT;
        if (aborted != (breach != BREACH_NONE)) {
            fail_msg("breach %d: ended with %x", breach, (unsigned)ended);
        }
    }
}

/* Whatever an adapter wrote before it failed, the caller's page stays. */
static void test_failed_find_leaves_the_page(void **state)
{
    (void)state;
    struct stub stub = {.store.operations = &stub_operations,
                        .status = STATUS_TIMED_OUT,
                        .reported = STATUS_TIMED_OUT,
                        .page = {.count = 1}};
    struct activity_page_request request = fine_request();
    struct activity_page page = {.count = 77};
    struct error err;
    assert_int_equal(activity_store_find(&stub.store, &request, NULL, &page, &err),
                     STATUS_TIMED_OUT);
    assert_int_equal(page.count, 77);
    stub.status = STATUS_OK;
    assert_int_equal(activity_store_find(&stub.store, &request, NULL, &page, NULL), STATUS_OK);
    assert_int_equal(page.count, 1);
}

static void test_failed_tally_leaves_the_answer(void **state)
{
    (void)state;
    struct stub stub = {.store.operations = &stub_operations, .tally = {.count = 1}};
    const struct activity_tally_request request = {.limit = 1, .groups_max = 1};
    struct activity_tally tally = {.count = 77};
    stub.status = STATUS_TOO_LARGE;
    assert_int_equal(activity_store_tally(&stub.store, &request, NULL, &tally, NULL),
                     STATUS_TOO_LARGE);
    assert_int_equal(tally.count, 77);
    stub.status = STATUS_OK;
    assert_int_equal(activity_store_tally(&stub.store, &request, NULL, &tally, NULL), STATUS_OK);
    assert_int_equal(tally.count, 1);
}

static void test_free_takes_null(void **state)
{
    (void)state;
    struct stub stub = {.store.operations = &stub_operations};
    activity_store_free(NULL);
    {
        CLEANUP(activity_store_free) struct activity_store *store = &stub.store;
        assert_non_null(store);
    }
    assert_true(stub.freed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_breaches_abort),
        cmocka_unit_test(test_failed_find_leaves_the_page),
        cmocka_unit_test(test_failed_tally_leaves_the_answer),
        cmocka_unit_test(test_free_takes_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
