/* Guards the import into this process's log: what is durable comes back, a log that is full for a
 * while is waited for, one that stays full or stops is told, and nothing comes back that failed.
 * Nor is a store that takes nothing waited for without end. */
#include "infrastructure/activity_store_memory/activity_store_memory.h"
#include "infrastructure/import_target_local/import_target_local.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

enum { SCRIPT_MAX = 64 };

/* A log that answers by a script: what append returns, and with what it completes. */
struct script {
    enum status appends[SCRIPT_MAX];
    enum status results[SCRIPT_MAX];
    size_t next;
};

struct log_double {
    struct event_log base;
    struct script script;
    size_t accepted;
    int64_t end; /* of what the worker, which does nothing, has not stored */
    uint64_t *now_ns;
    int64_t looks_left; /* with which the store still gets on */
};

static enum status append(struct event_log *base, const struct activity *activities, size_t count,
                          struct append_listener *listener, struct append_ticket ticket)
{
    struct log_double *log = CONTAINER_OF(base, struct log_double, base);
    size_t turn = log->script.next < SCRIPT_MAX - 1 ? log->script.next++ : log->script.next;
    assert_true(count == 1 && str_equal(activities[0].id, STR("x")));
    if (log->script.appends[turn] != STATUS_OK) {
        return log->script.appends[turn];
    }
    const struct append_result result = {
        .ticket = ticket, .status = log->script.results[turn], .count = count};
    log->accepted += result.status == STATUS_OK;
    listener->completed(listener, &result, 1);
    return STATUS_OK;
}

/* While something is pending each look takes a second, by the clock of the test. */
static enum status end_position(struct event_log *base, struct position_set *out_positions)
{
    struct log_double *log = CONTAINER_OF(base, struct log_double, base);
    *log->now_ns += log->end > 0 ? 1000000000 : 0;
    if (log->looks_left > 0) {
        log->looks_left--;
        log->end--;
    }
    return position_set_raise(out_positions, (struct position){.offset = log->end});
}

static void describe_log(struct event_log *log, struct event_log_state *out_state)
{
    (void)log;
    *out_state = (struct event_log_state){.kind = "double"};
}

static const struct event_log_operations log_operations = {
    .append = append, .end_position = end_position, .describe = describe_log};

struct bed {
    struct log_double log;
    struct record_activities recorder;
    struct activity_store *store;
    struct refusal_list refusals; /* nothing is refused */
    struct store_activities *worker;
    struct import_notices notices;
    const char *notice_words; /* expected in each notice */
    size_t notice_count;
    uint64_t now_ns;
    struct clock clock;
    struct import_target *target;
    struct import_batch batch;
    struct import_row row;
    struct import_fault fault;
};

static void waiting(struct import_notices *notices, const char *words)
{
    struct bed *bed = CONTAINER_OF(notices, struct bed, notices);
    assert_non_null(strstr(words, bed->notice_words));
    bed->notice_count++;
}

static uint64_t now_ns(void *context)
{
    return *(uint64_t *)context;
}

static struct bed *make_bed(void)
{
    struct bed *bed = calloc(1, sizeof *bed);
    assert_non_null(bed);
    bed->log.base.operations = &log_operations;
    bed->log.now_ns = &bed->now_ns;
    bed->clock = (struct clock){now_ns, now_ns, &bed->now_ns};
    bed->now_ns = 1000000000;
    bed->notices.waiting = waiting;
    bed->notice_words = "no space";
    record_activities_init(&bed->recorder, &bed->log.base, &bed->clock, &random_system);
    const struct activity_store_memory_config store = {
        .bytes_max = 1 << 20, .clock = &clock_system, .random = &random_system};
    assert_int_equal(activity_store_memory_new(&store, &bed->store, NULL), STATUS_OK);
    struct store_activities_config worker = store_activities_config_default;
    worker.log = &bed->log.base;
    worker.store = bed->store;
    worker.refusals = &bed->refusals;
    worker.random = &random_system;
    worker.clock = &bed->clock;
    assert_int_equal(store_activities_new(&worker, &bed->worker, NULL), STATUS_OK);
    const struct import_target_local_config config = {.name = "a test",
                                                      .recorder = &bed->recorder,
                                                      .worker = bed->worker,
                                                      .rules = &activity_rules_default,
                                                      .clock = &bed->clock,
                                                      .notices = &bed->notices,
                                                      .line_bytes_max = 4096,
                                                      .give_up_ms = 10000};
    assert_int_equal(import_target_local_new(&config, &bed->target, NULL), STATUS_OK);
    bed->row = (struct import_row){.line = 1,
                                   .draft = {.activity = {.id = STR("x"), .metadata = STR("{}")}}};
    bed->batch = (struct import_batch){.rows = &bed->row, .row_count = 1, .faults = &bed->fault};
    return bed;
}

static void free_bed(struct bed *bed)
{
    import_target_free(bed->target);
    store_activities_free(bed->worker);
    activity_store_free(bed->store);
    free(bed);
}

static void what_is_durable_comes_back(void **state)
{
    (void)state;
    struct bed *bed = make_bed();
    struct import_batch *back = NULL;
    struct import_target_state target;
    import_target_describe(bed->target, &target);
    assert_string_equal(target.name, "a test");
    assert_int_equal(import_target_collect(bed->target, 0, &back, NULL), STATUS_OK);
    assert_null(back);
    assert_int_equal(import_target_submit(bed->target, &bed->batch, NULL), STATUS_OK);
    assert_int_equal(import_target_collect(bed->target, 0, &back, NULL), STATUS_OK);
    assert_ptr_equal(back, &bed->batch);
    assert_int_equal(bed->row.draft.activity.received_at_ms, 1000);
    back = NULL;
    assert_int_equal(import_target_collect(bed->target, 0, &back, NULL), STATUS_OK);
    assert_null(back);
    free_bed(bed);
}

static void a_log_that_is_full_is_waited_for(void **state)
{
    (void)state;
    static const enum status passing[] = {STATUS_BUSY, STATUS_NO_SPACE, STATUS_NO_MEMORY};
    for (size_t i = 0; i < ARRAY_LENGTH(passing); i++) {
        for (int late = 0; late < 2; late++) {
            struct bed *bed = make_bed();
            struct import_batch *back = NULL;
            enum status *script = late ? bed->log.script.results : bed->log.script.appends;
            script[0] = script[1] = passing[i];
            assert_int_equal(import_target_submit(bed->target, &bed->batch, NULL), STATUS_OK);
            for (int turn = 0; back == NULL; turn++) {
                assert_int_equal(import_target_collect(bed->target, 0, &back, NULL), STATUS_OK);
                assert_in_range(turn, 0, 10);
            }
            assert_int_equal(bed->log.accepted, 1);
            free_bed(bed);
        }
    }
}

static void patience_has_an_end_and_is_told(void **state)
{
    (void)state;
    struct bed *bed = make_bed();
    struct import_batch *back = NULL;
    struct error err;
    for (size_t i = 0; i < SCRIPT_MAX; i++) {
        bed->log.script.appends[i] = STATUS_NO_SPACE;
    }
    bed->now_ns += 60 * UINT64_C(1000000000); /* idle before: nobody's fault */
    assert_int_equal(import_target_submit(bed->target, &bed->batch, NULL), STATUS_OK);
    for (int second = 0; second < 10; second++) {
        assert_int_equal(import_target_collect(bed->target, 0, &back, &err), STATUS_OK);
        bed->now_ns += 1000000000;
    }
    assert_int_equal(bed->notice_count, 1);
    assert_int_equal(import_target_collect(bed->target, 0, &back, &err), STATUS_NO_SPACE);
    assert_non_null(strstr(err.message, "no space"));
    assert_null(back);
    free_bed(bed);
}

static void a_log_that_stopped_is_told_at_once(void **state)
{
    (void)state;
    struct bed *bed = make_bed();
    struct import_batch *back = NULL;
    bed->log.script.appends[0] = STATUS_UNAVAILABLE;
    assert_int_equal(import_target_submit(bed->target, &bed->batch, NULL), STATUS_UNAVAILABLE);
    free_bed(bed);
    bed = make_bed();
    bed->log.script.results[0] = STATUS_UNAVAILABLE;
    assert_int_equal(import_target_submit(bed->target, &bed->batch, NULL), STATUS_OK);
    assert_int_equal(import_target_collect(bed->target, 0, &back, NULL), STATUS_UNAVAILABLE);
    assert_null(back);
    free_bed(bed);
}

/* As long as the store takes something it is waited for, however long all of it takes. */
static void a_store_that_takes_nothing_is_not_waited_for_without_end(void **state)
{
    (void)state;
    struct bed *bed = make_bed();
    struct import_outcome outcome = {.known = false};
    struct error err;
    bed->notice_words = "not all is in the store yet";
    bed->log.end = 100;
    bed->log.looks_left = 50;
    assert_int_equal(import_target_finish(bed->target, &outcome, &err), STATUS_UNAVAILABLE);
    assert_non_null(strstr(err.message, "not all is in the store yet"));
    assert_int_equal(bed->log.end, 50);
    assert_int_equal(bed->notice_count, 1);
    assert_false(outcome.known);
    bed->log.looks_left = 50;
    assert_int_equal(import_target_finish(bed->target, &outcome, &err), STATUS_OK);
    assert_true(outcome.known);
    assert_int_equal(bed->notice_count, 1);
    free_bed(bed);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_durable_comes_back),
        cmocka_unit_test(a_log_that_is_full_is_waited_for),
        cmocka_unit_test(patience_has_an_end_and_is_told),
        cmocka_unit_test(a_log_that_stopped_is_told_at_once),
        cmocka_unit_test(a_store_that_takes_nothing_is_not_waited_for_without_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
