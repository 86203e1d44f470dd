/*
 * Fails each allocation in turn while lines of NDJSON are recorded. What a client is told to be
 * recorded is in the log; all lines have a verdict, or he is told from which one to go on; and the
 * service goes on.
 */
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

#include <cmocka.h>

enum {
    LINES = 2500,
    WRONG_EVERY = 7, /* lines 7, 14, ... are rejected */
    VALID = LINES - LINES / WRONG_EVERY,
    LINE_BYTES_MAX = 80,
    ALLOCATIONS_MAX = 5000
};

static struct memory_service service;
static char request_text[LINES * LINE_BYTES_MAX + 1024];
static bool logged[LINES + 1];   /* by number, from 1 on */
static bool accepted[LINES + 1]; /* as the client was told */
static bool rejected[LINES + 1];

static bool is_wrong(size_t line)
{
    return line % WRONG_EVERY == 0;
}

static struct str make_request(const char *accept)
{
    static char lines[LINES * LINE_BYTES_MAX];
    size_t len = 0;
    for (size_t line = 1; line <= LINES; line++) {
        len += (size_t)snprintf(lines + len, sizeof lines - len,
                                is_wrong(line)
                                    ? "{\"userId\":\"u\",\"id\":\"line-%zu\"}\n"
                                    : "{\"userId\":\"u\",\"action\":\"a\",\"id\":\"line-%zu\"}"
                                      "\n",
                                line);
    }
    int all = snprintf(request_text, sizeof request_text,
                       "POST /api/v1/activities HTTP/1.1\r\nHost: here\r\nConnection: close\r\n"
                       "Content-Type: application/x-ndjson\r\nAccept: %s\r\nContent-Length: %zu\r\n"
                       "\r\n%s",
                       accept, len, lines);
    return (struct str){request_text, (size_t)all};
}

static void see_logged(const struct activity *activity)
{
    size_t line = strtoul(activity->id.data + strlen("line-"), NULL, 10);
    assert_in_range(line, 1, LINES);
    assert_false(logged[line]);
    logged[line] = true;
}

/* --- what the client is told --- */

/* The number behind the name, which is a whole member's; 0: it is not there. */
static size_t number_of(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    return at == NULL ? 0 : strtoul(at + strlen(name), NULL, 10);
}

static bool begins_with(const char *text, const char *begin)
{
    return strncmp(text, begin, strlen(begin)) == 0;
}

static void read_verdict(char *verdict)
{
    size_t line = number_of(verdict, "{\"line\":");
    assert_in_range(line, 1, LINES);
    assert_false(accepted[line] || rejected[line]);
    if (strstr(verdict, ",\"error\":") != NULL) {
        rejected[line] = true;
        assert_true(is_wrong(line));
    } else {
        accepted[line] = true;
        assert_int_equal(number_of(verdict, "\"id\":\"line-"), line);
    }
}

/* Reads verdicts, and returns the last line, which is none; NULL: it did not come. */
static char *read_verdicts(char *text)
{
    char *rest = text;
    char *line;
    while ((line = strsep(&rest, "\n")) != NULL && rest != NULL) {
        if (!begins_with(line, "{\"line\":")) {
            return line;
        }
        read_verdict(line);
    }
    return NULL;
}

/* Lines up to here were dealt with, and nothing behind was recorded. */
static void assert_dealt_with_below(size_t end)
{
    for (size_t line = 1; line <= LINES; line++) {
        assert_int_equal(logged[line], line < end && !is_wrong(line));
    }
}

static void check_streamed(const struct client_answer *answer)
{
    char *last = read_verdicts((char *)(uintptr_t)answer->body.data);
    size_t end = 0;
    size_t untold_from = 0; /* and those up to `end` */
    if (last != NULL && begins_with(last, "{\"error\":")) {
        end = number_of(last, ",\"line\":");
        untold_from = number_of(last, "\"detail\":\"the lines ");
        assert_in_range(end, 1, LINES + 1);
    } else if (last != NULL) {
        assert_true(begins_with(last, "{\"status\":\"success\",\"accepted\":"));
        end = LINES + 1;
    }
    for (size_t line = 1; line <= LINES; line++) {
        assert_true(logged[line] || !accepted[line]);
        bool is_untold = untold_from > 0 && line >= untold_from;
        if (line < end && !is_untold && !accepted[line] && !rejected[line]) {
            fail_msg("line %zu has no verdict, but the answer goes on from line %zu", line, end);
        }
    }
    if (end > 0) {
        assert_dealt_with_below(end);
    }
}

static void check_whole(const struct client_answer *answer)
{
    char *text = (char *)(uintptr_t)answer->body.data;
    if (answer->status == 202) {
        assert_true(answer->complete);
        assert_int_equal(number_of(text, "\"accepted\":"), VALID);
        assert_int_equal(number_of(text, "\"rejected\":"), LINES / WRONG_EVERY);
        assert_dealt_with_below(LINES + 1);
        return;
    }
    assert_int_equal(answer->status, 503);
    if (answer->body.len > 0 && strstr(text, ",\"line\":") != NULL) {
        char *sums = strstr(text, ",\"accepted\":");
        size_t end = number_of(
            strstr(text, "],\"line\":") == NULL ? text : strstr(text, "],\"line\":"), "\"line\":");
        assert_non_null(sums);
        assert_dealt_with_below(end);
    }
}

/* --- one try --- */

static void forget(void)
{
    memset(logged, 0, sizeof logged);
    memset(accepted, 0, sizeof accepted);
    memset(rejected, 0, sizeof rejected);
}

static void assert_goes_on(void)
{
    struct str one = STR("POST /api/v1/activities HTTP/1.1\r\nHost: here\r\nConnection: close\r\n"
                         "Content-Type: application/x-ndjson\r\nContent-Length: 28\r\n\r\n"
                         "{\"userId\":\"u\",\"action\":\"a\"}\n");
    struct client_answer answer = client_ask(service.port, false, one);
    assert_int_equal(answer.status, 202);
    assert_true(answer.complete);
}

static bool try_lines(struct str request, unsigned long allocations)
{
    forget();
    memory_service_start(&service);
    failing_memory_arm(allocations);
    struct client_answer answer = client_ask(service.port, false, request);
    bool failed = failing_memory_disarm();
    size_t count = memory_service_work(&service, see_logged);
    if (answer.status == 200) {
        check_streamed(&answer);
    } else if (answer.status != 0) {
        check_whole(&answer);
    }
    if (!failed) {
        assert_in_range(answer.status, 200, 202);
        assert_int_equal(count, VALID);
    }
    assert_goes_on();
    memory_service_stop(&service);
    return failed;
}

static void record_without_memory(const char *accept)
{
    struct str request = make_request(accept);
    unsigned long allocations = 0;
    while (try_lines(request, allocations)) {
        assert_true(++allocations < ALLOCATIONS_MAX);
    }
    assert_true(allocations > 20);
}

static void streamed_verdicts_say_what_is_recorded(void **state)
{
    (void)state;
    record_without_memory("application/x-ndjson");
}

static void a_whole_answer_says_what_is_recorded(void **state)
{
    (void)state;
    record_without_memory("application/json");
}

/* Wherever there is a problem with words, it says from which line to go on. */
static void a_problem_names_the_line(void **state)
{
    (void)state;
    struct str request =
        STR("POST /api/v1/activities HTTP/1.1\r\nHost: here\r\nConnection: close\r\n"
            "Content-Type: application/x-ndjson\r\nContent-Length: 8\r\n\r\n1\n2\n\n3\n\n");
    unsigned long allocations = 0;
    bool failed = true;
    while (failed) {
        memory_service_start(&service);
        failing_memory_arm(allocations++);
        struct client_answer answer = client_ask(service.port, false, request);
        failed = failing_memory_disarm();
        assert_true(failed || answer.status == 400);
        if (answer.status == 400 && answer.body.len > 0) {
            assert_true(answer.complete);
            assert_non_null(strstr(answer.body.data, ",\"line\":6}"));
        }
        assert_goes_on();
        memory_service_stop(&service);
    }
    assert_true(allocations > 20);
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
        cmocka_unit_test(streamed_verdicts_say_what_is_recorded),
        cmocka_unit_test(a_whole_answer_says_what_is_recorded),
        cmocka_unit_test(a_problem_names_the_line),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
