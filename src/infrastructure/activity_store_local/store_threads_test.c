/*
 * Guards the store's threads from each other, on limits so small that everything happens all the
 * time: one thread puts, syncs and lets expire, the store writes heads, merges parts and drops the
 * oldest, one erases, and several ask. Made for the sanitizers, which see what is used after it was
 * freed; but what is read is checked anywhere. Bounded by rows and by time.
 */
#include "base/macros.h"
#include "infrastructure/activity_store_local/activity_store_local.h"
#include "infrastructure/disk/disk_simulated.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

enum {
    READERS = 3,
    USERS = 5,
    BATCH_ROWS = 24,
    HEAD_ROWS = 40,
    BATCHES_MAX = 4000,
    SECONDS_MAX = 5,
    SYNC_EVERY = 7, /* batches */
    EXPIRE_EVERY = 5,
    STORE_BYTES_MAX = 60000,
    PAGE_ROWS = 50,
    TEXT_BYTES = 64,
    ARENA_BYTES = 4 << 20
};

/* The last one is erased again and again. */
static const char *const users[USERS] = {"ann", "bob", "cid", "dan", "gone"};

struct fixture {
    struct disk *disk;
    struct logger logger;
    struct activity_store *store;
    struct position_set next;
    unsigned put; /* rows so far */
    _Atomic bool stop;
    _Atomic unsigned wrong; /* what a thread found amiss; cmocka belongs to the main thread */
};

static int fixture_setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    if (fixture == NULL) {
        return -1;
    }
    fixture->disk = disk_simulated_new(&(struct disk_simulated_options){.seed = 9});
    fixture->logger = (struct logger){.clock = &clock_system, .descriptor = -1, .level = LOG_ERROR};
    position_set_init(&fixture->next);
    *state = fixture;
    return activity_store_local_new(
               &(struct activity_store_local_config){
                   .disk = fixture->disk,
                   .directory = "store",
                   .clock = &clock_system,
                   .random = &random_system,
                   .logger = &fixture->logger,
                   .head_rows = HEAD_ROWS,
                   .merge_parts = 3,
                   .bytes_max = STORE_BYTES_MAX,
                   .background = true,
               },
               &fixture->store, NULL) == STATUS_OK
               ? 0
               : -1;
}

static int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;
    activity_store_free(fixture->store);
    disk_simulated_free(fixture->disk);
    position_set_deinit(&fixture->next);
    free(fixture);
    return 0;
}

static void check(struct fixture *fixture, bool fine)
{
    if (!fine) {
        atomic_fetch_add(&fixture->wrong, 1);
    }
}

/* --- asking --- */

static struct activity_page_request request_of(const struct str *user, enum activity_order order)
{
    struct activity_page_request request = {
        .filter = activity_filter_all(), .order = order, .limit = PAGE_ROWS, .bytes_max = SIZE_MAX};
    request.filter.user_ids.items = user;
    request.filter.user_ids.count = user->data == NULL ? 0 : 1;
    return request;
}

/* The metadata repeats the id, so a row that is torn shows. */
static bool is_whole(const struct activity *activity)
{
    char expected[TEXT_BYTES];
    snprintf(expected, sizeof expected, "{\"id\":\"%.*s\"}", STR_FORMAT(activity->id));
    return str_equal(activity->metadata, str_from(expected));
}

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

static void read_once(struct fixture *fixture, struct arena *arena, unsigned turn)
{
    struct str user = turn % 3 == 0 ? (struct str){0} : str_from(users[turn % USERS]);
    struct activity_page_request request =
        request_of(&user, turn % 2 == 0 ? ORDER_NEWEST_FIRST : ORDER_OLDEST_FIRST);
    struct activity_page page = {0};
    struct activity found;
    struct activity_store_state described;
    uint64_t count;
    arena_reset(arena);
    check(fixture, activity_store_find(fixture->store, &request, arena, &page, NULL) == STATUS_OK);
    check(fixture, is_in_order(&page, request.order));
    for (size_t i = 0; i < page.count; i++) {
        check(fixture, is_whole(&page.rows[i]));
    }
    if (page.count > 0) {
        const struct activity *last = &page.rows[page.count - 1];
        enum status status = activity_store_get(fixture->store, last->id, arena, &found, NULL);
        check(fixture, status == STATUS_NOT_FOUND || (status == STATUS_OK && is_whole(&found)));
    }
    check(fixture,
          activity_store_count(fixture->store, &request.filter, 0, &count, NULL) == STATUS_OK);
    activity_store_describe(fixture->store, &described);
}

static void *read_until_stopped(void *context)
{
    struct fixture *fixture = context;
    struct arena arena;
    arena_init(&arena, ARENA_BYTES);
    for (unsigned turn = 0; !atomic_load(&fixture->stop); turn++) {
        read_once(fixture, &arena, turn);
    }
    arena_deinit(&arena);
    return NULL;
}

static void *erase_until_stopped(void *context)
{
    struct fixture *fixture = context;
    while (!atomic_load(&fixture->stop)) {
        struct activity_erasure erasure;
        struct str user = str_from(users[USERS - 1]);
        check(fixture, activity_store_erase(fixture->store, user, 0, &erasure, NULL) == STATUS_OK);
    }
    return NULL;
}

/* --- putting --- */

static void put_batch(struct fixture *fixture)
{
    struct logged_activity rows[BATCH_ROWS];
    enum verdict verdicts[BATCH_ROWS];
    char ids[BATCH_ROWS][TEXT_BYTES];
    char texts[BATCH_ROWS][TEXT_BYTES];
    for (size_t i = 0; i < BATCH_ROWS; i++) {
        unsigned number = fixture->put++;
        snprintf(ids[i], TEXT_BYTES, "id%08u", number);
        snprintf(texts[i], TEXT_BYTES, "{\"id\":\"id%08u\"}", number);
        rows[i] = (struct logged_activity){
            .activity = {.id = str_from(ids[i]),
                         .user_id = str_from(users[number % USERS]),
                         .action = STR("a"),
                         .metadata = str_from(texts[i]),
                         .timestamp_ms = number,
                         .received_at_ms = number},
            .position = {.offset = number},
        };
    }
    assert_int_equal(position_set_raise(&fixture->next, (struct position){.offset = fixture->put}),
                     STATUS_OK);
    const struct activity_batch batch = {
        .log_id = {{3}}, .rows = rows, .count = BATCH_ROWS, .next = &fixture->next};
    assert_int_equal(activity_store_put_batch(fixture->store, &batch, verdicts, NULL), STATUS_OK);
}

static uint64_t put_all(struct fixture *fixture)
{
    uint64_t end_ns = clock_monotonic_ns(&clock_system) +
                      SECONDS_MAX * UINT64_C(1000) * NANOSECONDS_PER_MILLISECOND;
    uint64_t expired = 0;
    for (unsigned batch = 0; batch < BATCHES_MAX && clock_monotonic_ns(&clock_system) < end_ns;
         batch++) {
        uint64_t more = 0;
        put_batch(fixture);
        if (batch % SYNC_EVERY == 0) {
            assert_int_equal(activity_store_sync(fixture->store, NULL), STATUS_OK);
        }
        if (batch % EXPIRE_EVERY == 0) {
            assert_int_equal(activity_store_expire(fixture->store, INT64_MIN, &more, NULL),
                             STATUS_OK);
        }
        expired += more;
    }
    return expired;
}

/* What is left of a user who was never erased are the newest of their rows, without a gap. */
static void expect_the_newest(struct fixture *fixture, unsigned user_number)
{
    struct arena arena;
    struct str user = str_from(users[user_number]);
    struct activity_page_request request = request_of(&user, ORDER_NEWEST_FIRST);
    struct activity_page page = {0};
    arena_init(&arena, ARENA_BYTES);
    request.limit = BATCHES_MAX * BATCH_ROWS;
    assert_int_equal(activity_store_find(fixture->store, &request, &arena, &page, NULL), STATUS_OK);
    unsigned newest = fixture->put - 1 - (fixture->put - 1 - user_number) % USERS;
    assert_true(page.count > 0);
    for (size_t i = 0; i < page.count; i++) {
        assert_int_equal(page.rows[i].timestamp_ms, newest - i * USERS);
        assert_true(is_whole(&page.rows[i]));
    }
    arena_deinit(&arena);
}

static void nobody_sees_what_was_freed(void **state)
{
    struct fixture *fixture = *state;
    pthread_t threads[READERS + 1];
    for (int i = 0; i <= READERS; i++) {
        void *(*run)(void *) = i < READERS ? read_until_stopped : erase_until_stopped;
        assert_int_equal(pthread_create(&threads[i], NULL, run, fixture), 0);
    }
    uint64_t expired = put_all(fixture);
    atomic_store(&fixture->stop, true);
    for (int i = 0; i <= READERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(atomic_load(&fixture->wrong), 0);
    assert_true(expired > 0);
    for (unsigned user = 0; user + 1 < USERS; user++) {
        expect_the_newest(fixture, user);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nobody_sees_what_was_freed, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
