/*
 * Random operations on a store and on a plain model of it, which must answer alike. Few ids, users
 * and times, so that duplicates, conflicts, ties and late activities are frequent. A failure names
 * its seed; USERTRAIL_ORACLE_SEED=<seed> repeats it alone, and USERTRAIL_ORACLE_SEEDS=<count> runs
 * more or fewer of them.
 */
#include "activity_store_contract.h"
#include "activity_store_contract_model.h"
#include "activity_store_contract_names.h"
#include "base/random.h"
#include "support/seeds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

enum {
    STEPS_MAX = 40,
    BATCH_MAX = 24,
    LOG_MAX = 2000,
    IDS = 96,
    USERS = 6,
    ACTIONS = 4,
    TIMES = 30,
    ARENA_BYTES = 1024 * 1024,
    CONTROL_SEEDS = 200
};

struct run {
    const struct store_maker *maker;
    struct activity_store *store;
    struct model model;
    struct random random;
    struct random_seeded seeded;
    struct arena arena;
    struct uuid log_id;
    struct logged_activity log[LOG_MAX];
    size_t log_end;
    size_t covered;
    uint64_t verdicts[VERDICT_COUNT]; /* of positions that came for the first time */
    char ids[IDS][40];
    char difference[200]; /* "" as long as both agree */
};

static const char *const users[USERS] = {"u", "u1", "u10", "\xc3\xbcser", "U", "somebody@example"};
static const char *const actions[ACTIONS] = {"click", "view", "clic", "buy it"};
static const char *const metadata[] = {"{}", "{\"a\":1}", "{\"a\":2,\"b\":[null,\"x\"]}"};

static size_t pick(struct run *run, size_t bound)
{
    return (size_t)random_below(&run->random, bound);
}

static void differ(struct run *run, const char *what, uint64_t expected, uint64_t found)
{
    if (run->difference[0] == '\0') {
        snprintf(run->difference, sizeof run->difference, "%s: expected %llu, found %llu", what,
                 (unsigned long long)expected, (unsigned long long)found);
    }
}

static void expect(struct run *run, const char *what, uint64_t expected, uint64_t found)
{
    if (expected != found) {
        differ(run, what, expected, found);
    }
}

/* UUIDs, ids that begin like one, and short ones. */
static void make_ids(struct run *run)
{
    for (size_t i = 0; i < IDS; i++) {
        struct uuid uuid = uuid_make_random(&run->random);
        char *id = run->ids[i];
        memset(id, 0, sizeof run->ids[i]);
        uuid_format(uuid, id);
        if (i % 4 == 1) {
            snprintf(id, sizeof run->ids[i], "%.*s", (int)(1 + pick(run, 36)), run->ids[i - 1]);
            snprintf(id + strlen(id), 4, "%zu", i);
        } else if (i % 4 == 2) {
            snprintf(id, sizeof run->ids[i], "%zu", i);
        } else if (i % 4 == 3) {
            id[0] = 'A'; /* no UUID: it has a capital letter */
        }
    }
}

static struct activity random_activity(struct run *run)
{
    int64_t timestamp_ms = (int64_t)pick(run, TIMES);
    bool filled_in = pick(run, 4) == 0;
    return (struct activity){
        .id = str_from(run->ids[pick(run, IDS)]),
        .user_id = str_from(users[pick(run, USERS)]),
        .action = str_from(actions[pick(run, ACTIONS)]),
        .metadata = str_from(metadata[pick(run, ARRAY_LENGTH(metadata))]),
        .timestamp_ms = timestamp_ms,
        .received_at_ms = timestamp_ms + (filled_in ? 0 : (int64_t)pick(run, TIMES)),
    };
}

/* New activities, half of them like one before but for a member or two. */
static void grow_log(struct run *run)
{
    size_t count = pick(run, BATCH_MAX);
    for (size_t i = 0; i < count && run->log_end < LOG_MAX; i++) {
        struct activity activity = random_activity(run);
        if (run->log_end > 0 && pick(run, 2) == 0) {
            struct activity again = run->log[pick(run, run->log_end)].activity;
            again.received_at_ms = pick(run, 3) == 0 ? again.timestamp_ms : activity.received_at_ms;
            again.user_id = pick(run, 6) == 0 ? activity.user_id : again.user_id;
            again.metadata = pick(run, 6) == 0 ? activity.metadata : again.metadata;
            activity = again;
        }
        run->log[run->log_end] = (struct logged_activity){
            .activity = activity,
            .position = {.partition = 4, .offset = (int64_t)run->log_end},
        };
        run->log_end++;
    }
}

/* Puts the log from `begin` to its end: what is covered comes again. */
static void put_from(struct run *run, size_t begin)
{
    static enum verdict verdicts[LOG_MAX];
    struct position end = {.partition = 4, .offset = (int64_t)run->log_end};
    struct position_set next = {.items = &end, .count = 1, .capacity = 1};
    struct activity_batch batch = {
        .log_id = run->log_id,
        .rows = run->log + begin,
        .count = run->log_end - begin,
        .next = &next,
    };
    expect(run, "put_batch", STATUS_OK,
           activity_store_put_batch(run->store, &batch, verdicts, NULL));
    for (size_t i = begin; i < run->log_end; i++) {
        enum verdict verdict = model_put(&run->model, &run->log[i].activity, i < run->covered);
        expect(run, "verdict", verdict, verdicts[i - begin]);
        run->verdicts[verdict] += i >= run->covered;
    }
    run->covered = run->log_end;
}

struct chosen_filter {
    struct str users[USERS];
    struct str actions[ACTIONS];
    struct metadata_filter metadata;
    struct str excluded_users[USERS];
    struct str excluded_actions[ACTIONS];
    struct metadata_filter excluded_metadata;
};

static void choose_metadata(struct run *run, struct metadata_filter *out_metadata)
{
    static const struct str values[] = {{"1", 1}, {"2", 1}, {"null", 4}, {"x", 1}};
    *out_metadata = (struct metadata_filter){0};
    for (size_t left = 1 + pick(run, 2); left > 0; left--) {
        struct str path = pick(run, 3) == 0 ? STR("b") : STR("a");
        enum status status =
            metadata_filter_add(out_metadata, path, values[pick(run, ARRAY_LENGTH(values))], NULL);
        assert_int_equal(status, STATUS_OK);
    }
}

static void choose_exclusions(struct run *run, struct chosen_filter *chosen,
                              struct activity_exclusions *out_excluded)
{
    choose_names(&run->random, &(struct name_pool){users, USERS, .one_in = 3},
                 chosen->excluded_users, &out_excluded->user_ids);
    choose_names(&run->random, &(struct name_pool){actions, ACTIONS, .one_in = 3, .from_end = true},
                 chosen->excluded_actions, &out_excluded->actions);
    if (pick(run, 3) == 0) {
        choose_metadata(run, &chosen->excluded_metadata);
        out_excluded->metadata = &chosen->excluded_metadata;
    }
}

static void choose_filter(struct run *run, struct chosen_filter *chosen,
                          struct activity_filter *out_filter)
{
    *out_filter = activity_filter_all();
    choose_names(&run->random, &(struct name_pool){users, USERS, .one_in = 2, .from_end = true},
                 chosen->users, &out_filter->user_ids);
    choose_names(&run->random, &(struct name_pool){actions, ACTIONS, .one_in = 3}, chosen->actions,
                 &out_filter->actions);
    if (pick(run, 3) == 0) {
        out_filter->from_ms = (int64_t)pick(run, TIMES + 1);
    }
    if (pick(run, 3) == 0) {
        out_filter->to_ms = (int64_t)pick(run, TIMES + 1);
    }
    if (pick(run, 4) == 0) {
        choose_metadata(run, &chosen->metadata);
        out_filter->metadata = &chosen->metadata;
    }
    if (pick(run, 3) == 0) {
        choose_exclusions(run, chosen, &out_filter->excluded);
    }
}

static void compare_page(struct run *run, const struct activity_page_request *request,
                         struct activity_page *out_page)
{
    static struct model_page expected;
    arena_reset(&run->arena);
    *out_page = (struct activity_page){0};
    expect(run, "find", STATUS_OK,
           activity_store_find(run->store, request, &run->arena, out_page, NULL));
    model_find(&run->model, request, &expected);
    expect(run, "rows of a page", expected.count, out_page->count);
    expect(run, "more", expected.more, out_page->more);
    expect(run, "cut short", false, out_page->cut_short);
    for (size_t i = 0; i < expected.count && i < out_page->count; i++) {
        const struct activity *row = &out_page->rows[i];
        expect(run, "same id", true, str_equal(expected.rows[i]->id, row->id));
        expect(run, "same content", true, activity_same_content(expected.rows[i], row, true));
        expect(run, "received at", (uint64_t)expected.rows[i]->received_at_ms,
               (uint64_t)row->received_at_ms);
    }
}

static void step_put(struct run *run)
{
    size_t begin = run->covered;
    if (pick(run, 4) == 0) {
        begin -= pick(run, (begin < 20 ? begin : 20) + 1);
    }
    grow_log(run);
    put_from(run, begin);
}

static void step_find(struct run *run)
{
    struct chosen_filter chosen;
    struct activity_page page;
    struct activity_key after = {
        .timestamp_ms = (int64_t)pick(run, TIMES),
        .id = str_from(run->ids[pick(run, IDS)]),
    };
    struct activity_page_request request = {
        .order = pick(run, 2) == 0 ? ORDER_NEWEST_FIRST : ORDER_OLDEST_FIRST,
        .limit = 1 + pick(run, 12),
        .skip = pick(run, 3) == 0 ? pick(run, 15) : 0,
        .after = pick(run, 3) == 0 ? &after : NULL,
        .bytes_max = SIZE_MAX,
    };
    choose_filter(run, &chosen, &request.filter);
    compare_page(run, &request, &page);
}

/* Follows a cursor to the end while activities arrive. */
static void step_walk(struct run *run)
{
    struct chosen_filter chosen;
    struct activity_page page;
    struct activity_key after;
    char id[64];
    struct activity_page_request request = {
        .order = pick(run, 2) == 0 ? ORDER_NEWEST_FIRST : ORDER_OLDEST_FIRST,
        .limit = 1 + pick(run, 9),
        .bytes_max = SIZE_MAX,
    };
    choose_filter(run, &chosen, &request.filter);
    compare_page(run, &request, &page);
    while (page.count > 0 && page.more && run->difference[0] == '\0') {
        struct activity_key last = activity_key_of(&page.rows[page.count - 1]);
        memcpy(id, last.id.data, last.id.len);
        after = (struct activity_key){
            .timestamp_ms = last.timestamp_ms,
            .id = {.data = id, .len = last.id.len},
        };
        request.after = &after;
        if (pick(run, 3) == 0) {
            step_put(run);
        }
        compare_page(run, &request, &page);
    }
}

static void step_count(struct run *run)
{
    struct chosen_filter chosen;
    struct activity_filter filter;
    uint64_t count = 0;
    choose_filter(run, &chosen, &filter);
    expect(run, "count", STATUS_OK, activity_store_count(run->store, &filter, 0, &count, NULL));
    expect(run, "counted", model_count(&run->model, &filter), count);
}

static void step_get(struct run *run)
{
    struct str id = str_from(run->ids[pick(run, IDS)]);
    const struct activity *expected = model_get(&run->model, id);
    struct activity found;
    arena_reset(&run->arena);
    enum status status = activity_store_get(run->store, id, &run->arena, &found, NULL);
    expect(run, "get", expected != NULL ? STATUS_OK : STATUS_NOT_FOUND, status);
    if (expected != NULL && status == STATUS_OK) {
        expect(run, "same content", true, activity_same_content(expected, &found, true));
    }
}

static void step_erase(struct run *run)
{
    struct str user = str_from(users[pick(run, USERS)]);
    int64_t erased_at_ms = (int64_t)pick(run, TIMES);
    struct activity_erasure erasure = {0};
    expect(run, "erase", STATUS_OK,
           activity_store_erase(run->store, user, erased_at_ms, &erasure, NULL));
    expect(run, "erased", model_erase(&run->model, user, erased_at_ms), erasure.erased);
}

static void step_expire(struct run *run)
{
    if (!run->maker->expires_exactly) {
        return;
    }
    int64_t before_ms = (int64_t)pick(run, TIMES / 2);
    uint64_t expired = 0;
    expect(run, "expire", STATUS_OK, activity_store_expire(run->store, before_ms, &expired, NULL));
    expect(run, "expired", model_expire(&run->model, before_ms), expired);
}

static void step_crash(struct run *run)
{
    if (run->maker->crash != NULL) {
        expect(run, "sync", STATUS_OK, activity_store_sync(run->store, NULL));
        run->store = run->maker->crash(run->store);
    }
}

static void compare_account(struct run *run)
{
    struct coverage accounts;
    struct log_coverage *log;
    coverage_init(&accounts);
    assert_int_equal(activity_store_accounts(run->store, &accounts, NULL), STATUS_OK);
    assert_int_equal(coverage_log(&accounts, run->log_id, &log), STATUS_OK);
    const uint64_t *outcomes = log->counts.outcomes;
    expect(run, "stored in all", run->verdicts[VERDICT_STORED], outcomes[OUTCOME_STORED]);
    expect(run, "duplicates in all", run->verdicts[VERDICT_DUPLICATE], outcomes[OUTCOME_DUPLICATE]);
    expect(run, "conflicts in all", run->verdicts[VERDICT_CONFLICT], outcomes[OUTCOME_CONFLICT]);
    expect(run, "erased in all", run->verdicts[VERDICT_ERASED], outcomes[OUTCOME_ERASED]);
    expect(run, "the account's difference", 0, (uint64_t)log_coverage_difference(log));
    coverage_deinit(&accounts);
}

static void step(struct run *run)
{
    static void (*const steps[])(struct run *) = {
        step_put,  step_put,  step_put,   step_put, step_find,  step_find,   step_find,
        step_walk, step_walk, step_count, step_get, step_erase, step_expire, step_crash,
    };
    size_t chosen = pick(run, ARRAY_LENGTH(steps));
    /* Removing is rarer, so that there is something to remove. */
    if (steps[chosen] == step_erase && pick(run, 2) == 0) {
        chosen = 0;
    }
    steps[chosen](run);
    struct activity_store_state state;
    activity_store_describe(run->store, &state);
    expect(run, "described activities", run->model.count, state.activities);
    compare_account(run);
}

/* "" when store and model agree to the end; static. */
static const char *run_seed(const struct store_maker *maker, uint64_t seed, enum model_fault fault)
{
    static struct run run;
    memset(&run, 0, sizeof run);
    run.maker = maker;
    run.store = maker->make();
    run.model.fault = fault;
    run.random = random_from_seed(&run.seeded, seed);
    run.log_id = uuid_make_random(&run.random);
    arena_init(&run.arena, ARENA_BYTES);
    make_ids(&run);
    size_t steps = 1 + pick(&run, STEPS_MAX);
    for (size_t i = 0; i < steps && run.difference[0] == '\0'; i++) {
        step(&run);
    }
    arena_deinit(&run.arena);
    activity_store_free(run.store);
    return run.difference;
}

struct oracle {
    const struct store_maker *maker;
    unsigned seeds;
};

static void test_agrees_with_the_model(void **state)
{
    const struct oracle *oracle = *state;
    const struct seed_range seeds = seeds_to_run("USERTRAIL_ORACLE", oracle->seeds);
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++) {
        const char *difference = run_seed(oracle->maker, seed, FAULT_NONE);
        if (difference[0] != '\0') {
            fail_msg("%s differs from the model with USERTRAIL_ORACLE_SEED=%llu: %s",
                     oracle->maker->name, (unsigned long long)seed, difference);
        }
    }
}

/* Negative control: an oracle that never fails proves nothing. */
static void test_notices_each_fault_of_the_model(void **state)
{
    const struct oracle *oracle = *state;
    for (int fault = FAULT_NONE + 1; fault < FAULT_COUNT; fault++) {
        bool noticed = false;
        for (uint64_t seed = 1; seed <= CONTROL_SEEDS && !noticed; seed++) {
            noticed = run_seed(oracle->maker, seed, (enum model_fault)fault)[0] != '\0';
        }
        if (!noticed) {
            fail_msg("%d seeds did not notice fault %d of the model", CONTROL_SEEDS, fault);
        }
    }
}

int activity_store_contract_run_oracle(const struct store_maker *maker, unsigned seeds)
{
    struct oracle oracle = {.maker = maker, .seeds = seeds};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_agrees_with_the_model, &oracle),
        cmocka_unit_test_prestate(test_notices_each_fault_of_the_model, &oracle),
    };
    return cmocka_run_group_tests_name(maker->name, tests, NULL, NULL);
}
