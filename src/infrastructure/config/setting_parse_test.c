/*
 * Guards the values of settings: what each type takes, its limits on both sides, and that a wrong
 * value is told with its source and changes nothing.
 */
#include "base/str.h"
#include "infrastructure/config/settings_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct setting *setting_of(const char *key)
{
    for (size_t i = 0; i < settings_table_count; i++) {
        if (strcmp(settings_table[i].key, key) == 0) {
            return &settings_table[i];
        }
    }
    fail_msg("there is no setting %s", key);
    return NULL;
}

static struct settings settings;

static enum status parse(const char *key, const char *text)
{
    struct error err = {0};
    enum status status = setting_parse(setting_of(key), "the source", text, &settings, &err);
    assert_true(status == STATUS_OK || status == STATUS_INVALID);
    if (status == STATUS_INVALID) {
        assert_int_equal(err.status, STATUS_INVALID);
        assert_non_null(strstr(err.message, "the source"));
    }
    return status;
}

/* Refused, and all settings are as they were. */
static void expect_refused(const char *key, const char *text)
{
    struct settings before = settings;
    assert_int_equal(parse(key, text), STATUS_INVALID);
    assert_memory_equal(&before, &settings, sizeof settings);
}

struct number_case {
    const char *key;
    const char *text;
    uint64_t value;
};

static uint64_t number_of(const char *key)
{
    return *(const uint64_t *)((const char *)&settings + setting_of(key)->offset);
}

static void reads_numbers_with_their_units(void **state)
{
    (void)state;
    static const struct number_case cases[] = {
        {"threads", "0", 0},
        {"threads", "256", 256},
        {"connections", "0010", 10},
        {"log-bytes", "1048576", 1 << 20},
        {"log-bytes", "1024KiB", 1 << 20},
        {"log-bytes", "64MiB", 64 << 20},
        {"log-bytes", "8GiB", UINT64_C(8) << 30},
        {"log-bytes", "1024TiB", UINT64_C(1024) << 40},
        {"store-memory-bytes", "0", 0},
        {"retention-days", "0", 0},
        {"retention-days", "36500", 36500},
        {"retention-bytes", "0", 0},
        {"retention-bytes", "20GiB", UINT64_C(20) << 30},
        {"shutdown-delay", "0ms", 0},
        {"shutdown-delay", "1500ms", 1500},
        {"shutdown-delay", "10s", 10000},
        {"shutdown-delay", "5m", 300000},
        {"shutdown-delay", "1h", 3600000},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        assert_int_equal(parse(cases[i].key, cases[i].text), STATUS_OK);
        assert_int_equal(number_of(cases[i].key), cases[i].value);
    }
}

static void refuses_what_is_no_number(void **state)
{
    (void)state;
    static const char *const numbers[] = {"",     " 1",  "1 ",  "-1",   "+1",
                                          "0x10", "1.5", "one", "1KiB", "18446744073709551616"};
    static const char *const sizes[] = {"",
                                        "KiB",
                                        "1kib",
                                        "1KB",
                                        "1 MiB",
                                        "1B",
                                        "-1MiB",
                                        "1PiB",
                                        "1.5GiB",
                                        "MiB1",
                                        "99999999999999999999TiB",
                                        "18446744073709551615TiB"};
    static const char *const times[] = {"",     "10",  "s",  "1.5s", "1d",
                                        "10 s", "-1s", "1S", "1min", "18446744073709551615h"};
    for (size_t i = 0; i < ARRAY_LENGTH(numbers); i++) {
        expect_refused("threads", numbers[i]);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
        expect_refused("log-bytes", sizes[i]);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(times); i++) {
        expect_refused("drain-timeout", times[i]);
    }
}

static bool has_range(const struct setting *setting)
{
    return setting->type == SETTING_NUMBER || setting->type == SETTING_BYTES ||
           setting->type == SETTING_DURATION;
}

static void expect_bound(const struct setting *setting, uint64_t value, bool fine)
{
    char text[40];
    snprintf(text, sizeof text, "%llu%s", (unsigned long long)value,
             setting->type == SETTING_DURATION ? "ms" : "");
    if (fine) {
        assert_int_equal(parse(setting->key, text), STATUS_OK);
        assert_int_equal(number_of(setting->key), value);
    } else {
        expect_refused(setting->key, text);
    }
}

/* Every setting with a range takes both ends and nothing beyond. */
static void every_range_is_kept(void **state)
{
    (void)state;
    for (size_t i = 0; i < settings_table_count; i++) {
        const struct setting *setting = &settings_table[i];
        if (!has_range(setting)) {
            continue;
        }
        assert_true(setting->min <= setting->max && setting->max < UINT64_MAX);
        expect_bound(setting, setting->min, true);
        expect_bound(setting, setting->max, true);
        expect_bound(setting, setting->max + 1, false);
        if (setting->min > 0) {
            expect_bound(setting, setting->min - 1, false);
        }
    }
}

/* Values that the program narrows must fit where they go. */
static void narrowed_values_fit(void **state)
{
    (void)state;
    static const char *const as_unsigned[] = {
        "threads",        "metadata-depth", "connections",  "queries",       "query-timeout",
        "header-timeout", "body-timeout",   "idle-timeout", "write-timeout", "drain-timeout"};
    for (size_t i = 0; i < ARRAY_LENGTH(as_unsigned); i++) {
        assert_true(setting_of(as_unsigned[i])->max <= UINT32_MAX);
    }
}

struct address_case {
    const char *text;
    const char *host;
    uint16_t port;
    bool loopback;
};

static void reads_addresses(void **state)
{
    (void)state;
    static const struct address_case cases[] = {
        {"127.0.0.1:3000", "127.0.0.1", 3000, true},
        {"127.1.2.3:1", "127.1.2.3", 1, true},
        {"0.0.0.0:0", "0.0.0.0", 0, false},
        {"10.0.0.1:65535", "10.0.0.1", 65535, false},
        {"[::1]:3000", "::1", 3000, true},
        {"[::]:3000", "::", 3000, false},
        {"[2001:db8::1]:80", "2001:db8::1", 80, false},
        {"localhost:8080", "127.0.0.1", 8080, true},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        assert_int_equal(parse("listen", cases[i].text), STATUS_OK);
        assert_string_equal(settings.listen.host, cases[i].host);
        assert_int_equal(settings.listen.port, cases[i].port);
        assert_int_equal(settings.listen.loopback, cases[i].loopback);
    }
}

static void refuses_what_is_no_address(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        ":",
        ":3000",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        "127.0.0.1:http",
        "127.0.0.1: 80",
        " 127.0.0.1:80",
        "256.0.0.1:80",
        "127.1:80",
        "::1:3000",
        "[::1]",
        "[::1]3000",
        "[127.0.0.1]:80",
        "[]:80",
        "[::1:80",
        "example.org:80",
        "localhost",
        "localhost:",
        "localhost:65536",
        "localhost:0000000000003000junk",
        "localhost:localhost:1",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        expect_refused("listen", texts[i]);
    }
}

/* The message repeats what was written, so that it can be found. */
static void an_address_is_named_as_it_was_written(void **state)
{
    (void)state;
    struct error err;
    assert_int_equal(
        setting_parse(setting_of("listen"), "--listen", "localhost:http", &settings, &err),
        STATUS_INVALID);
    assert_non_null(strstr(err.message, "\"localhost:http\""));
}

static void reads_choices_and_switches(void **state)
{
    (void)state;
    assert_int_equal(parse("role", "worker"), STATUS_OK);
    assert_int_equal(settings.role, ROLE_WORKER);
    assert_int_equal(parse("event-log", "memory"), STATUS_OK);
    assert_int_equal(settings.event_log, EVENT_LOG_MEMORY);
    assert_int_equal(parse("store", "mongodb"), STATUS_OK);
    assert_int_equal(settings.store, STORE_MONGODB);
    assert_int_equal(parse("log-format", "json"), STATUS_OK);
    assert_int_equal(settings.log_format, SETTINGS_LOG_JSON);
    assert_int_equal(parse("trace-ports", "true"), STATUS_OK);
    assert_true(settings.trace_ports);
    assert_int_equal(parse("trace-ports", "false"), STATUS_OK);
    assert_false(settings.trace_ports);
    static const char *const wrong[] = {"", "ALL", "all ", "al", "yes", "1"};
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        expect_refused("role", wrong[i]);
        expect_refused("trace-ports", wrong[i]);
    }
}

static void a_wrong_choice_is_told_the_right_ones(void **state)
{
    (void)state;
    for (size_t i = 0; i < settings_table_count; i++) {
        const struct setting *setting = &settings_table[i];
        struct error err;
        if (setting->type != SETTING_CHOICE) {
            continue;
        }
        assert_int_equal(setting_parse(setting, "x", "wrong", &settings, &err), STATUS_INVALID);
        if (strcmp(setting->key, "otel-traces-sampler") == 0) { /* they are longer than a message */
            assert_non_null(strstr(err.message, "usertrail configuration lists what is"));
            continue;
        }
        for (size_t choice = 0; setting->choices[choice] != NULL; choice++) {
            assert_non_null(strstr(err.message, setting->choices[choice]));
        }
    }
}

static void bounds_texts(void **state)
{
    (void)state;
    char text[SETTINGS_TEXT_BYTES + 1];
    memset(text, 'x', sizeof text);
    text[SETTINGS_TEXT_BYTES] = '\0';
    expect_refused("data-dir", text);
    expect_refused("checkpoint-name", text);
    text[SETTINGS_TEXT_BYTES - 1] = '\0';
    assert_int_equal(parse("data-dir", text), STATUS_OK);
    assert_string_equal(settings.data_dir, text);
    expect_refused("data-dir", "");
    expect_refused("checkpoint-name", "");
}

/* An empty path takes back one that a source before gave. */
static void reads_files_that_may_be_none(void **state)
{
    (void)state;
    char text[SETTINGS_TEXT_BYTES + 1];
    memset(text, 'x', sizeof text);
    text[SETTINGS_TEXT_BYTES] = '\0';
    assert_int_equal(parse("checkpoint-key-file", "/etc/key.pem"), STATUS_OK);
    assert_string_equal(settings.checkpoint_key_file, "/etc/key.pem");
    expect_refused("checkpoint-key-file", text);
    assert_int_equal(parse("checkpoint-key-file", ""), STATUS_OK);
    assert_string_equal(settings.checkpoint_key_file, "");
}

/* However long the value: the message stays a message. */
static void a_long_wrong_value_is_cut_in_the_message(void **state)
{
    (void)state;
    char text[4000];
    memset(text, '9', sizeof text);
    text[sizeof text - 1] = '\0';
    static const char *const keys[] = {"listen",  "role",      "trace-ports",
                                       "threads", "log-bytes", "drain-timeout"};
    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
        expect_refused(keys[i], text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_numbers_with_their_units),
        cmocka_unit_test(refuses_what_is_no_number),
        cmocka_unit_test(every_range_is_kept),
        cmocka_unit_test(narrowed_values_fit),
        cmocka_unit_test(reads_addresses),
        cmocka_unit_test(refuses_what_is_no_address),
        cmocka_unit_test(an_address_is_named_as_it_was_written),
        cmocka_unit_test(reads_choices_and_switches),
        cmocka_unit_test(a_wrong_choice_is_told_the_right_ones),
        cmocka_unit_test(bounds_texts),
        cmocka_unit_test(reads_files_that_may_be_none),
        cmocka_unit_test(a_long_wrong_value_is_cut_in_the_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
