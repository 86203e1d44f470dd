/* Guards that each call leaves one line with what it was asked, its status and its time, and that
 * an erased user's name does not get into the log. */
#include "infrastructure/activity_store_memory/activity_store_memory.h"
#include "infrastructure/activity_store_tracing/activity_store_tracing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

struct traced {
    struct logger logger;
    struct activity_store *store;
    char lines[8192];
};

static int setup(void **state)
{
    struct activity_store_memory_config config = {.clock = &clock_system, .random = &random_system};
    struct traced *traced = calloc(1, sizeof *traced);
    assert_non_null(traced);
    traced->logger = (struct logger){
        .clock = &clock_system,
        .descriptor = memfd_create("lines", MFD_CLOEXEC),
        .format = LOG_FORMAT_JSON,
        .level = LOG_DEBUG,
    };
    assert_true(traced->logger.descriptor >= 0);
    assert_int_equal(activity_store_memory_new(&config, &traced->store, NULL), STATUS_OK);
    assert_int_equal(
        activity_store_tracing_new(traced->store, &traced->logger, &traced->store, NULL),
        STATUS_OK);
    *state = traced;
    return 0;
}

static int teardown(void **state)
{
    struct traced *traced = *state;
    close(traced->logger.descriptor);
    free(traced);
    return 0;
}

static const char *lines_of(struct traced *traced)
{
    ssize_t len = pread(traced->logger.descriptor, traced->lines, sizeof traced->lines - 1, 0);
    assert_true(len >= 0);
    traced->lines[len] = '\0';
    return traced->lines;
}

static void assert_line(struct traced *traced, const char *part)
{
    if (strstr(lines_of(traced), part) == NULL) {
        fail_msg("no \"%s\" in: %s", part, traced->lines);
    }
}

static void test_each_call_is_one_line(void **state)
{
    struct traced *traced = *state;
    struct arena arena;
    arena_init(&arena, 100000);
    struct logged_activity rows[2] = {{.activity = {.id = STR("a"),
                                                    .user_id = STR("secret-user"),
                                                    .action = STR("x"),
                                                    .metadata = STR("{}")}}};
    rows[1] = rows[0];
    struct position end = {.offset = 2};
    struct position_set next = {.items = &end, .count = 1, .capacity = 1};
    struct activity_batch batch = {.rows = rows, .count = 2, .next = &next};
    enum verdict verdicts[2];
    struct activity_page_request request = {
        .filter = activity_filter_all(), .limit = 7, .skip = 3, .bytes_max = 100};
    struct metadata_filter metadata = {0};
    const struct str names[] = {STR("secret"), STR("secrets")};
    struct activity_page page;
    struct activity found;
    uint64_t number;
    struct activity_erasure erasure;
    assert_int_equal(metadata_filter_add(&metadata, STR("a"), STR("secret"), NULL), STATUS_OK);
    request.filter.metadata = request.filter.excluded.metadata = &metadata;
    request.filter.excluded.actions.items = request.filter.excluded.user_ids.items = names;
    request.filter.excluded.actions.count = 2;
    request.filter.excluded.user_ids.count = 1;
    assert_int_equal(activity_store_put_batch(traced->store, &batch, verdicts, NULL), STATUS_OK);
    assert_line(traced,
                "\"message\":\"activity_store put_batch\",\"rows\":2,\"stored\":1,\"duplicate\":1");
    assert_int_equal(activity_store_find(traced->store, &request, &arena, &page, NULL), STATUS_OK);
    assert_line(traced, "\"excluded\":4,\"metadata\":1,\"order\":\"newest\",\"limit\":7,\"skip\":3,"
                        "\"found\":0,\"status\":\"ok\"");
    assert_int_equal(activity_store_get(traced->store, STR("b\n"), &arena, &found, NULL),
                     STATUS_NOT_FOUND);
    assert_line(traced, "\"id\":\"b\\n\",\"status\":\"not-found\",\"microseconds\":");
    request.filter = activity_filter_all();
    assert_int_equal(activity_store_count(traced->store, &request.filter, 0, &number, NULL),
                     STATUS_OK);
    assert_line(traced, "\"excluded\":0,\"metadata\":0,\"counted\":1");
    const struct activity_tally_request tally_request = {
        .filter = activity_filter_all(), .grouping = GROUP_BY_DAY, .limit = 5, .groups_max = 9};
    struct activity_tally tally;
    assert_int_equal(activity_store_tally(traced->store, &tally_request, &arena, &tally, NULL),
                     STATUS_OK);
    assert_line(traced, "\"by\":\"day\",\"limit\":5,\"groups\":1,\"status\":\"ok\"");
    assert_int_equal(activity_store_durable_positions(traced->store, batch.log_id, &next, NULL),
                     STATUS_OK);
    assert_int_equal(activity_store_sync(traced->store, NULL), STATUS_OK);
    assert_int_equal(activity_store_erase(traced->store, STR("secret-user"), 9, &erasure, NULL),
                     STATUS_OK);
    assert_line(traced, "\"erased_at_ms\":9,\"erased\":1");
    assert_int_equal(activity_store_expire(traced->store, 5, &number, NULL), STATUS_OK);
    struct activity_store_state about;
    activity_store_describe(traced->store, &about);
    assert_line(traced, "\"message\":\"activity_store describe\",\"activities\":0");
    activity_store_free(traced->store);
    assert_line(traced, "\"message\":\"activity_store free\"");
    assert_null(strstr(lines_of(traced), "secret"));
    size_t lines = 0;
    for (const char *at = lines_of(traced); (at = strchr(at, '\n')) != NULL; at++) {
        lines++;
    }
    assert_int_equal(lines, 11);
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_call_is_one_line, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
