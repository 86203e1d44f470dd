/*
 * Guards that what was refused of an erased user neither comes back into the list nor stays there,
 * whenever the erasure comes, and that nothing else is kept back.
 */
#include "application/keep_refusals.h"
#include "application/refusal_subject.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

#define NOW_MS  INT64_C(1768435085442)
#define HOUR_MS INT64_C(3600000)

enum { OFFSETS = 1000 };

/* A list that knows positions only, and a store that knows of one erasure, of "ann". */
struct bed {
    struct refusal_list list;
    struct erasure_lookup erasures;
    struct clock clock;
    struct keep_refusals keeper;
    bool listed[OFFSETS];
    size_t removals;
    int64_t erased_at_ms; /* 0: nobody is erased */
    int64_t erase_on_add; /* then this happens in the midst of the next add */
    unsigned asked;
    unsigned fail_ask_at; /* the nth question fails; 0: none */
    enum status add_answer;
    enum status remove_answer;
};

static struct bed bed;

static enum status list_add(struct refusal_list *list, struct uuid log_id,
                            const struct refusal *refusals, size_t count, struct error *err)
{
    (void)list;
    (void)log_id;
    (void)err;
    assert_true(count > 0);
    for (size_t i = 0; bed.add_answer == STATUS_OK && i < count; i++) {
        bed.listed[refusals[i].position.offset] = true;
    }
    bed.erased_at_ms = bed.erase_on_add != 0 ? bed.erase_on_add : bed.erased_at_ms;
    return bed.add_answer;
}

static enum status list_remove(struct refusal_list *list, struct str id, struct error *err)
{
    (void)list;
    (void)err;
    size_t offset = 0;
    assert_true(str_starts_with(id, STR("07000000-0000-0000-0000-000000000000-2-")));
    for (size_t i = strlen("07000000-0000-0000-0000-000000000000-2-"); i < id.len; i++) {
        offset = offset * 10 + (size_t)(id.data[i] - '0');
    }
    if (bed.remove_answer != STATUS_OK) {
        return bed.remove_answer;
    }
    bool there = bed.listed[offset];
    bed.listed[offset] = false;
    bed.removals += there;
    return there ? STATUS_OK : STATUS_NOT_FOUND;
}

static const struct refusal_list_operations operations = {.add = list_add, .remove = list_remove};

static enum status look_up(struct erasure_lookup *lookup, const struct activity_batch *batch,
                           bool *out_erased, struct error *err)
{
    (void)lookup;
    assert_true(batch->count > 0);
    if (++bed.asked == bed.fail_ask_at) {
        return error_set(err, STATUS_UNAVAILABLE, 0, "the store is away");
    }
    for (size_t i = 0; i < batch->count; i++) {
        const struct activity *activity = &batch->rows[i].activity;
        out_erased[i] =
            str_equal(activity->user_id, STR("ann")) && activity->received_at_ms < bed.erased_at_ms;
    }
    return STATUS_OK;
}

static uint64_t now(void *context)
{
    (void)context;
    return (uint64_t)NOW_MS * NANOSECONDS_PER_MILLISECOND;
}

static int setup(void **state)
{
    (void)state;
    bed = (struct bed){.list.operations = &operations, .erasures.look_up = look_up};
    bed.clock = (struct clock){now, now, NULL};
    bed.keeper = (struct keep_refusals){&bed.list, &bed.erasures, &bed.clock};
    return 0;
}

static struct refusal refusal_at(int64_t offset, struct str raw, int64_t logged_at_ms)
{
    return (struct refusal){
        .position = {2, offset}, .raw = raw, .reason = STR("no"), .logged_at_ms = logged_at_ms};
}

static enum status add(const struct refusal *refusals, size_t count)
{
    struct error err;
    return keep_refusals_add(&bed.keeper, (struct uuid){{7}}, refusals, count, &err);
}

#define ANN(more) STR("{\"userId\":\"ann\"" more "}")

static void keeps_back_what_an_erasure_covers(void **state)
{
    (void)state;
    const struct {
        struct str raw;
        int64_t logged_at_ms;
        bool listed;
    } cases[] = {
        {ANN(""), NOW_MS - 1, false},
        {ANN(""), NOW_MS, true}, /* received after it */
        {ANN(""), 0, false},     /* nobody knows when */
        {ANN(""), NOW_MS + 2 * HOUR_MS, true},
        {STR("{\"userId\":\"bob\"}"), 1, true},
        {STR("[]"), 1, true},
        {ANN(",\"receivedAt\":\"2026-01-14T23:58:05.441Z\""), NOW_MS + 5, false},
        {ANN(",\"receivedAt\":\"2026-01-14T23:58:05.442Z\""), NOW_MS - 5, true},
        /* a time that is nobody's clock says nothing */
        {ANN(",\"receivedAt\":\"2030-01-01T00:00:00Z\""), NOW_MS - 5, false},
        {STR("{\"userId\":\"bob\",\"userId\":\"ann\"}"), 1, false},
    };
    struct refusal refusals[ARRAY_LENGTH(cases)];
    bed.erased_at_ms = NOW_MS;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        refusals[i] = refusal_at((int64_t)i, cases[i].raw, cases[i].logged_at_ms);
    }
    assert_int_equal(add(refusals, ARRAY_LENGTH(cases)), STATUS_OK);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        if (bed.listed[i] != cases[i].listed) {
            fail_msg("case %zu is %s", i, bed.listed[i] ? "listed" : "not listed");
        }
    }
}

/* The eraser was done with the list before this came into it. */
static void takes_off_what_is_erased_meanwhile(void **state)
{
    (void)state;
    const struct refusal refusals[] = {refusal_at(1, ANN(""), 5),
                                       refusal_at(2, STR("{\"userId\":\"bob\"}"), 5)};
    bed.erase_on_add = NOW_MS;
    assert_int_equal(add(refusals, 2), STATUS_OK);
    assert_false(bed.listed[1]);
    assert_true(bed.listed[2]);
    assert_int_equal(bed.removals, 1);
}

/* It was listed, and the process died before it could ask again. */
static void takes_off_what_a_crash_left(void **state)
{
    (void)state;
    const struct refusal refusal = refusal_at(3, ANN(""), 5);
    bed.listed[3] = true;
    bed.erased_at_ms = NOW_MS;
    assert_int_equal(add(&refusal, 1), STATUS_OK);
    assert_false(bed.listed[3]);
}

static void tells_what_fails_and_may_be_repeated(void **state)
{
    (void)state;
    const struct refusal refusal = refusal_at(4, ANN(""), 5);
    bed.fail_ask_at = 1;
    assert_int_equal(add(&refusal, 1), STATUS_UNAVAILABLE);
    assert_false(bed.listed[4]);
    bed.fail_ask_at = 3; /* behind the add */
    assert_int_equal(add(&refusal, 1), STATUS_UNAVAILABLE);
    bed.add_answer = STATUS_NO_SPACE;
    assert_int_equal(add(&refusal, 1), STATUS_NO_SPACE);
    bed.add_answer = STATUS_OK;
    bed.erased_at_ms = NOW_MS;
    bed.remove_answer = STATUS_TIMED_OUT;
    assert_int_equal(add(&refusal, 1), STATUS_TIMED_OUT);
    bed.remove_answer = STATUS_OK;
    assert_int_equal(add(&refusal, 1), STATUS_OK);
    assert_false(bed.listed[4]);
}

static void takes_many_at_once(void **state)
{
    (void)state;
    static struct refusal refusals[OFFSETS];
    for (size_t i = 0; i < OFFSETS; i++) {
        refusals[i] = refusal_at((int64_t)i, i % 3 == 0 ? ANN("") : STR("{\"userId\":\"bob\"}"), 5);
    }
    bed.erased_at_ms = NOW_MS;
    assert_int_equal(add(refusals, OFFSETS), STATUS_OK);
    for (size_t i = 0; i < OFFSETS; i++) {
        assert_int_equal(bed.listed[i], i % 3 != 0);
    }
}

static void asks_nobody_without_erasures(void **state)
{
    (void)state;
    const struct refusal refusal = refusal_at(5, ANN(""), 5);
    bed.keeper.erasures = NULL;
    bed.erased_at_ms = NOW_MS;
    assert_int_equal(add(&refusal, 1), STATUS_OK);
    assert_true(bed.listed[5]);
    assert_int_equal(bed.asked, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(keeps_back_what_an_erasure_covers, setup),
        cmocka_unit_test_setup(takes_off_what_is_erased_meanwhile, setup),
        cmocka_unit_test_setup(takes_off_what_a_crash_left, setup),
        cmocka_unit_test_setup(tells_what_fails_and_may_be_repeated, setup),
        cmocka_unit_test_setup(takes_many_at_once, setup),
        cmocka_unit_test_setup(asks_nobody_without_erasures, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
