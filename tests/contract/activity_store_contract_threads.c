/* Readers and an eraser while one thread puts: answers stay in order, and nothing is seen torn.
 * Made for ThreadSanitizer, but it checks what it reads anywhere. */
#include "activity_store_contract_support.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

enum { READERS = 3, BATCHES = 60, BATCH_ROWS = 50, USERS = 7 };

struct shared {
    struct activity_store *store;
    _Atomic bool stop;
    _Atomic unsigned wrong; /* what a reader found amiss; cmocka belongs to the main thread */
};

static const char *const users[USERS] = {"a", "b", "c", "d", "e", "f", "gone"};

static bool is_in_order(const struct activity_page *page, enum activity_order order)
{
    for (size_t i = 1; i < page->count; i++) {
        int compared = activity_key_compare(activity_key_of(&page->rows[i - 1]),
                                            activity_key_of(&page->rows[i]));
        if (order == ORDER_OLDEST_FIRST ? compared >= 0 : compared <= 0) {
            return false;
        }
    }
    return true;
}

/* The metadata repeats the id, so a torn row shows. */
static bool is_whole(const struct activity *activity)
{
    struct str id = activity->metadata;
    if (!str_starts_with(id, STR("{\"id\":\"")) || id.len < 9) {
        return false;
    }
    id.data += 7;
    id.len -= 9;
    return str_equal(id, activity->id);
}

/* Positions and counts are of one moment, whoever puts meanwhile. */
static bool accounts_add_up(struct activity_store *store)
{
    struct coverage accounts;
    coverage_init(&accounts);
    bool fine = activity_store_accounts(store, &accounts, NULL) == STATUS_OK;
    for (size_t i = 0; i < accounts.count; i++) {
        fine = fine && log_coverage_difference(&accounts.logs[i]) == 0;
    }
    coverage_deinit(&accounts);
    return fine;
}

static void read_once(struct shared *shared, struct arena *arena, unsigned turn)
{
    struct str user = str_from(users[turn % (USERS - 1)]);
    struct activity_page_request request = request_all();
    struct activity_page page;
    uint64_t count = 0;
    request.order = turn % 2 == 0 ? ORDER_NEWEST_FIRST : ORDER_OLDEST_FIRST;
    request.limit = 100;
    request.filter.user_ids.items = &user;
    request.filter.user_ids.count = turn % 3 == 0 ? 0 : 1;
    arena_reset(arena);
    enum status status = activity_store_find(shared->store, &request, arena, &page, NULL);
    bool fine = status == STATUS_OK && is_in_order(&page, request.order);
    for (size_t i = 0; fine && i < page.count; i++) {
        struct activity found;
        fine = is_whole(&page.rows[i]);
        status = activity_store_get(shared->store, page.rows[i].id, arena, &found, NULL);
        fine = fine && (status == STATUS_NOT_FOUND || is_whole(&found));
    }
    status = activity_store_count(shared->store, &request.filter, 0, &count, NULL);
    fine = fine && status == STATUS_OK && accounts_add_up(shared->store);
    if (!fine) {
        atomic_fetch_add(&shared->wrong, 1);
    }
}

static void *read_until_stopped(void *context)
{
    struct shared *shared = context;
    struct arena arena;
    arena_init(&arena, 16 * 1024 * 1024);
    for (unsigned turn = 0; !atomic_load(&shared->stop); turn++) {
        read_once(shared, &arena, turn);
    }
    arena_deinit(&arena);
    return NULL;
}

static void *erase_until_stopped(void *context)
{
    struct shared *shared = context;
    struct activity_erasure erasure;
    while (!atomic_load(&shared->stop)) {
        struct activity_store_state state;
        struct position_set positions;
        position_set_init(&positions);
        bool fine =
            activity_store_erase(shared->store, STR("gone"), 0, &erasure, NULL) == STATUS_OK &&
            activity_store_durable_positions(shared->store, (struct uuid){0}, &positions, NULL) ==
                STATUS_OK;
        activity_store_describe(shared->store, &state);
        position_set_deinit(&positions);
        if (!fine) {
            atomic_fetch_add(&shared->wrong, 1);
        }
    }
    return NULL;
}

/* Batches with late rows, and now and then an expiry of the oldest. */
static void put_batches(struct fixture *fixture)
{
    static char ids[BATCH_ROWS][32];
    static char texts[BATCH_ROWS][64];
    static struct activity activities[BATCH_ROWS];
    uint64_t expired;
    for (int batch = 0; batch < BATCHES; batch++) {
        for (int i = 0; i < BATCH_ROWS; i++) {
            int number = batch * BATCH_ROWS + i;
            snprintf(ids[i], sizeof ids[i], "id%06d", number);
            snprintf(texts[i], sizeof texts[i], "{\"id\":\"id%06d\"}", number);
            int64_t timestamp_ms = 1000 + number - (number % 5 == 0 ? 700 : 0);
            activities[i] = activity_of(users[number % USERS], timestamp_ms, ids[i]);
            activities[i].metadata = str_from(texts[i]);
        }
        put(fixture, activities, BATCH_ROWS);
        if (batch % 10 == 9) {
            assert_int_equal(
                activity_store_expire(fixture->store, batch * BATCH_ROWS, &expired, NULL),
                STATUS_OK);
            assert_int_equal(activity_store_sync(fixture->store, NULL), STATUS_OK);
        }
    }
}

static void test_reading_while_putting(void **state)
{
    struct fixture *fixture = *state;
    struct shared shared = {.store = fixture->store};
    pthread_t threads[READERS + 1];
    for (int i = 0; i < READERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, read_until_stopped, &shared), 0);
    }
    assert_int_equal(pthread_create(&threads[READERS], NULL, erase_until_stopped, &shared), 0);
    put_batches(fixture);
    atomic_store(&shared.stop, true);
    for (int i = 0; i <= READERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(atomic_load(&shared.wrong), 0);
    struct activity_page_request request = request_all();
    struct activity_page page = find_page(fixture, &request);
    assert_true(page.count > 0 && is_in_order(&page, request.order));
}

int activity_store_contract_run_threads(const struct store_maker *maker)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate_setup_teardown(test_reading_while_putting, fixture_setup,
                                                 fixture_teardown, (void *)(uintptr_t)maker),
    };
    return cmocka_run_group_tests_name(maker->name, tests, NULL, NULL);
}
