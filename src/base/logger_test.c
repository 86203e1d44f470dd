/* Guards that a line stays one line and, in JSON, one object, whatever is logged: input must not
 * forge lines. */
#include "base/logger.h"
#include "base/macros.h"
#include "base/utf8.h"
#include "base/visible_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>
static uint64_t fixed_ns(void *context)
{
    (void)context;
    return UINT64_C(1768435085442000000);
}

static const struct clock fixed_clock = {.wall_ns = fixed_ns, .monotonic_ns = fixed_ns};

struct log {
    struct logger logger;
    char text[16384];
};

static int setup(void **state)
{
    struct log *log = calloc(1, sizeof *log);
    assert_non_null(log);
    log->logger = (struct logger){.clock = &fixed_clock,
                                  .descriptor = memfd_create("log", MFD_CLOEXEC),
                                  .format = LOG_FORMAT_JSON,
                                  .level = LOG_INFO};
    assert_true(log->logger.descriptor >= 0);
    *state = log;
    return 0;
}

static int teardown(void **state)
{
    struct log *log = *state;
    close(log->logger.descriptor);
    free(log);
    return 0;
}

/* What was written since the last call. */
static const char *take_text(struct log *log)
{
    ssize_t len = pread(log->logger.descriptor, log->text, sizeof log->text - 1, 0);
    assert_true(len >= 0 && (size_t)len < sizeof log->text - 1);
    log->text[len] = '\0';
    assert_int_equal(ftruncate(log->logger.descriptor, 0), 0);
    assert_int_equal(lseek(log->logger.descriptor, 0, SEEK_SET), 0);
    return log->text;
}

static void test_json_line(void **state)
{
    struct log *log = *state;
    log_write(&log->logger, LOG_WARNING, "it \"rolled\"",
              LOG_FIELDS(log_text("user", STR("a\"b\n{}\x01")), log_number("count", -5),
                         log_text("none", (struct str){0})));
    assert_string_equal(take_text(log),
                        "{\"time\":\"2026-01-14T23:58:05.442Z\",\"level\":\"warning\","
                        "\"message\":\"it \\\"rolled\\\"\",\"user\":\"a\\\"b\\n{}\\u0001\","
                        "\"count\":-5,\"none\":\"\"}\n");
}

static void test_text_line(void **state)
{
    struct log *log = *state;
    log->logger.format = LOG_FORMAT_TEXT;
    log_write(&log->logger, LOG_INFO, "ready",
              LOG_FIELDS(log_text("address", STR("x\ny")), log_number("threads", 2)));
    assert_string_equal(take_text(log),
                        "2026-01-14T23:58:05.442Z info    ready address=\"x\\ny\" threads=2\n");
}

/* Whatever comes in: one line, UTF-8, and nothing that a terminal acts on, in each format. */
static void test_hostile_input_stays_text(void **state)
{
    struct log *log = *state;
    static const char *const hostile[] = {"a\n2026-01-14T23:58:05.442Z error forged",
                                          "\r\x1b[2K\x1b]0;title\x07",
                                          "\xc2\x9b"
                                          "31m",
                                          "\xff\xfe\x80",
                                          "\xe2\x80\xae"
                                          "gnp.exe",
                                          "\xe2\x80\xa8",
                                          "\"} {\"level\":\"error",
                                          "\\"};
    for (size_t i = 0; i < ARRAY_LENGTH(hostile); i++) {
        for (int format = LOG_FORMAT_TEXT; format <= LOG_FORMAT_JSON; format++) {
            log->logger.format = (enum log_format)format;
            log_write(&log->logger, LOG_INFO, hostile[i],
                      LOG_FIELDS(log_text("value", str_from(hostile[i])), log_number("after", 7)));
            struct str rest = str_from(take_text(log));
            assert_true(rest.len > 0 && rest.data[rest.len - 1] == '\n');
            rest.len--;
            assert_non_null(strstr(log->text, "after"));
            while (rest.len > 0) {
                uint32_t code_point;
                assert_true(utf8_next(&rest, &code_point));
                assert_false(visible_text_is_hidden(code_point));
            }
        }
    }
}

static void test_quotes_do_not_end_a_value(void **state)
{
    struct log *log = *state;
    log_write(&log->logger, LOG_INFO, "m", LOG_FIELDS(log_text("a", STR("\xc3\xbc\" b=\"1\\"))));
    assert_non_null(strstr(take_text(log), "\"a\":\"\xc3\xbc\\\" b=\\\"1\\\\\"}\n"));
}

static void test_colours_of_a_terminal(void **state)
{
    struct log *log = *state;
    log->logger.format = LOG_FORMAT_TEXT;
    log->logger.colours = true;
    log_write(&log->logger, LOG_ERROR, "bad", LOG_FIELDS(log_number("n", 1)));
    assert_string_equal(take_text(log),
                        "\x1b[2m2026-01-14T23:58:05.442Z\x1b[0m \x1b[1;31merror  \x1b[0m bad "
                        "\x1b[2mn=\x1b[0m1\n");
}

static void test_the_level_can_change(void **state)
{
    struct log *log = *state;
    assert_false(log_is_on(&log->logger, LOG_DEBUG));
    logger_set_level(&log->logger, LOG_DEBUG);
    assert_true(log_is_on(&log->logger, LOG_DEBUG));
    log_write(&log->logger, LOG_DEBUG, "shown", LOG_NO_FIELDS);
    assert_non_null(strstr(take_text(log), "shown"));
    logger_set_level(&log->logger, LOG_ERROR);
    log_write(&log->logger, LOG_WARNING, "hidden", LOG_NO_FIELDS);
    assert_string_equal(take_text(log), "");
}

static void test_levels_below_are_dropped(void **state)
{
    struct log *log = *state;
    log_write(&log->logger, LOG_DEBUG, "hidden", LOG_NO_FIELDS);
    assert_string_equal(take_text(log), "");
    log_write(&log->logger, LOG_INFO, "shown", LOG_NO_FIELDS);
    assert_non_null(strstr(take_text(log), "shown"));
}

static void test_error_line(void **state)
{
    struct log *log = *state;
    struct error err;
    assert_int_equal(error_set(&err, STATUS_NO_SPACE, 28, "the disk is full"), STATUS_NO_SPACE);
    log_error(&log->logger, "cannot append", &err);
    assert_non_null(strstr(
        take_text(log), "\"level\":\"error\",\"message\":\"cannot append\",\"reason\":\"the disk "
                        "is full\",\"status\":\"no-space\",\"errno\":28}\n"));
}

/* One line, at most the maximum, well-formed; in JSON the brackets and quotes close. */
static void assert_line_is_whole(const char *text, bool json)
{
    size_t len = strlen(text);
    size_t code_points;
    bool inside = false;
    assert_true(len >= 2 && len <= LOG_LINE_BYTES_MAX);
    assert_ptr_equal(strchr(text, '\n'), text + len - 1);
    assert_true(utf8_count((struct str){.data = text, .len = len}, &code_points));
    for (size_t i = 0; i + 1 < len; i++) {
        if (inside && text[i] == '\\') {
            i++;
        } else if (text[i] == '"') {
            inside = !inside;
        }
    }
    assert_false(inside);
    assert_true(!json || (text[0] == '{' && text[len - 2] == '}'));
}

/* A value of any length, of characters that grow when escaped, next to one that fits. */
static void test_long_lines_are_cut_whole(void **state)
{
    struct log *log = *state;
    static char value[6000];
    static const char *const kinds[] = {"x", "\"", "\x01", "\xc3\xa4"};
    for (size_t kind = 0; kind < 4; kind++) {
        size_t size = strlen(kinds[kind]);
        for (size_t i = 0; i + size <= sizeof value; i += size) {
            memcpy(value + i, kinds[kind], size);
        }
        for (size_t len = 0; len <= sizeof value; len += len < 600 || len > 3900 ? 6 : 60) {
            for (int format = LOG_FORMAT_TEXT; format <= LOG_FORMAT_JSON; format++) {
                log->logger.format = (enum log_format)format;
                log_write(&log->logger, LOG_INFO, "message",
                          LOG_FIELDS(log_text("value", (struct str){.data = value, .len = len}),
                                     log_number("after", 7)));
                const char *text = take_text(log);
                assert_line_is_whole(text, format == LOG_FORMAT_JSON);
                assert_true(len > 3000 || kind == 2 || strstr(text, "after") != NULL);
            }
        }
    }
}

static void test_long_messages_are_cut_whole(void **state)
{
    struct log *log = *state;
    static char message[6001];
    memset(message, 'm', sizeof message - 1);
    for (int format = LOG_FORMAT_TEXT; format <= LOG_FORMAT_JSON; format++) {
        log->logger.format = (enum log_format)format;
        log_write(&log->logger, LOG_INFO, message, LOG_FIELDS(log_number("after", 7)));
        const char *text = take_text(log);
        assert_line_is_whole(text, format == LOG_FORMAT_JSON);
        assert_non_null(strstr(text, "after"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_json_line, setup, teardown),
        cmocka_unit_test_setup_teardown(test_text_line, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hostile_input_stays_text, setup, teardown),
        cmocka_unit_test_setup_teardown(test_quotes_do_not_end_a_value, setup, teardown),
        cmocka_unit_test_setup_teardown(test_colours_of_a_terminal, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_level_can_change, setup, teardown),
        cmocka_unit_test_setup_teardown(test_levels_below_are_dropped, setup, teardown),
        cmocka_unit_test_setup_teardown(test_error_line, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_lines_are_cut_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_messages_are_cut_whole, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
