/*
 * Guards activities as messages: what was written comes back to the byte, foreign messages are
 * completed from their place, and what is no activity is told in words.
 */
#include "application/activity_message.h"
#include "base/timestamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define LOGGED_MS INT64_C(1768435085442) /* 2026-01-14T23:58:05.442Z */

struct reading {
    struct activity_message_reader reader;
    struct arena arena;
    char *text;
    struct activity activity;
    struct rejection rejection;
    enum status status;
};

static const struct activity_message_place usual_place = {
    .topic = {"user-activities", 15},
    .position = {.partition = 2, .offset = 4711},
    .logged_at_ms = LOGGED_MS,
    .now_ms = INT64_C(253402300799999),
};

static void read_at(struct reading *reading, struct str text,
                    const struct activity_message_place *place)
{
    assert_int_equal(activity_message_reader_init(&reading->reader), STATUS_OK);
    arena_init(&reading->arena, 16 << 20);
    rejection_init(&reading->rejection);
    reading->text = calloc(1, text.len + ACTIVITY_MESSAGE_PADDING_BYTES);
    assert_non_null(reading->text);
    memcpy(reading->text, text.data, text.len);
    const struct activity_message_text message = {reading->text, text.len, &reading->arena};
    reading->status = activity_message_read(&reading->reader, &message, place, &reading->activity,
                                            &reading->rejection);
}

static void read_text(struct reading *reading, struct str text)
{
    read_at(reading, text, &usual_place);
}

static void forget(struct reading *reading)
{
    free(reading->text);
    arena_deinit(&reading->arena);
    activity_message_reader_deinit(&reading->reader);
}

static void expect_str(struct str got, const char *wanted)
{
    assert_int_equal(got.len, strlen(wanted));
    assert_memory_equal(got.data, wanted, got.len);
}

static void writes_the_members_of_an_answer_and_the_time_of_receipt(void **state)
{
    (void)state;
    const struct activity activity = {.id = STR("a-1"),
                                      .user_id = STR("u \"1\""),
                                      .action = STR("CLICK"),
                                      .metadata = STR("{\"n\":1.10}"),
                                      .timestamp_ms = 0,
                                      .received_at_ms = LOGGED_MS};
    struct buffer text;
    buffer_init(&text, 4096);
    activity_message_append(&text, &activity);
    expect_str(buffer_str(&text),
               "{\"id\":\"a-1\",\"userId\":\"u \\\"1\\\"\",\"action\":\"CLICK\","
               "\"timestamp\":\"1970-01-01T00:00:00.000Z\","
               "\"receivedAt\":\"2026-01-14T23:58:05.442Z\",\"metadata\":{\"n\":1.10}}");
    buffer_deinit(&text);
}

/* Within the widest settings: longer texts and later times than the default rules let pass. */
static void what_was_written_comes_back(void **state)
{
    (void)state;
    enum { NAME_BYTES = 1024, FILL_BYTES = 1000000 };
    static char name[NAME_BYTES];
    static char metadata[FILL_BYTES + 9];
    memset(name, '"', sizeof name);
    memset(metadata, 'm', sizeof metadata);
    memcpy(metadata, "{\"fill\":\"", 9);
    memcpy(metadata + sizeof metadata - 2, "\"}", 2);
    const struct activity written = {.id = {"m:._-Z9", 7},
                                     .user_id = {name, sizeof name},
                                     .action = {name, sizeof name},
                                     .metadata = {metadata, sizeof metadata},
                                     .timestamp_ms = TIMESTAMP_MS_MAX,
                                     .received_at_ms = 1};
    struct buffer text;
    buffer_init(&text, ACTIVITY_MESSAGE_BYTES_MAX);
    activity_message_append(&text, &written);
    struct reading r;
    read_text(&r, buffer_str(&text));
    assert_int_equal(r.status, STATUS_OK);
    assert_true(str_equal(r.activity.id, written.id));
    assert_true(activity_same_content(&r.activity, &written, true));
    assert_int_equal(r.activity.received_at_ms, 1);
    assert_false(r.reader.foreign);
    forget(&r);
    buffer_deinit(&text);
}

static void a_foreign_message_is_completed_from_its_place(void **state)
{
    (void)state;
    struct reading r;
    read_text(&r, STR(" { \"action\" : \"a\", \"userId\" : \"u\" } "));
    assert_int_equal(r.status, STATUS_OK);
    expect_str(r.activity.id, "user-activities-2-4711-1768435085442");
    expect_str(r.activity.metadata, "{}");
    assert_int_equal(r.activity.timestamp_ms, LOGGED_MS);
    assert_int_equal(r.activity.received_at_ms, LOGGED_MS);
    assert_true(r.reader.foreign);
    forget(&r);
    read_text(&r, STR("{\"userId\":\"u\",\"action\":\"a\",\"timestamp\":\"9999-01-01T00:00:00Z\","
                      "\"id\":\"mine\"}"));
    assert_int_equal(r.status, STATUS_OK);
    expect_str(r.activity.id, "mine");
    assert_int_equal(r.activity.timestamp_ms, INT64_C(253370764800000));
    assert_int_equal(r.activity.received_at_ms, LOGGED_MS);
    forget(&r);
}

/* A time of receipt that nobody's clock can have would put an activity behind every erasure, and
 * move the border of the next one: it counts as received when the log took it, or now. */
static void a_time_of_receipt_that_cannot_be_does_not_count(void **state)
{
    (void)state;
    static const char far[] =
        "{\"userId\":\"u\",\"action\":\"a\",\"receivedAt\":\"9999-12-31T23:59:59.999Z\"}";
    static const char near[] =
        "{\"userId\":\"u\",\"action\":\"a\",\"receivedAt\":\"2024-01-15T10:30:00.000Z\"}";
    const int64_t now_ms = INT64_C(1705312800000); /* 2024-01-15T10:00:00Z */
    struct activity_message_place place = usual_place;
    struct reading r;
    place.now_ms = now_ms;
    place.logged_at_ms = now_ms - 5;
    read_at(&r, str_from(far), &place);
    assert_int_equal(r.status, STATUS_OK);
    assert_int_equal(r.activity.received_at_ms, now_ms - 5);
    forget(&r);
    read_at(&r, str_from(near), &place); /* another server's clock may be ahead */
    assert_int_equal(r.activity.received_at_ms, now_ms + 30 * 60 * 1000);
    forget(&r);
    place.logged_at_ms = INT64_MAX;
    read_at(&r, str_from(far), &place);
    assert_int_equal(r.activity.received_at_ms, now_ms);
    forget(&r);
}

/* Foreign programs set the time of a record as they like, and names of topics may be long. */
static void an_id_from_any_place_is_an_id(void **state)
{
    (void)state;
    char longest[249];
    memset(longest, 't', sizeof longest);
    struct activity_message_place place = {.topic = {longest, sizeof longest},
                                           .position = {INT32_MAX, INT64_MAX},
                                           .logged_at_ms = INT64_MAX};
    struct reading r;
    read_at(&r, STR("{\"userId\":\"u\",\"action\":\"a\"}"), &place);
    assert_int_equal(r.status, STATUS_OK);
    assert_true(activity_rules_check_id(r.activity.id, &r.rejection));
    assert_int_equal(r.activity.id.len, ACTIVITY_ID_BYTES_MAX);
    assert_int_equal(r.activity.timestamp_ms, TIMESTAMP_MS_MAX);
    char first[ACTIVITY_ID_BYTES_MAX];
    memcpy(first, r.activity.id.data, sizeof first);
    forget(&r);
    longest[248] = 'u'; /* told apart although the cut hides it */
    place.logged_at_ms = INT64_MIN;
    read_at(&r, STR("{\"userId\":\"u\",\"action\":\"a\"}"), &place);
    assert_int_equal(r.status, STATUS_OK);
    assert_true(activity_rules_check_id(r.activity.id, &r.rejection));
    assert_int_equal(r.activity.timestamp_ms, 0);
    assert_memory_not_equal(r.activity.id.data, first, 81);
    forget(&r);
}

struct refused_case {
    const char *text;
    const char *told;
};

static void what_is_no_activity_is_told(void **state)
{
    (void)state;
    static const struct refused_case cases[] = {
        {"", "there is no JSON here"},
        {"hello", "this is not JSON"},
        {"[1]", "an activity must be a JSON object, not array"},
        {"{\"userId\":7,\"action\":\"a\"}", "/userId must be a string, not a number"},
        {"{\"action\":\"a\",\"colour\":1}",
         "/colour is not a member of an activity; put it into metadata; /userId is required"},
        {"{\"userId\":\"u\",\"action\":\"a\",\"receivedAt\":\"soon\"}", "/receivedAt must be an"},
        {"{\"userId\":\"u\",\"action\":\"a\",\"receivedAt\":1}", "/receivedAt must be a string"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct reading r;
        read_text(&r, str_from(cases[i].text));
        assert_int_equal(r.status, STATUS_INVALID);
        struct str told = activity_message_tell(&r.rejection, &r.arena);
        assert_true(str_starts_with(told, str_from(cases[i].told)));
        forget(&r);
    }
}

/* The longest rejection that there can be is told as one sentence. */
static void many_faults_are_told_at_once(void **state)
{
    (void)state;
    struct rejection rejection;
    rejection_init(&rejection);
    char member[REJECTION_POINTER_BYTES];
    memset(member, 'm', sizeof member);
    for (size_t i = 0; i < REJECTION_FAULTS_MAX; i++) {
        rejection_add_member(&rejection, "", (struct str){member, sizeof member}, "%0*d",
                             REJECTION_DETAIL_BYTES * 2, 0);
    }
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct str told = activity_message_tell(&rejection, &arena);
    assert_in_range(told.len, REJECTION_FAULTS_MAX * 300, REJECTION_FAULTS_MAX * 324);
    arena_deinit(&arena);
}

static enum status check_size(struct str text, uint64_t bytes_max)
{
    const struct activity activity = {
        .id = STR("i"), .user_id = text, .action = text, .metadata = STR("{}")};
    return activity_message_check_size(&activity, bytes_max);
}

/* To the byte, whatever the texts become by escaping. */
static void its_size_is_known_before_it_is_sent(void **state)
{
    (void)state;
    static const char controls[100] = {1, 2, 3};
    const struct str texts[] = {STR("user"), {controls, sizeof controls}};
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        const struct activity activity = {
            .id = STR("i"), .user_id = texts[i], .action = texts[i], .metadata = STR("{}")};
        struct buffer message;
        buffer_init(&message, 1 << 20);
        activity_message_append(&message, &activity);
        uint64_t bytes = texts[i].len + message.len;
        buffer_deinit(&message);
        assert_int_equal(check_size(texts[i], bytes), STATUS_OK);
        assert_int_equal(check_size(texts[i], bytes - 1), STATUS_TOO_LARGE);
        for (uint64_t more = 0; more < 2000; more++) {
            assert_int_equal(check_size(texts[i], bytes + more), STATUS_OK);
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_the_members_of_an_answer_and_the_time_of_receipt),
        cmocka_unit_test(what_was_written_comes_back),
        cmocka_unit_test(a_foreign_message_is_completed_from_its_place),
        cmocka_unit_test(a_time_of_receipt_that_cannot_be_does_not_count),
        cmocka_unit_test(an_id_from_any_place_is_an_id),
        cmocka_unit_test(what_is_no_activity_is_told),
        cmocka_unit_test(many_faults_are_told_at_once),
        cmocka_unit_test(its_size_is_known_before_it_is_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
