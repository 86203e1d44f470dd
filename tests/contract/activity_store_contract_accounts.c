/* accounts: what became of each position of a log, counted once, over redeliveries and crashes. */
#include "activity_store_contract.h"
#include "activity_store_contract_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

/* What is put next: rows and what the log refused, of partition 0. */
struct piece {
    struct logged_activity rows[8];
    size_t count;
    struct refusal refused[8];
    size_t refused_count;
    int64_t next;
};

static void add(struct piece *piece, struct activity activity)
{
    piece->rows[piece->count++] =
        (struct logged_activity){.activity = activity, .position.offset = piece->next++};
}

static void add_refused(struct piece *piece)
{
    piece->refused[piece->refused_count++] =
        (struct refusal){.position.offset = piece->next++, .reason = STR("not an activity")};
}

static void put_piece(struct fixture *fixture, const struct piece *piece)
{
    struct position item = {.offset = piece->next};
    const struct position_set next = {.items = &item, .count = 1, .capacity = 1};
    const struct activity_batch batch = {.log_id = fixture->log_id,
                                         .rows = piece->rows,
                                         .count = piece->count,
                                         .refused = piece->refused,
                                         .refused_count = piece->refused_count,
                                         .next = &next};
    struct error err = {.message = ""};
    enum status status = activity_store_put_batch(fixture->store, &batch, fixture->verdicts, &err);
    if (status != STATUS_OK) {
        fail_msg("put_batch: %s: %s", status_name(status), err.message);
    }
}

/* The account of the fixture's log, which must add up. */
struct account {
    struct log_counts counts;
    int64_t start;
    int64_t covered;
};

static struct account account_of(struct fixture *fixture)
{
    struct coverage accounts;
    struct log_coverage *log;
    coverage_init(&accounts);
    assert_int_equal(activity_store_accounts(fixture->store, &accounts, NULL), STATUS_OK);
    assert_int_equal(coverage_log(&accounts, fixture->log_id, &log), STATUS_OK);
    assert_int_equal(log_coverage_difference(log), 0);
    struct account account = {log->counts, position_set_get(&log->starts, 0),
                              position_set_get(&log->positions, 0)};
    coverage_deinit(&accounts);
    return account;
}

static void assert_outcomes(const struct account *account, const uint64_t expected[OUTCOME_COUNT])
{
    for (size_t i = 0; i < OUTCOME_COUNT; i++) {
        if (account->counts.outcomes[i] != expected[i]) {
            fail_msg("%s: expected %llu, found %llu", log_outcome_name((enum log_outcome)i),
                     (unsigned long long)expected[i],
                     (unsigned long long)account->counts.outcomes[i]);
        }
    }
}

/* Of each outcome that every store has: stored, duplicate, conflict, refused, erased, empty. */
static struct piece sample(struct fixture *fixture)
{
    struct piece piece = {.next = 10};
    struct activity_erasure erasure;
    struct activity other = activity_at(1, "a");
    other.metadata = STR("{\"other\":true}");
    assert_int_equal(
        activity_store_erase(fixture->store, STR("gone"), INT64_C(5000), &erasure, NULL),
        STATUS_OK);
    add(&piece, activity_at(1, "a"));
    add(&piece, activity_at(2, "b"));
    add(&piece, activity_at(2, "b"));
    add(&piece, other);
    add_refused(&piece);
    add(&piece, activity_of("gone", 3, "c"));
    piece.next += 2;
    return piece;
}

static void expect_sample(const struct account *account)
{
    assert_outcomes(account, (const uint64_t[OUTCOME_COUNT]){2, 1, 1, 1, 1, 2});
}

static void test_nothing_is_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct account account = account_of(fixture);
    assert_outcomes(&account, (const uint64_t[OUTCOME_COUNT]){0});
    assert_int_equal(account.covered, 0);
}

static void test_outcomes_are_counted(void **state)
{
    struct fixture *fixture = *state;
    struct piece piece = sample(fixture);
    put_piece(fixture, &piece);
    struct account account = account_of(fixture);
    expect_sample(&account);
    assert_int_equal(account.start, 10);
    assert_int_equal(account.covered, 18);
}

static void test_redeliveries_are_not_counted(void **state)
{
    struct fixture *fixture = *state;
    struct piece piece = sample(fixture);
    put_piece(fixture, &piece);
    put_piece(fixture, &piece);
    add(&piece, activity_at(9, "z"));
    put_piece(fixture, &piece);
    struct account account = account_of(fixture);
    account.counts.outcomes[OUTCOME_STORED]--; /* "z" */
    expect_sample(&account);
    assert_int_equal(account.counts.replayed, 0);
}

/* What is erased later was stored. */
static void test_an_erasure_changes_no_count(void **state)
{
    struct fixture *fixture = *state;
    struct piece piece = sample(fixture);
    struct activity_erasure erasure;
    put_piece(fixture, &piece);
    assert_int_equal(activity_store_erase(fixture->store, STR("ann"), 0, &erasure, NULL),
                     STATUS_OK);
    struct account account = account_of(fixture);
    expect_sample(&account);
}

static struct account durable_account(struct fixture *fixture, int64_t *out_durable)
{
    struct position_set durable;
    position_set_init(&durable);
    assert_int_equal(
        activity_store_durable_positions(fixture->store, fixture->log_id, &durable, NULL),
        STATUS_OK);
    *out_durable = position_set_get(&durable, 0);
    position_set_deinit(&durable);
    return account_of(fixture);
}

/* Counts and positions survive a crash together: what comes again is counted again, once. */
static void test_a_crash_leaves_an_account_that_adds_up(void **state)
{
    struct fixture *fixture = *state;
    int64_t durable;
    if (fixture->maker->crash == NULL) {
        return;
    }
    struct piece first = sample(fixture);
    put_piece(fixture, &first);
    assert_int_equal(activity_store_sync(fixture->store, NULL), STATUS_OK);
    struct piece second = {.next = first.next};
    add(&second, activity_at(5, "e"));
    add_refused(&second);
    add(&second, activity_at(1, "a"));
    put_piece(fixture, &second);
    fixture->store = fixture->maker->crash(fixture->store);
    assert_non_null(fixture->store);
    struct account account = durable_account(fixture, &durable);
    assert_int_equal(account.covered, durable);
    assert_true(durable >= first.next);
    put_piece(fixture, &second);
    account = account_of(fixture);
    assert_int_equal(account.covered, second.next);
    assert_outcomes(&account, (const uint64_t[OUTCOME_COUNT]){3, 2, 1, 2, 1, 2});
}

/* Several heads and parts of a store, several crashes. */
static void test_many_crashes(void **state)
{
    struct fixture *fixture = *state;
    enum { ROUNDS = 12, ROWS = 50 };
    static char ids[ROUNDS * ROWS][8];
    static struct activity activities[ROUNDS * ROWS];
    int64_t begin = 0;
    if (fixture->maker->crash == NULL) {
        return;
    }
    for (int i = 0; i < ROUNDS * ROWS; i++) {
        snprintf(ids[i], sizeof ids[i], "i%d", i % 7 == 3 ? i - 1 : i); /* each 7th a duplicate */
        activities[i] = activity_at(i - (i % 7 == 3), ids[i]);
    }
    for (int round = 1; round <= ROUNDS; round++) {
        int64_t end = (int64_t)round * ROWS;
        put_at(fixture, begin, activities + begin, (size_t)(end - begin));
        if (round % 4 == 0) {
            assert_int_equal(activity_store_sync(fixture->store, NULL), STATUS_OK);
        }
        if (round % 3 == 0) {
            fixture->store = fixture->maker->crash(fixture->store);
            assert_non_null(fixture->store);
        }
        struct account account = durable_account(fixture, &begin);
        assert_true(account.covered >= begin);
        begin = account.covered;
    }
    put_at(fixture, begin, activities + begin, (size_t)(ROUNDS * ROWS - begin));
    struct account account = account_of(fixture);
    uint64_t duplicates = (ROUNDS * ROWS - 4) / 7 + 1;
    assert_outcomes(&account, (const uint64_t[OUTCOME_COUNT]){ROUNDS * ROWS - duplicates,
                                                              duplicates, 0, 0, 0, 0});
    assert_int_equal(count_all(fixture), ROUNDS * ROWS - duplicates);
}

/* Another log's positions are another account. */
static void test_logs_have_accounts_of_their_own(void **state)
{
    struct fixture *fixture = *state;
    struct uuid first = fixture->log_id;
    put_one(fixture, activity_at(1, "a"));
    fixture->log_id = uuid_make_random(&random_system);
    struct activity again = activity_at(1, "a");
    put_at(fixture, 0, &again, 1);
    struct account account = account_of(fixture);
    assert_outcomes(&account, (const uint64_t[OUTCOME_COUNT]){0, 1, 0, 0, 0, 0});
    fixture->log_id = first;
    account = account_of(fixture);
    assert_outcomes(&account, (const uint64_t[OUTCOME_COUNT]){1, 0, 0, 0, 0, 0});
}

#define CASE(function)                                                                             \
    cmocka_unit_test_prestate_setup_teardown(function, fixture_setup, fixture_teardown,            \
                                             (void *)(uintptr_t)maker)

int activity_store_contract_run_accounts(const struct store_maker *maker)
{
    const struct CMUnitTest tests[] = {
        CASE(test_nothing_is_nothing),
        CASE(test_outcomes_are_counted),
        CASE(test_redeliveries_are_not_counted),
        CASE(test_an_erasure_changes_no_count),
        CASE(test_a_crash_leaves_an_account_that_adds_up),
        CASE(test_many_crashes),
        CASE(test_logs_have_accounts_of_their_own),
    };
    return cmocka_run_group_tests_name(maker->name, tests, NULL, NULL);
}
