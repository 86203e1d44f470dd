/*
 * Guards sending refused activities again: nothing leaves the list before it is durable in the log,
 * an id stays what it was so that sending twice stores once, and what cannot be sent says why.
 */
#include "application/resend_refusals.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { ENTRIES_MAX = 8, APPENDED_MAX = 32, LOGGED_MS = 1700000000 };

enum answer { ANSWERS_AT_ONCE, ANSWERS_NEVER, ANSWERS_LATE };

struct bed {
    struct refusal_list list;
    struct refusal_entry entries[ENTRIES_MAX]; /* newest first */
    size_t count;
    enum status remove_answer;

    struct event_log log;
    enum status append_answer; /* of append itself */
    enum status result;        /* what is told later */
    enum answer answer;
    size_t append_max; /* more at once are TOO_LARGE */
    struct append_listener *listener;
    struct append_ticket ticket;
    struct activity appended[APPENDED_MAX];
    size_t appended_count;
    size_t appends;

    struct record_activities recorder;
    struct resend_refusals resender;
    struct list_refusals lister;
    struct arena arena;
    struct resend_outcome outcome;
    struct error err;
};

static const struct uuid log_id = {{9}};

/* The list ---------------------------------------------------------------------------------- */

static enum status bed_find(struct refusal_list *list, const struct refusal_page_request *request,
                            struct arena *arena, struct refusal_page *out_page, struct error *err)
{
    struct bed *bed = CONTAINER_OF(list, struct bed, list);
    (void)arena;
    (void)err;
    size_t count = bed->count < request->limit ? bed->count : request->limit;
    *out_page = (struct refusal_page){bed->entries, count, count < bed->count};
    return STATUS_OK;
}

static size_t find_entry(const struct bed *bed, struct str id)
{
    size_t at = 0;
    while (at < bed->count && !str_equal(bed->entries[at].id, id)) {
        at++;
    }
    return at;
}

static enum status bed_get(struct refusal_list *list, struct str id, struct arena *arena,
                           struct refusal_entry *out_entry, struct error *err)
{
    struct bed *bed = CONTAINER_OF(list, struct bed, list);
    (void)arena;
    size_t at = find_entry(bed, id);
    if (at == bed->count) {
        return error_set(err, STATUS_NOT_FOUND, 0, "there is none");
    }
    *out_entry = bed->entries[at];
    return STATUS_OK;
}

/* Nothing may leave before the log has said that it is durable. */
static enum status bed_remove(struct refusal_list *list, struct str id, struct error *err)
{
    struct bed *bed = CONTAINER_OF(list, struct bed, list);
    assert_true(bed->appends > 0 && bed->result == STATUS_OK && bed->answer == ANSWERS_AT_ONCE);
    size_t at = find_entry(bed, id);
    assert_true(at < bed->count);
    if (bed->remove_answer != STATUS_OK) {
        return error_set(err, bed->remove_answer, 0, "the list is down");
    }
    bed->entries[at].id = STR("(gone)"); /* the page that is being sent stays as it is */
    return STATUS_OK;
}

static const struct refusal_list_operations list_operations = {
    .find = bed_find, .get = bed_get, .remove = bed_remove};

/* The log ----------------------------------------------------------------------------------- */

static void tell(struct bed *bed, struct append_ticket ticket)
{
    const struct append_result result = {
        .ticket = ticket, .status = bed->result, .durability = DURABILITY_REPLICATED, .count = 1};
    bed->listener->completed(bed->listener, &result, 1);
}

static enum status bed_append(struct event_log *log, const struct activity *activities,
                              size_t count, struct append_listener *listener,
                              struct append_ticket ticket)
{
    struct bed *bed = CONTAINER_OF(log, struct bed, log);
    bed->appends++;
    if (bed->append_answer != STATUS_OK || count > bed->append_max) {
        return count > bed->append_max ? STATUS_TOO_LARGE : bed->append_answer;
    }
    for (size_t i = 0; i < count; i++) {
        bed->appended[bed->appended_count++] = activities[i];
    }
    bed->listener = listener;
    if (bed->answer == ANSWERS_LATE) {
        bed->ticket = ticket;
    } else if (bed->answer == ANSWERS_AT_ONCE) {
        tell(bed, ticket);
    }
    return STATUS_OK;
}

static void bed_describe(struct event_log *log, struct event_log_state *out_state)
{
    (void)log;
    *out_state = (struct event_log_state){.kind = "double", .log_id = log_id};
}

static const struct event_log_operations log_operations = {.append = bed_append,
                                                           .describe = bed_describe};

/* The bed ----------------------------------------------------------------------------------- */

static int setup(void **state)
{
    static struct bed bed;
    bed = (struct bed){.list.operations = &list_operations,
                       .log.operations = &log_operations,
                       .append_max = APPENDED_MAX};
    arena_init(&bed.arena, 16 << 20);
    record_activities_init(&bed.recorder, &bed.log, &clock_system, &random_system);
    bed.lister = (struct list_refusals){.list = &bed.list, .page_bytes_max = 1 << 20};
    const struct resend_refusals_config config = {.lister = &bed.lister,
                                                  .log = &bed.log,
                                                  .recorder = &bed.recorder,
                                                  .clock = &clock_system,
                                                  .topic = "topic",
                                                  .wait_ms = 20};
    *state = &bed;
    return resend_refusals_init(&bed.resender, &config, NULL) == STATUS_OK ? 0 : -1;
}

static int teardown(void **state)
{
    struct bed *bed = *state;
    resend_refusals_deinit(&bed->resender);
    minute_counts_deinit(&bed->recorder.minutes);
    arena_deinit(&bed->arena);
    return 0;
}

static void list(struct bed *bed, const char *id, const char *raw)
{
    bed->entries[bed->count] =
        (struct refusal_entry){.id = str_from(id),
                               .log_id = log_id,
                               .refusal = {.position = {3, 100 + (int64_t)bed->count},
                                           .raw = raw == NULL ? (struct str){0} : str_from(raw),
                                           .reason = STR("no activity"),
                                           .logged_at_ms = LOGGED_MS},
                               .refused_at_ms = 1000 - (int64_t)bed->count};
    bed->count++;
}

static enum status send_one(struct bed *bed, const char *id)
{
    bed->err = (struct error){0};
    return resend_refusals_one(&bed->resender, str_from(id), &bed->arena, &bed->outcome, &bed->err);
}

static enum status send_page(struct bed *bed, size_t limit)
{
    const struct list_refusals_question question = {.limit = limit};
    bed->err = (struct error){0};
    bed->outcome = (struct resend_outcome){0};
    buffer_init(&bed->outcome.answer.next_cursor, 1024);
    enum status status =
        resend_refusals_page(&bed->resender, &question, &bed->arena, &bed->outcome, &bed->err);
    buffer_deinit(&bed->outcome.answer.next_cursor);
    return status;
}

static bool is_listed(const struct bed *bed, const char *id)
{
    return find_entry(bed, str_from(id)) < bed->count;
}

static void assert_id(const struct bed *bed, size_t at, const char *id)
{
    assert_true(at < bed->appended_count);
    assert_true(str_equal(bed->appended[at].id, str_from(id)));
}

#define GOOD(id) "{\"id\":\"" id "\",\"userId\":\"u\",\"action\":\"a\"}"

/* Tests ------------------------------------------------------------------------------------- */

static void one_is_sent_and_leaves_the_list(void **state)
{
    struct bed *bed = *state;
    list(bed, "first", GOOD("own-1"));
    list(bed, "second", GOOD("own-2"));
    assert_int_equal(send_one(bed, "second"), STATUS_OK);
    assert_id(bed, 0, "own-2");
    assert_int_equal(bed->appended[0].received_at_ms, LOGGED_MS);
    assert_true(str_equal(bed->outcome.activity_id, STR("own-2")));
    assert_int_equal(bed->outcome.durability, DURABILITY_REPLICATED);
    assert_true(is_listed(bed, "first") && !is_listed(bed, "second"));
    assert_int_equal(atomic_load(&bed->recorder.counters.resent), 1);
    assert_int_equal(atomic_load(&bed->recorder.counters.received), 0);
}

/* The same id each time, by the place in the log: what is sent twice is stored once. */
static void an_id_stays_what_it_was(void **state)
{
    struct bed *bed = *state;
    list(bed, "foreign", "{\"userId\":\"u\",\"action\":\"a\"}");
    list(bed, "elsewhere", "{\"userId\":\"u\",\"action\":\"a\"}");
    bed->entries[1].log_id = (struct uuid){{5}};
    bed->remove_answer = STATUS_UNAVAILABLE;
    for (size_t turn = 0; turn < 2; turn++) {
        assert_int_equal(send_one(bed, "foreign"), STATUS_UNAVAILABLE);
        assert_non_null(strstr(bed->err.message, "still listed"));
        assert_id(bed, turn, "topic-3-100-1700000000");
    }
    assert_true(is_listed(bed, "foreign"));
    assert_int_equal(send_one(bed, "elsewhere"), STATUS_UNAVAILABLE);
    assert_id(bed, 2, "05000000-0000-0000-0000-000000000000-3-101-1700000000");
    assert_int_equal(atomic_load(&bed->recorder.counters.resent), 0);
}

static void what_cannot_be_sent_stays_and_says_why(void **state)
{
    struct bed *bed = *state;
    static const char *const wrong[][2] = {
        {"{\"userId\":\"u\"}", "action"},
        {"not JSON", "JSON"},
        {"", "nothing to send"},
        {NULL, "nothing to send"},
        {"{\"userId\":1,\"action\":\"a\"}", "userId"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        bed->count = 0;
        list(bed, "wrong", wrong[i][0]);
        assert_int_equal(send_one(bed, "wrong"), STATUS_INVALID);
        assert_non_null(strstr(bed->err.message, wrong[i][1]));
        assert_true(is_listed(bed, "wrong"));
    }
    assert_int_equal(bed->appends, 0);
    assert_int_equal(send_one(bed, "unknown"), STATUS_NOT_FOUND);
}

/* The oldest first; one that is wrong does not keep the others back. */
static void a_page_is_sent_as_it_came(void **state)
{
    struct bed *bed = *state;
    list(bed, "e4", GOOD("own-4"));
    list(bed, "e3", "{}");
    list(bed, "e2", GOOD("own-2"));
    list(bed, "e1", GOOD("own-1"));
    list(bed, "e0", GOOD("own-0"));
    assert_int_equal(send_page(bed, 4), STATUS_OK);
    assert_int_equal(bed->appends, 1);
    assert_int_equal(bed->appended_count, 3);
    assert_id(bed, 0, "own-1");
    assert_id(bed, 1, "own-2");
    assert_id(bed, 2, "own-4");
    assert_int_equal(bed->outcome.resent, 3);
    assert_int_equal(bed->outcome.kept_count, 1);
    assert_true(str_equal(bed->outcome.kept[0].id, STR("e3")));
    assert_true(is_listed(bed, "e3") && is_listed(bed, "e0"));
    assert_false(is_listed(bed, "e1") || is_listed(bed, "e2") || is_listed(bed, "e4"));
}

static void an_empty_list_sends_nothing(void **state)
{
    struct bed *bed = *state;
    assert_int_equal(send_page(bed, 10), STATUS_OK);
    assert_int_equal(bed->outcome.resent + bed->outcome.kept_count + bed->appends, 0);
}

/* More than the log takes at once goes in pieces; one that is too large alone stays. */
static void a_log_that_takes_less_gets_less(void **state)
{
    struct bed *bed = *state;
    for (size_t i = 0; i < 5; i++) {
        static const char *const ids[] = {"a", "b", "c", "d", "e"};
        list(bed, ids[i], GOOD("own"));
    }
    bed->append_max = 2;
    assert_int_equal(send_page(bed, 10), STATUS_OK);
    assert_int_equal(bed->appended_count, 5);
    assert_int_equal(bed->outcome.resent, 5);
    bed->count = 0;
    list(bed, "large", GOOD("own"));
    bed->append_max = 0;
    assert_int_equal(send_one(bed, "large"), STATUS_INVALID);
    assert_non_null(strstr(bed->err.message, "larger than"));
    assert_true(is_listed(bed, "large"));
}

static void a_log_that_fails_leaves_all_in_the_list(void **state)
{
    struct bed *bed = *state;
    static const enum status failures[] = {STATUS_BUSY, STATUS_NO_SPACE, STATUS_UNAVAILABLE,
                                           STATUS_NO_MEMORY};
    list(bed, "e", GOOD("own"));
    for (size_t i = 0; i < ARRAY_LENGTH(failures); i++) {
        bed->append_answer = failures[i];
        assert_int_equal(send_one(bed, "e"), failures[i]);
        assert_true(strlen(bed->err.message) > 10 && is_listed(bed, "e"));
    }
    bed->append_answer = STATUS_OK;
    bed->result = STATUS_NO_SPACE;
    assert_int_equal(send_page(bed, 5), STATUS_NO_SPACE);
    assert_true(is_listed(bed, "e"));
}

/* Nobody waits for ever, and an answer that comes late is not taken for that of the next one. */
static void a_log_that_says_nothing_is_given_up(void **state)
{
    struct bed *bed = *state;
    list(bed, "e", GOOD("own"));
    bed->answer = ANSWERS_LATE;
    assert_int_equal(send_one(bed, "e"), STATUS_TIMED_OUT);
    assert_non_null(strstr(bed->err.message, "stored once"));
    struct append_ticket late = bed->ticket;
    bed->answer = ANSWERS_NEVER;
    tell(bed, late);
    assert_int_equal(send_one(bed, "e"), STATUS_TIMED_OUT);
    assert_true(is_listed(bed, "e"));
    bed->answer = ANSWERS_AT_ONCE;
    tell(bed, late);
    assert_int_equal(send_one(bed, "e"), STATUS_OK);
    assert_false(is_listed(bed, "e"));
}

static void one_at_a_time(void **state)
{
    struct bed *bed = *state;
    list(bed, "e", GOOD("own"));
    pthread_mutex_lock(&bed->resender.in_use);
    assert_int_equal(send_one(bed, "e"), STATUS_BUSY);
    assert_int_equal(send_page(bed, 5), STATUS_BUSY);
    pthread_mutex_unlock(&bed->resender.in_use);
    assert_int_equal(send_page(bed, 5), STATUS_OK);
    assert_int_equal(bed->appends, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_is_sent_and_leaves_the_list),
        TEST(an_id_stays_what_it_was),
        TEST(what_cannot_be_sent_stays_and_says_why),
        TEST(a_page_is_sent_as_it_came),
        TEST(an_empty_list_sends_nothing),
        TEST(a_log_that_takes_less_gets_less),
        TEST(a_log_that_fails_leaves_all_in_the_list),
        TEST(a_log_that_says_nothing_is_given_up),
        TEST(one_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
