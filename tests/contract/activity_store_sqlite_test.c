/*
 * The store on disk against SQLite: random operations on both, over days of activities of which
 * some come late, twice or changed, with power cuts after which the store goes on from what it
 * calls durable. Heads are small and merges early, so that most rows stand in parts and move. What
 * a power cut leaves, and what there is in the end, is verified, chain and all. A failure names its
 * seed; USERTRAIL_ORACLE_SEED=<seed> repeats it alone, USERTRAIL_ORACLE_SEEDS=<count> runs more or
 * fewer of them.
 */
#include "activity_store_sql.h"
#include "base/timestamp.h"
#include "infrastructure/activity_store_local/activity_store_local.h"
#include "infrastructure/disk/disk_simulated.h"
#include "support/quiet_logger.h"
#include "support/seeds.h"
#include "support/verified_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

enum {
    SEEDS = 2000,
    CONTROL_SEEDS = 100,
    STEPS_MAX = 40,
    BATCH_MAX = 120,
    LOG_MAX = 2500,
    USERS = 40,
    ACTIONS = 12,
    WALK_PAGES_MAX = 12,
    SECOND_MS = 1000,
    HOUR_MS = 3600 * SECOND_MS
};

#define BEGIN_MS  INT64_C(1700000000000)
#define LATE_MS   (3 * 24 * INT64_C(3600000))
#define ARENA_MAX ((size_t)64 << 20)

struct log_texts {
    char id[48];
    char user[24];
    char action[24];
    char metadata[320];
};

struct run {
    struct sql_store *sql;
    struct activity_store *store;
    struct disk *disk;
    struct random random;
    struct random_seeded seeded;
    struct uuid log_id;
    struct arena found;    /* what the store answered */
    struct arena expected; /* what SQLite did */
    uint64_t head_rows;
    int64_t now_ms;
    struct logged_activity log[LOG_MAX];
    struct log_texts texts[LOG_MAX];
    size_t log_end;
    size_t covered; /* rows that were put in this life of the store */
    unsigned crashes;
    bool cut_comes; /* the disk was told to lose power */
    char difference[200];
};

static size_t pick(struct run *run, size_t bound)
{
    return (size_t)random_below(&run->random, bound);
}

static bool one_in(struct run *run, size_t bound)
{
    return pick(run, bound) == 0;
}

static bool agrees(const struct run *run)
{
    return run->difference[0] == '\0';
}

static void expect(struct run *run, const char *what, uint64_t expected, uint64_t found)
{
    if (expected != found && agrees(run)) {
        snprintf(run->difference, sizeof run->difference, "%s: SQLite says %llu, the store %llu",
                 what, (unsigned long long)expected, (unsigned long long)found);
    }
}

/* Opening and losing power ------------------------------------------------------------------ */

static void open_store(struct run *run)
{
    const struct activity_store_local_config config = {.disk = run->disk,
                                                       .directory = "store",
                                                       .clock = &clock_system,
                                                       .random = &run->random,
                                                       .logger = quiet_logger(),
                                                       .head_rows = run->head_rows,
                                                       .merge_parts = 3};
    struct error err = {0};
    if (activity_store_local_new(&config, &run->store, &err) != STATUS_OK) {
        run->store = NULL;
        fail_msg("cannot open the store: %s", err.message);
    }
}

static bool store_has(void *context, struct str id)
{
    struct run *run = context;
    struct activity found;
    arena_reset(&run->found);
    enum status status = activity_store_get(run->store, id, &run->found, &found, NULL);
    if (status != STATUS_NOT_FOUND) {
        expect(run, "get", STATUS_OK, status);
    }
    return status == STATUS_OK;
}

static void verify(struct run *run)
{
    const char *problem = verified_store_problem(run->disk, "store");
    if (problem[0] != '\0' && agrees(run)) {
        snprintf(run->difference, sizeof run->difference, "verify finds: %s", problem);
    }
}

/* The log is put again from where the store says it ends. What lies behind may be there all the
 * same; SQLite keeps what the store kept of it. */
static void crash(struct run *run)
{
    struct position_set durable;
    disk_simulated_cut_power(run->disk);
    activity_store_free(run->store);
    disk_simulated_power_on(run->disk);
    run->cut_comes = false;
    run->crashes++;
    verify(run);
    open_store(run);
    position_set_init(&durable);
    expect(run, "durable_positions", STATUS_OK,
           activity_store_durable_positions(run->store, run->log_id, &durable, NULL));
    int64_t offset = position_set_get(&durable, 0);
    position_set_deinit(&durable);
    expect(run, "durable is what was put", true, (size_t)offset <= run->log_end);
    run->covered = (size_t)offset;
    sql_store_forget_from(run->sql, offset, store_has, run);
}

/* Putting ----------------------------------------------------------------------------------- */

/* A UUIDv7 of the time of receipt, a random UUID, a short text. */
static void make_id(struct run *run, char id[48], int64_t received_at_ms)
{
    struct uuid uuid = uuid_make_random(&run->random);
    size_t kind = pick(run, 4);
    if (kind < 2) {
        for (int i = 0; i < 6; i++) {
            uuid.bytes[i] = (uint8_t)(received_at_ms >> (40 - 8 * i));
        }
        uuid.bytes[6] = (uint8_t)((uuid.bytes[6] & 0x0f) | 0x70);
    }
    uuid_format(uuid, id);
    id[kind == 3 ? 4 + pick(run, 8) : UUID_TEXT_BYTES] = '\0';
}

static int64_t whole_hour(int64_t ms)
{
    return ms - ms % HOUR_MS;
}

static int64_t make_timestamp(struct run *run, int64_t received_at_ms)
{
    switch (pick(run, 8)) {
    case 0:
        return received_at_ms - (int64_t)random_below(&run->random, LATE_MS);
    case 1:
        return whole_hour(received_at_ms - (int64_t)random_below(&run->random, LATE_MS));
    case 2:
    case 3:
        return received_at_ms;
    default:
        return received_at_ms - (int64_t)pick(run, 10 * SECOND_MS);
    }
}

/* Some users have a third of all rows, some hardly any. */
static size_t pick_user(struct run *run)
{
    return one_in(run, 3) ? pick(run, 2) : pick(run, USERS);
}

/* Values that one condition or another finds. */
static const char *const json_values[] = {"1",
                                          "1.0",
                                          "10e-1",
                                          "2",
                                          "-0",
                                          "0.5",
                                          "true",
                                          "null",
                                          "\"1\"",
                                          "\"a'\\\"b\"",
                                          "\"\"",
                                          "[]",
                                          "{\"k\":1}",
                                          "[1,\"x\",null]",
                                          "[[1]]",
                                          "\"x\"",
                                          "[{\"k\":\"x\"},{\"k\":[2,true]}]"};

static const char *any_json(struct run *run)
{
    return json_values[pick(run, ARRAY_LENGTH(json_values))];
}

/* None, a string of any length, or members of which one is inside of another. */
static void make_metadata(struct run *run, size_t at)
{
    char *text = run->texts[at].metadata;
    size_t room = sizeof run->texts[at].metadata;
    if (one_in(run, 2)) {
        snprintf(text, room, "{\"k\":%s,\"in\":{\"k\":%s,\"in.k\":%s},\"list\":[%s,%s]}",
                 any_json(run), any_json(run), any_json(run), any_json(run), any_json(run));
    } else {
        snprintf(text, room, one_in(run, 5) ? "{}" : "{\"n\":\"%0*zu\"}",
                 (int)pick(run, one_in(run, 10) ? 250 : 20), at);
    }
}

static void make_row(struct run *run, size_t at)
{
    struct log_texts *texts = &run->texts[at];
    run->now_ms += (int64_t)pick(run, one_in(run, 20) ? 10 * HOUR_MS : 300 * SECOND_MS);
    int64_t received_at_ms = run->now_ms - (one_in(run, 10) ? (int64_t)pick(run, HOUR_MS) : 0);
    make_id(run, texts->id, received_at_ms);
    snprintf(texts->user, sizeof texts->user, "us'er-%zu", pick_user(run));
    snprintf(texts->action, sizeof texts->action, "act%zu", pick(run, ACTIONS));
    make_metadata(run, at);
    run->log[at] = (struct logged_activity){
        .activity = {.id = str_from(texts->id),
                     .user_id = str_from(texts->user),
                     .action = str_from(texts->action),
                     .metadata = str_from(texts->metadata),
                     .timestamp_ms = make_timestamp(run, received_at_ms),
                     .received_at_ms = received_at_ms},
        .position = {.offset = (int64_t)at},
    };
}

/* One before, sent again: mostly as it was, sometimes with one thing changed. */
static void make_repetition(struct run *run, size_t at)
{
    struct activity *made = &run->log[at].activity;
    size_t back = one_in(run, 2) ? pick(run, at < 20 ? at : 20) : pick(run, at);
    struct activity again = run->log[at - 1 - back].activity;
    bool filled_in = again.timestamp_ms == again.received_at_ms;
    again.received_at_ms = made->received_at_ms;
    again.timestamp_ms = filled_in ? made->received_at_ms : again.timestamp_ms;
    switch (pick(run, 12)) {
    case 0:
        again.user_id = made->user_id;
        break;
    case 1:
        again.action = made->action;
        break;
    case 2:
        again.metadata = made->metadata;
        break;
    case 3:
        again.timestamp_ms = made->timestamp_ms;
        break;
    default:
        break;
    }
    *made = again;
}

static void grow_log(struct run *run)
{
    size_t count = pick(run, BATCH_MAX);
    for (size_t i = 0; i < count && run->log_end < LOG_MAX; i++) {
        make_row(run, run->log_end);
        if (run->log_end > 0 && one_in(run, 6)) {
            make_repetition(run, run->log_end);
        }
        run->log_end++;
    }
}

/* Puts rows [begin, end) of the log; what is covered comes again. */
static enum status put_rows(struct run *run, size_t begin, size_t end)
{
    static enum verdict verdicts[LOG_MAX];
    struct position next = {.offset = (int64_t)end};
    struct position_set set = {.items = &next, .count = 1, .capacity = 1};
    const struct activity_batch batch = {
        .log_id = run->log_id, .rows = run->log + begin, .count = end - begin, .next = &set};
    enum status status = activity_store_put_batch(run->store, &batch, verdicts, NULL);
    if (status != STATUS_OK) {
        return status;
    }
    for (size_t i = begin; i < end; i++) {
        /* What went with an erasure or an expiry and comes again is stored again, but positions do
         * not say whether that would survive a crash: it counts as put behind all others. */
        int64_t offset = (int64_t)(i < run->covered ? run->covered : i);
        enum verdict verdict =
            sql_store_put(run->sql, &run->log[i].activity, offset, i < run->covered);
        expect(run, "verdict", verdict, verdicts[i - begin]);
    }
    run->covered = end > run->covered ? end : run->covered;
    return STATUS_OK;
}

/* Only a disk without power may fail. */
static void settle(struct run *run, const char *what, enum status status)
{
    if (status != STATUS_OK && run->cut_comes) {
        crash(run);
    } else {
        expect(run, what, STATUS_OK, status);
    }
}

static void step_put(struct run *run)
{
    size_t begin = run->covered;
    if (begin == run->log_end || one_in(run, 3)) {
        grow_log(run);
    }
    if (one_in(run, 5)) {
        begin -= pick(run, (begin < 60 ? begin : 60) + 1);
    }
    size_t end = run->covered + pick(run, run->log_end - run->covered + 1);
    end = one_in(run, 2) ? run->log_end : end;
    settle(run, "put_batch", put_rows(run, begin, end));
}

static void step_sync(struct run *run)
{
    settle(run, "sync", activity_store_sync(run->store, NULL));
}

/* Power goes now, or in the midst of what is put and synced next. */
static void step_crash(struct run *run)
{
    if (one_in(run, 2)) {
        disk_simulated_cut_power_at(run->disk, 1 + pick(run, 60));
        run->cut_comes = true;
        step_put(run);
        if (run->cut_comes) {
            step_sync(run);
        }
    }
    crash(run);
}

/* Asking ------------------------------------------------------------------------------------ */

static void expect_same(struct run *run, const struct activity *expected,
                        const struct activity *found)
{
    expect(run, "same id", true, str_equal(expected->id, found->id));
    expect(run, "same user", true, str_equal(expected->user_id, found->user_id));
    expect(run, "same action", true, str_equal(expected->action, found->action));
    expect(run, "same metadata", true, str_equal(expected->metadata, found->metadata));
    expect(run, "timestamp", (uint64_t)expected->timestamp_ms, (uint64_t)found->timestamp_ms);
    expect(run, "received at", (uint64_t)expected->received_at_ms, (uint64_t)found->received_at_ms);
}

static void compare_page(struct run *run, const struct activity_page_request *request,
                         struct activity_page *out_page)
{
    struct activity_page expected;
    arena_reset(&run->found);
    arena_reset(&run->expected);
    *out_page = (struct activity_page){0};
    expect(run, "find", STATUS_OK,
           activity_store_find(run->store, request, &run->found, out_page, NULL));
    sql_store_find(run->sql, request, &run->expected, &expected);
    expect(run, "rows of a page", expected.count, out_page->count);
    expect(run, "more", expected.more, out_page->more);
    expect(run, "cut short", false, out_page->cut_short);
    for (size_t i = 0; i < expected.count && i < out_page->count; i++) {
        expect_same(run, &expected.rows[i], &out_page->rows[i]);
    }
}

struct chosen_list {
    struct str items[FILTER_NAMES_MAX];
    char texts[FILTER_NAMES_MAX][24];
};

struct chosen_filter {
    struct chosen_list users;
    struct chosen_list actions;
    struct metadata_filter metadata;
    struct chosen_list excluded_users;
    struct chosen_list excluded_actions;
    struct metadata_filter excluded_metadata;
};

static void choose_metadata(struct run *run, struct metadata_filter *out_metadata)
{
    static const char *const paths[] = {"k",      "k.k",  "in.k",  "in.in\\.k",
                                        "in.k.k", "list", "list.k"};
    static const char *const values[] = {"1", "1e0", "0", "x", "", "true", "null", "a'\"b", "2"};
    *out_metadata = (struct metadata_filter){0};
    for (size_t left = 1 + pick(run, 4); left > 0; left--) {
        enum status status =
            metadata_filter_add(out_metadata, str_from(paths[pick(run, ARRAY_LENGTH(paths))]),
                                str_from(values[pick(run, ARRAY_LENGTH(values))]), NULL);
        expect(run, "a condition", STATUS_OK, status);
    }
}

static int64_t choose_time(struct run *run)
{
    int64_t span_ms = run->now_ms - BEGIN_MS + LATE_MS;
    int64_t ms = BEGIN_MS - LATE_MS + (int64_t)random_below(&run->random, (uint64_t)span_ms);
    if (run->log_end > 0 && one_in(run, 2)) {
        ms = run->log[pick(run, run->log_end)].activity.timestamp_ms;
    }
    return one_in(run, 3) ? whole_hour(ms) : ms;
}

/* Two of them have never been. */
static size_t choose_users(struct run *run, struct chosen_list *chosen)
{
    size_t count = one_in(run, 2) ? 0 : 1 + (one_in(run, 3) ? pick(run, 20) : 0);
    size_t user = pick_user(run);
    for (size_t i = 0; i < count; i++) {
        snprintf(chosen->texts[i], sizeof chosen->texts[i], "us'er-%zu", (user + i) % (USERS + 2));
        chosen->items[i] = str_from(chosen->texts[i]);
    }
    return count;
}

/* One of them has never been. */
static size_t choose_actions(struct run *run, struct chosen_list *chosen)
{
    size_t count = one_in(run, 2) ? 0 : 1 + pick(run, 3);
    size_t action = pick(run, ACTIONS);
    for (size_t i = 0; i < count; i++) {
        snprintf(chosen->texts[i], sizeof chosen->texts[i], "act%zu", (action + i) % (ACTIONS + 1));
        chosen->items[i] = str_from(chosen->texts[i]);
    }
    return count;
}

static void choose_exclusions(struct run *run, struct chosen_filter *chosen,
                              struct activity_exclusions *out_excluded)
{
    out_excluded->user_ids.items = chosen->excluded_users.items;
    out_excluded->user_ids.count = choose_users(run, &chosen->excluded_users);
    out_excluded->actions.items = chosen->excluded_actions.items;
    out_excluded->actions.count = choose_actions(run, &chosen->excluded_actions);
    if (one_in(run, 3)) {
        choose_metadata(run, &chosen->excluded_metadata);
        out_excluded->metadata = &chosen->excluded_metadata;
    }
}

static void choose_filter(struct run *run, struct chosen_filter *chosen,
                          struct activity_filter *out_filter)
{
    *out_filter = activity_filter_all();
    out_filter->user_ids.items = chosen->users.items;
    out_filter->user_ids.count = choose_users(run, &chosen->users);
    out_filter->actions.items = chosen->actions.items;
    out_filter->actions.count = choose_actions(run, &chosen->actions);
    if (one_in(run, 3)) {
        out_filter->from_ms = choose_time(run);
    }
    if (one_in(run, 3)) {
        out_filter->to_ms = choose_time(run);
    }
    if (one_in(run, 3)) {
        choose_metadata(run, &chosen->metadata);
        out_filter->metadata = &chosen->metadata;
    }
    if (one_in(run, 2)) {
        choose_exclusions(run, chosen, &out_filter->excluded);
    }
}

static struct activity_page_request choose_request(struct run *run, struct chosen_filter *chosen)
{
    struct activity_page_request request = {
        .order = one_in(run, 2) ? ORDER_NEWEST_FIRST : ORDER_OLDEST_FIRST,
        .limit = 1 + pick(run, one_in(run, 4) ? 400 : 20),
        .bytes_max = SIZE_MAX,
    };
    choose_filter(run, chosen, &request.filter);
    return request;
}

static void step_find(struct run *run)
{
    struct chosen_filter chosen;
    struct activity_page page;
    struct activity_page_request request = choose_request(run, &chosen);
    struct activity_key after = {.timestamp_ms = choose_time(run), .id = STR("8")};
    if (run->log_end > 0 && one_in(run, 2)) {
        after = activity_key_of(&run->log[pick(run, run->log_end)].activity);
    }
    request.skip = one_in(run, 3) ? pick(run, one_in(run, 3) ? 1000 : 30) : 0;
    request.after = one_in(run, 3) ? &after : NULL;
    compare_page(run, &request, &page);
}

static void step_count(struct run *run)
{
    struct chosen_filter chosen;
    struct activity_filter filter;
    uint64_t count = 0;
    choose_filter(run, &chosen, &filter);
    expect(run, "count", STATUS_OK, activity_store_count(run->store, &filter, 0, &count, NULL));
    expect(run, "counted", sql_store_count(run->sql, &filter), count);
}

static void compare_tallies(struct run *run, const struct activity_tally *expected,
                            const struct activity_tally *found)
{
    expect(run, "groups", expected->count, found->count);
    expect(run, "more groups", expected->more, found->more);
    for (size_t i = 0; i < expected->count && i < found->count; i++) {
        const struct activity_group *group = &found->groups[i];
        expect(run, "name of a group", true, str_equal(expected->groups[i].name, group->name));
        expect(run, "start of a group", (uint64_t)expected->groups[i].start_ms,
               (uint64_t)group->start_ms);
        expect(run, "count of a group", expected->groups[i].count, group->count);
    }
}

static void step_tally(struct run *run)
{
    struct chosen_filter chosen;
    struct activity_tally expected;
    struct activity_tally found = {0};
    struct activity_tally_request request = {
        .grouping =
            (enum activity_grouping)pick(run, GROUP_BY_METADATA), /* has no second opinion */
        .interval_ms = 1 + (int64_t)pick(run, one_in(run, 2) ? 100 : 100000000),
        .limit = 1 + pick(run, one_in(run, 3) ? 5 : 500),
        .groups_max = one_in(run, 4) ? 1 + pick(run, 30) : LOG_MAX,
    };
    choose_filter(run, &chosen, &request.filter);
    arena_reset(&run->found);
    arena_reset(&run->expected);
    bool fits = sql_store_tally(run->sql, &request, &run->expected, &expected);
    enum status status = activity_store_tally(run->store, &request, &run->found, &found, NULL);
    expect(run, "tally", fits ? STATUS_OK : STATUS_TOO_LARGE, status);
    if (fits && status == STATUS_OK) {
        compare_tallies(run, &expected, &found);
    }
}

static void step_get(struct run *run)
{
    struct str id = STR("nobody");
    struct activity expected;
    struct activity found;
    if (run->log_end > 0) {
        id = run->log[pick(run, run->log_end)].activity.id;
    }
    arena_reset(&run->found);
    arena_reset(&run->expected);
    bool there = sql_store_get(run->sql, id, &run->expected, &expected);
    enum status status = activity_store_get(run->store, id, &run->found, &found, NULL);
    expect(run, "get", there ? STATUS_OK : STATUS_NOT_FOUND, status);
    if (there && status == STATUS_OK) {
        expect_same(run, &expected, &found);
    }
}

/* Removing ---------------------------------------------------------------------------------- */

static void step_erase(struct run *run)
{
    char user[24];
    struct activity_erasure erasure = {0};
    int64_t erased_at_ms = run->now_ms;
    if (run->log_end > 0 && one_in(run, 2)) {
        erased_at_ms = run->log[pick(run, run->log_end)].activity.received_at_ms;
    }
    snprintf(user, sizeof user, "us'er-%zu", pick_user(run));
    expect(run, "erase", STATUS_OK,
           activity_store_erase(run->store, str_from(user), erased_at_ms, &erasure, NULL));
    expect(run, "erased", sql_store_erase(run->sql, str_from(user), erased_at_ms), erasure.erased);
}

/* Everything that is stored, in one order. */
static void compare_all(struct run *run, enum activity_order order)
{
    struct activity_page page;
    const struct activity_page_request request = {
        .filter = activity_filter_all(), .order = order, .limit = LOG_MAX, .bytes_max = SIZE_MAX};
    compare_page(run, &request, &page);
}

/* The store may keep rows below the border, and SQLite then keeps the same ones. */
static void step_expire(struct run *run)
{
    uint64_t expired = 0;
    int64_t before_ms = choose_time(run) - (one_in(run, 2) ? LATE_MS : 0);
    expect(run, "expire", STATUS_OK, activity_store_expire(run->store, before_ms, &expired, NULL));
    expect(run, "expired", sql_store_forget_before(run->sql, before_ms, store_has, run), expired);
    compare_all(run, ORDER_OLDEST_FIRST);
}

/* Walking ----------------------------------------------------------------------------------- */

static void disturb(struct run *run)
{
    static void (*const steps[])(struct run *) = {step_put,  step_put,   step_put,    step_sync,
                                                  step_sync, step_erase, step_expire, step_crash};
    if (one_in(run, 2)) {
        steps[pick(run, ARRAY_LENGTH(steps))](run);
    }
}

/* Follows a cursor while rows come, move and go. */
static void step_walk(struct run *run)
{
    struct chosen_filter chosen;
    struct activity_page page;
    struct activity_key after;
    char id[ACTIVITY_ID_BYTES_MAX];
    struct activity_page_request request = choose_request(run, &chosen);
    compare_page(run, &request, &page);
    for (int i = 0; i < WALK_PAGES_MAX && page.count > 0 && page.more && agrees(run); i++) {
        struct activity_key last = activity_key_of(&page.rows[page.count - 1]);
        memcpy(id, last.id.data, last.id.len);
        after = (struct activity_key){.timestamp_ms = last.timestamp_ms,
                                      .id = {.data = id, .len = last.id.len}};
        request.after = &after;
        disturb(run);
        compare_page(run, &request, &page);
    }
}

/* Runs -------------------------------------------------------------------------------------- */

static void step(struct run *run)
{
    static void (*const steps[])(struct run *) = {
        step_put,   step_put,   step_put,  step_put,   step_put,   step_put,
        step_put,   step_sync,  step_find, step_find,  step_find,  step_find,
        step_walk,  step_walk,  step_walk, step_count, step_count, step_tally,
        step_tally, step_tally, step_get,  step_erase, step_crash};
    struct activity_filter all = activity_filter_all();
    struct activity_store_state state;
    if (one_in(run, 60)) {
        step_expire(run);
    } else {
        steps[pick(run, ARRAY_LENGTH(steps))](run);
    }
    activity_store_describe(run->store, &state);
    if (agrees(run)) {
        expect(run, "described", sql_store_count(run->sql, &all), state.activities);
    }
}

/* All that was put is there, and after a sync and a crash it still is. */
static void end(struct run *run)
{
    expect(run, "the last put", STATUS_OK, put_rows(run, run->covered, run->log_end));
    compare_all(run, ORDER_NEWEST_FIRST);
    expect(run, "the last sync", STATUS_OK, activity_store_sync(run->store, NULL));
    crash(run);
    expect(run, "durable after a sync", run->log_end, run->covered);
    compare_all(run, ORDER_OLDEST_FIRST);
    verify(run);
}

/* "" when store and SQLite agree to the end; static. */
static const char *run_seed(struct sql_store *sql, uint64_t seed, enum sql_fault fault)
{
    static const uint64_t head_rows[] = {1, 10, 40, 150, 600};
    static struct run run;
    memset(&run, 0, sizeof run);
    run.sql = sql;
    run.random = random_from_seed(&run.seeded, seed);
    run.log_id = uuid_make_random(&run.random);
    run.now_ms = BEGIN_MS;
    run.head_rows = head_rows[pick(&run, ARRAY_LENGTH(head_rows))];
    const struct disk_simulated_options options = {.seed = seed, .short_writes = seed % 2 == 0};
    run.disk = disk_simulated_new(&options);
    assert_non_null(run.disk);
    arena_init(&run.found, ARENA_MAX);
    arena_init(&run.expected, ARENA_MAX);
    sql_store_begin(sql, fault);
    open_store(&run);
    size_t steps = 1 + pick(&run, STEPS_MAX);
    for (size_t i = 0; i < steps && agrees(&run); i++) {
        step(&run);
    }
    if (agrees(&run)) {
        end(&run);
    }
    arena_deinit(&run.found);
    arena_deinit(&run.expected);
    activity_store_free(run.store);
    disk_simulated_free(run.disk);
    return run.difference;
}

static void test_agrees_with_sqlite(void **state)
{
    const struct seed_range seeds = seeds_to_run("USERTRAIL_ORACLE", SEEDS);
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++) {
        const char *difference = run_seed(*state, seed, SQL_RIGHT);
        if (difference[0] != '\0') {
            fail_msg("the store differs from SQLite with USERTRAIL_ORACLE_SEED=%llu: %s",
                     (unsigned long long)seed, difference);
        }
    }
}

/* Negative control: a comparison that never fails proves nothing. */
static void test_notices_wrong_sql(void **state)
{
    for (int fault = SQL_RIGHT + 1; fault < SQL_FAULT_COUNT; fault++) {
        bool noticed = false;
        for (uint64_t seed = 1; seed <= CONTROL_SEEDS && !noticed; seed++) {
            noticed = run_seed(*state, seed, (enum sql_fault)fault)[0] != '\0';
        }
        if (!noticed) {
            fail_msg("%d seeds did not notice fault %d in the SQL", CONTROL_SEEDS, fault);
        }
    }
}

static int set_up(void **state)
{
    *state = sql_store_new();
    return 0;
}

static int tear_down(void **state)
{
    sql_store_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agrees_with_sqlite),
        cmocka_unit_test(test_notices_wrong_sql),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
