/*
 * Fails each allocation in turn while a client follows activities, or exports them. He gets what he
 * asked for and nothing else, hears of gaps, or sees that the answer is cut off; and the service
 * goes on.
 */
#include "base/assert.h"
#include "base/failing_memory.h"
#include "memory_client.h"
#include "memory_service.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum {
    FOLLOWED = 60,
    EXPORTED = 2500, /* more than one page */
    APPEND_MAX = 500,
    USERS = 2,
    ALLOCATIONS_MAX = 20000,
    PATIENCE_MS = 20 * 1000,
    TEXT_BYTES = 48
};

static struct memory_service service;
static atomic_size_t appended; /* batches that are durable */
static bool told[EXPORTED];

/* --- activities --- */

static void count_appended(struct append_listener *listener, const struct append_result *results,
                           size_t count)
{
    (void)listener;
    for (size_t i = 0; i < count; i++) {
        ASSERT(results[i].status == STATUS_OK);
    }
    atomic_fetch_add(&appended, count);
}

static struct append_listener listener = {.completed = count_appended};

static void append_once(size_t first, size_t count)
{
    static char texts[2][APPEND_MAX][TEXT_BYTES];
    static struct activity rows[APPEND_MAX];
    for (size_t i = 0; i < count; i++) {
        snprintf(texts[0][i], TEXT_BYTES, "id-%zu", first + i);
        snprintf(texts[1][i], TEXT_BYTES, "{\"n\":%zu}", first + i);
        rows[i] = (struct activity){
            .id = str_from(texts[0][i]),
            .user_id = (first + i) % USERS == 0 ? STR("even") : STR("odd"),
            .action = STR("a"),
            .metadata = str_from(texts[1][i]),
            .timestamp_ms = (int64_t)(first + i),
        };
    }
    assert_int_equal(
        event_log_append(service.log, rows, count, &listener, (struct append_ticket){0}),
        STATUS_OK);
}

static void append(size_t count)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    size_t batches = 0;
    atomic_store(&appended, 0);
    for (size_t first = 0; first < count; first += APPEND_MAX) {
        append_once(first, count - first < APPEND_MAX ? count - first : APPEND_MAX);
        batches++;
    }
    for (int i = 0; i < PATIENCE_MS && atomic_load(&appended) < batches; i++) {
        nanosleep(&pause, NULL);
    }
    assert_int_equal(atomic_load(&appended), batches);
}

/* Reads the numbers of all activities in the answer, each of which may come once. */
static size_t read_numbers(const struct client_answer *answer)
{
    static const char name[] = "{\"n\":";
    const char *at = answer->body.data;
    size_t count = 0;
    memset(told, 0, sizeof told);
    while ((at = strstr(at, name)) != NULL) {
        size_t number = strtoul(at + sizeof name - 1, NULL, 10);
        assert_in_range(number, 0, EXPORTED - 1);
        assert_false(told[number]);
        told[number] = true;
        count++;
        at++;
    }
    return count;
}

/* --- following --- */

/* From the log's beginning on, what the user "odd" did. */
static struct str make_follow(void)
{
    static char text[512];
    struct event_log_state log;
    struct buffer id;
    struct position begin = {0};
    const struct position_set places = {.items = &begin, .count = 1, .capacity = 1};
    event_log_describe(service.log, &log);
    buffer_init(&id, sizeof text / 2);
    live_tail_append_id(log.log_id, &places, &id);
    int len = snprintf(text, sizeof text,
                       "GET /api/v1/activities/stream?userId=odd HTTP/1.1\r\nHost: here\r\n"
                       "Last-Event-ID: %.*s\r\n\r\n",
                       STR_FORMAT(buffer_str(&id)));
    buffer_deinit(&id);
    return (struct str){text, (size_t)len};
}

static bool has_word(struct str text, const char *word)
{
    return memmem(text.data, text.len, word, strlen(word)) != NULL;
}

/* A problem keeps its connection open, so this leaves behind its end. */
static bool has_heard_all(struct str answer)
{
    static const char head[] = "HTTP/1.1 200";
    return has_word(answer, "{\"n\":59}") || has_word(answer, "event: gap") ||
           (answer.len > sizeof head && memcmp(answer.data, head, sizeof head - 1) != 0 &&
            has_word(answer, "\r\n\r\n"));
}

static void check_followed(const struct client_answer *answer)
{
    size_t count = read_numbers(answer);
    for (size_t number = 0; number < FOLLOWED; number += USERS) {
        assert_false(told[number]); /* nobody asked for these */
    }
    if (told[FOLLOWED - 1] && strstr(answer->body.data, "event: gap") == NULL) {
        assert_int_equal(count, FOLLOWED / USERS);
    }
}

static bool try_to_follow(unsigned long allocations)
{
    memory_service_start(&service);
    append(FOLLOWED);
    struct str request = make_follow();
    failing_memory_arm(allocations);
    struct client_answer answer = client_ask_until(service.port, request, has_heard_all);
    bool failed = failing_memory_disarm();
    assert_true(answer.status == 200 || (failed && (answer.status == 503 || answer.status == 0)));
    if (answer.status == 200) {
        check_followed(&answer);
    }
    answer = client_ask_until(service.port, request, has_heard_all);
    assert_int_equal(answer.status, 200);
    assert_int_equal(read_numbers(&answer), FOLLOWED / USERS);
    memory_service_stop(&service);
    return failed;
}

static void followers_hear_what_they_asked_for(void **state)
{
    (void)state;
    unsigned long allocations = 0;
    while (try_to_follow(allocations)) {
        assert_true(++allocations < ALLOCATIONS_MAX);
    }
    assert_true(allocations > 30);
}

/* --- exports --- */

static bool try_to_export(struct str request, size_t expected, unsigned long allocations)
{
    failing_memory_arm(allocations);
    struct client_answer answer = client_ask(service.port, false, request);
    bool failed = failing_memory_disarm();
    assert_true(answer.status == 200 || (failed && (answer.status == 503 || answer.status == 0)));
    if (answer.status == 200 && answer.complete) {
        assert_int_equal(read_numbers(&answer), expected);
    }
    assert_true(failed || answer.complete);
    answer = client_ask(service.port, false, request);
    assert_int_equal(answer.status, 200);
    assert_true(answer.complete);
    assert_int_equal(read_numbers(&answer), expected);
    return failed;
}

static void export_without_memory(struct str request, size_t expected)
{
    unsigned long allocations = 0;
    bool failed = true;
    while (failed) {
        memory_service_start(&service);
        append(EXPORTED);
        assert_int_equal(memory_service_work(&service, NULL), EXPORTED);
        failed = try_to_export(request, expected, allocations);
        allocations += allocations < 200 ? 1 : 7;
        memory_service_stop(&service);
        assert_true(allocations < ALLOCATIONS_MAX);
    }
    assert_true(allocations > 20);
}

static void exports_have_all_or_no_end(void **state)
{
    (void)state;
    export_without_memory(STR("GET /api/v1/activities/export HTTP/1.1\r\nHost: here\r\n"
                              "Connection: close\r\n\r\n"),
                          EXPORTED);
    export_without_memory(STR("GET /api/v1/activities/export?userId=odd HTTP/1.1\r\nHost: here\r\n"
                              "Connection: close\r\n\r\n"),
                          EXPORTED / USERS);
}

static int set_up(void **state)
{
    (void)state;
    client_init(false);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(followers_hear_what_they_asked_for),
        cmocka_unit_test(exports_have_all_or_no_end),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
