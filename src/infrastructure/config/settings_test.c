/*
 * Guards where settings come from: defaults, file, environment and flags, in this order of weight;
 * what is unknown is refused or warned about; and the reference names every setting.
 */
#include "base/str.h"
#include "infrastructure/config/settings.h"
#include "infrastructure/config/settings_table.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { WORDS_MAX = 20 };

struct reading {
    struct settings settings;
    struct error err;
    char *warnings;
    size_t warnings_len;
    enum status status;
};

/* `arguments` and `environment` end with NULL. */
static void read_from(struct reading *reading, const char *const *arguments,
                      const char *const *environment)
{
    char *words[WORDS_MAX];
    char *variables[WORDS_MAX + 1] = {NULL};
    int count = 0;
    for (; arguments[count] != NULL; count++) {
        assert_true(count < WORDS_MAX);
        words[count] = (char *)(uintptr_t)arguments[count];
    }
    for (int i = 0; environment[i] != NULL; i++) {
        assert_true(i < WORDS_MAX);
        variables[i] = (char *)(uintptr_t)environment[i];
    }
    struct settings_sources sources = {count, words, variables};
    memset(reading, 0, sizeof *reading);
    reading->settings.threads = 12345;
    FILE *warnings = open_memstream(&reading->warnings, &reading->warnings_len);
    assert_non_null(warnings);
    reading->status = settings_read(&sources, &reading->settings, warnings, &reading->err);
    fclose(warnings);
    if (reading->status != STATUS_OK) {
        assert_int_equal(reading->status, STATUS_INVALID);
        assert_int_equal(reading->err.status, STATUS_INVALID);
        assert_int_equal(reading->settings.threads, 12345); /* untouched */
    }
}

static void forget(struct reading *reading)
{
    if (reading->status == STATUS_OK) {
        settings_deinit(&reading->settings);
    }
    free(reading->warnings);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NOTHING    ((const char *const[]){NULL})

static void expect_refused(const char *const *arguments, const char *const *environment,
                           const char *word)
{
    struct reading reading;
    read_from(&reading, arguments, environment);
    assert_int_equal(reading.status, STATUS_INVALID);
    if (strstr(reading.err.message, word) == NULL) {
        fail_msg("\"%s\" does not name %s", reading.err.message, word);
    }
    forget(&reading);
}

/* A file of this content, its name in `path`. */
static void write_file(char path[32], const void *content, size_t len)
{
    snprintf(path, 32, "/tmp/settings_test_XXXXXX");
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, content, len), (ssize_t)len);
    close(descriptor);
}

static void read_file_of(struct reading *reading, struct str content)
{
    char path[32];
    write_file(path, content.data, content.len);
    read_from(reading, WORDS("--config", path), NOTHING);
    unlink(path);
}

static void expect_file_refused(struct str content, const char *word)
{
    struct reading reading;
    read_file_of(&reading, content);
    assert_int_equal(reading.status, STATUS_INVALID);
    if (strstr(reading.err.message, word) == NULL) {
        fail_msg("\"%s\" does not name %s", reading.err.message, word);
    }
    forget(&reading);
}

/* Each source is read again, and then only what may change while a service runs is taken. */
static void some_values_are_taken_again(void **state)
{
    (void)state;
    struct reading running;
    struct reading again;
    read_from(&running, NOTHING, NOTHING);
    read_from(&again,
              WORDS("--log-level", "error", "--limit-key-rate", "1", "--limit-key-burst", "2",
                    "--limit-address-rate", "3", "--limit-address-burst", "4", "--threads", "5",
                    "--keys-file", "other"),
              NOTHING);
    uint64_t threads = running.settings.threads;
    settings_take_again(&running.settings, &again.settings);
    assert_int_equal(running.settings.log_level, again.settings.log_level);
    assert_int_equal(running.settings.limit_key_rate, 1);
    assert_int_equal(running.settings.limit_key_burst, 2);
    assert_int_equal(running.settings.limit_address_rate, 3);
    assert_int_equal(running.settings.limit_address_burst, 4);
    assert_int_equal(running.settings.threads, threads);
    assert_string_equal(running.settings.keys_file, "");
    forget(&running);
    forget(&again);
}

static void starts_with_the_defaults(void **state)
{
    (void)state;
    struct reading reading;
    read_from(&reading, NOTHING, NOTHING);
    assert_int_equal(reading.status, STATUS_OK);
    const struct settings *settings = &reading.settings;
    assert_string_equal(settings->listen.host, "127.0.0.1");
    assert_int_equal(settings->listen.port, 3000);
    assert_true(settings->listen.loopback);
    assert_string_equal(settings->data_dir, "./data");
    assert_int_equal(settings->role, ROLE_ALL);
    assert_int_equal(settings->event_log, EVENT_LOG_LOCAL);
    assert_int_equal(settings->connections, 10000);
    assert_int_equal(settings->user_id_length, 256);
    assert_int_equal(settings->metadata_bytes, 65536);
    assert_int_equal(settings->metadata_depth, 32);
    assert_int_equal(settings->activity_bytes, 131072);
    assert_int_equal(settings->batch_bytes, 16 << 20);
    assert_int_equal(settings->batch_activities, 10000);
    assert_int_equal(settings->timestamp_ahead_ms, 24 * 3600 * 1000);
    assert_int_equal(settings->retention_days, 0);
    assert_int_equal(settings->retention_bytes, 0);
    assert_int_equal(settings->refused_bytes, 256 << 20);
    assert_string_equal(settings->checkpoint_key_file, "");
    assert_string_equal(settings->checkpoint_name, "usertrail");
    assert_false(settings->allow_anonymous);
    assert_int_equal(reading.warnings_len, 0);
    forget(&reading);
}

static void reads_flags_in_every_form(void **state)
{
    (void)state;
    struct reading reading;
    read_from(&reading,
              WORDS("--threads", "3", "--data-dir=/a=b", "--allow-anonymous", "--trace-ports=false",
                    "--threads=4"),
              NOTHING);
    assert_int_equal(reading.status, STATUS_OK);
    assert_int_equal(reading.settings.threads, 4); /* the last one counts */
    assert_string_equal(reading.settings.data_dir, "/a=b");
    assert_true(reading.settings.allow_anonymous);
    assert_false(reading.settings.trace_ports);
    forget(&reading);
}

static void refuses_flags_by_name(void **state)
{
    (void)state;
    expect_refused(WORDS("--thread", "3"), NOTHING, "--thread");
    expect_refused(WORDS("--no-such"), NOTHING, "--no-such");
    expect_refused(WORDS("--Threads", "3"), NOTHING, "--Threads");
    expect_refused(WORDS("--=3"), NOTHING, "no flag --");
    expect_refused(WORDS("--"), NOTHING, "\"--\"");
    expect_refused(WORDS("-t", "3"), NOTHING, "\"-t\"");
    expect_refused(WORDS("threads=3"), NOTHING, "\"threads=3\"");
    expect_refused(WORDS("--allow-anonymous", "false"), NOTHING, "\"false\"");
    expect_refused(WORDS("--allow-anonymous", "true"), NOTHING, "write --allow-anonymous or");
    expect_refused(WORDS("--allow-anonymous=true", "true"), NOTHING, "--key value or --key=value");
    expect_refused(WORDS("--threads", "3", "4"), NOTHING, "\"4\" is not understood here; flags");
    expect_refused(WORDS(""), NOTHING, "\"\"");
    expect_refused(WORDS("--threads"), NOTHING, "--threads needs a value");
    expect_refused(WORDS("--config"), NOTHING, "--config needs a value");
    expect_refused(WORDS("--threads", "x"), NOTHING, "--threads: \"x\"");
    expect_refused(WORDS("--threads="), NOTHING, "--threads: \"\"");
    expect_refused(WORDS("--data-dir="), NOTHING, "--data-dir");
}

static void reads_the_environment(void **state)
{
    (void)state;
    struct reading reading;
    read_from(&reading, NOTHING,
              WORDS("PATH=/bin", "USERTRAIL_DATA_DIR=/e=f", "USERTRAIL_ALLOW_ANONYMOUS=true",
                    "USERTRAIL_LOG_SEGMENT_BYTES=1MiB", "USERTRAIL_TEST_KAFKA=x"));
    assert_int_equal(reading.status, STATUS_OK);
    assert_string_equal(reading.settings.data_dir, "/e=f");
    assert_true(reading.settings.allow_anonymous);
    assert_int_equal(reading.settings.log_segment_bytes, 1 << 20);
    assert_int_equal(reading.warnings_len, 0);
    forget(&reading);
    expect_refused(NOTHING, WORDS("USERTRAIL_THREADS=many"), "USERTRAIL_THREADS: \"many\"");
    expect_refused(NOTHING, WORDS("USERTRAIL_THREADS="), "USERTRAIL_THREADS");
}

/* Container platforms inject such; an entry without "=" names nothing, and is possible. */
static void warns_about_unknown_variables(void **state)
{
    (void)state;
    struct reading reading;
    read_from(&reading, NOTHING,
              WORDS("USERTRAIL_PORT=tcp://10.0.0.1:3000", "USERTRAIL_", "USERTRAIL_THREADS",
                    "USERTRAIL_data_dir=x"));
    assert_int_equal(reading.status, STATUS_OK);
    assert_int_equal(reading.settings.threads, 0);
    assert_non_null(strstr(reading.warnings, "USERTRAIL_PORT "));
    assert_non_null(strstr(reading.warnings, "USERTRAIL_data_dir "));
    assert_null(strstr(reading.warnings, "10.0.0.1")); /* a value may be a secret */
    forget(&reading);
}

/* Whoever may set a variable can give it any name, and the warning is read on a terminal or by the
 * line. */
static void names_of_variables_act_on_nobody(void **state)
{
    (void)state;
    struct reading reading;
    static char long_name[20000];
    memset(long_name, 'X', sizeof long_name);
    memcpy(long_name, "USERTRAIL_", 10);
    memcpy(long_name + sizeof long_name - 3, "=x", 3);
    read_from(&reading, NOTHING,
              WORDS("USERTRAIL_A\nusertrail: forged\x1b[2J=x", "USERTRAIL_\xff\"\r=x",
                    "USERTRAIL_\xe2\x80\xae\xc2\x9b=x", long_name));
    assert_int_equal(reading.status, STATUS_OK);
    assert_non_null(
        strstr(reading.warnings, "USERTRAIL_A\\u000ausertrail: forged\\u001b[2J names"));
    assert_non_null(strstr(reading.warnings, "USERTRAIL_\xef\xbf\xbd\"\\u000d names"));
    assert_non_null(strstr(reading.warnings, "USERTRAIL_\\u202e\\u009b names"));
    assert_in_range(reading.warnings_len, 200, 1000);
    size_t lines = 0;
    for (size_t i = 0; i < reading.warnings_len; i++) {
        lines += reading.warnings[i] == '\n';
    }
    assert_int_equal(lines, 4);
    forget(&reading);
}

/* Others read them, too: what is empty is not set, and what is unknown is theirs. */
static void reads_the_variables_of_open_telemetry(void **state)
{
    (void)state;
    struct reading reading;
    read_from(&reading, NOTHING,
              WORDS("OTEL_SERVICE_NAME=shop", "OTEL_METRICS_EXPORTER=x", "OTEL_BSP_SCHEDULE_DELAY=",
                    "USERTRAIL_OTEL_SERVICE_NAME=other", "OTEL_TRACES_SAMPLER=traceidratio"));
    assert_int_equal(reading.status, STATUS_OK);
    assert_string_equal(reading.settings.otel_service_name, "shop");
    assert_int_equal(reading.settings.otel_schedule_delay_ms, 5000);
    assert_int_equal(reading.settings.otel_traces_sampler, SAMPLER_RATIO);
    assert_non_null(strstr(reading.warnings, "USERTRAIL_OTEL_SERVICE_NAME "));
    assert_null(strstr(reading.warnings, "OTEL_METRICS_EXPORTER"));
    forget(&reading);
}

/* Platforms set them for all programs at once: it is kept for whoever makes spans. */
static void keeps_the_first_fault_of_a_foreign_variable(void **state)
{
    (void)state;
    struct reading reading;
    read_from(&reading, NOTHING,
              WORDS("OTEL_EXPORTER_OTLP_PROTOCOL=grpc", "OTEL_BSP_MAX_QUEUE_SIZE=0",
                    "OTEL_SERVICE_NAME=shop"));
    assert_int_equal(reading.status, STATUS_OK);
    assert_string_equal(reading.settings.otel_fault,
                        "OTEL_EXPORTER_OTLP_PROTOCOL: \"grpc\" is none of http/json");
    assert_int_equal(reading.settings.otel_queue_spans, 2048);
    assert_string_equal(reading.settings.otel_service_name, "shop");
    assert_string_equal(reading.warnings, "");
    forget(&reading);
    expect_refused(WORDS("--otel-exporter-otlp-protocol=grpc"), NOTHING,
                   "--otel-exporter-otlp-protocol: \"grpc\" is none of http/json");
    expect_refused(WORDS("--otel-exporter-otlp-compression", "unset"), NOTHING,
                   "--otel-exporter-otlp-compression: \"unset\" is none of none, gzip");
    /* More choices than a message has room for. */
    expect_refused(WORDS("--otel-traces-sampler=all"), NOTHING,
                   "--otel-traces-sampler: \"all\" is not known; usertrail configuration lists");
    static char endpoint[2000] = "OTEL_EXPORTER_OTLP_ENDPOINT=http://";
    memset(endpoint + strlen(endpoint), 'x', sizeof endpoint - strlen(endpoint) - 1);
    expect_refused(NOTHING, WORDS(endpoint), "OTEL_EXPORTER_OTLP_ENDPOINT: needs 1 to 1023 bytes");
}

static void reads_a_file(void **state)
{
    (void)state;
    struct reading reading;
    read_file_of(&reading, STR("# a comment\n\n  threads = 3  \r\ndata-dir=/a b = c\n\t# more\n"
                               "allow-anonymous = true\nlisten = [::1]:80"));
    assert_int_equal(reading.status, STATUS_OK);
    assert_int_equal(reading.settings.threads, 3);
    assert_string_equal(reading.settings.data_dir, "/a b = c");
    assert_true(reading.settings.allow_anonymous);
    assert_int_equal(reading.settings.listen.port, 80);
    forget(&reading);
}

static void refuses_lines_of_a_file_by_number(void **state)
{
    (void)state;
    expect_file_refused(STR("\nthread = 3\n"), ":2: there is no setting \"thread\"");
    expect_file_refused(STR("threads\n"), ":1: a line must read key = value");
    expect_file_refused(STR("= 3\n"), ":1: there is no setting");
    expect_file_refused(STR("config = /etc/x\n"), ":1: there is no setting");
    expect_file_refused(STR("--threads = 3\n"), ":1: there is no setting");
    expect_file_refused(STR("#\n#\nthreads = x\n"), ":3: threads: \"x\"");
    expect_file_refused(STR("threads =\n"), ":1: threads: \"\"");
    expect_file_refused(STR("threads = 3\0listen = 0.0.0.0:80\n"), ":1: ");
    char line[6000];
    memset(line, 'x', sizeof line);
    expect_file_refused((struct str){line, sizeof line}, ":1: the line is longer");
}

static void refuses_a_key_that_stands_in_a_file_twice(void **state)
{
    (void)state;
    expect_file_refused(STR("threads = 3\n\nthreads = 3\n"), ":3: \"threads\" is set a second");
    expect_file_refused(STR("kafka.acks = 1\nthreads = 3\nkafka.acks = all\n"),
                        ":3: \"kafka.acks\" is set a second");
    expect_file_refused(STR("mongodb-uri = mongodb://a/b\nmongodb-uri-file = /dev/null\n"),
                        ":2: \"mongodb-uri-file\" is set a second");
    struct reading reading;
    read_file_of(&reading, STR("kafka.acks = 1\nkafka.linger.ms = 1\nthreads = 3\nqueries = 1\n"));
    assert_int_equal(reading.status, STATUS_OK);
    forget(&reading);
}

/* Although a flag sets what counts: who takes the flag away later must not find that out then. */
static void refuses_a_bad_value_that_is_overridden(void **state)
{
    (void)state;
    static const char content[] = "threads = x\n";
    char path[32];
    write_file(path, content, sizeof content - 1);
    expect_refused(WORDS("--threads", "3", "--config", path), NOTHING, ":1: threads: \"x\"");
    unlink(path);
    expect_refused(WORDS("--threads", "3"), WORDS("USERTRAIL_THREADS=x"), "USERTRAIL_THREADS");
}

static void refuses_a_file_that_cannot_be_read(void **state)
{
    (void)state;
    expect_refused(WORDS("--config", "/no/such/file"), NOTHING, "/no/such/file");
    expect_refused(WORDS("--config=/tmp"), NOTHING, "/tmp");
    expect_refused(NOTHING, WORDS("USERTRAIL_CONFIG=/no/such/other"), "/no/such/other");
    struct reading reading; /* the flag wins, so the variable's file is not even opened */
    read_from(&reading, WORDS("--config", "/dev/null"), WORDS("USERTRAIL_CONFIG=/no/such/other"));
    assert_int_equal(reading.status, STATUS_OK);
    forget(&reading);
}

static void flags_over_environment_over_file_over_defaults(void **state)
{
    (void)state;
    static const char content[] = "threads = 1\nqueries = 1\nconnections = 1\n";
    char path[32];
    char variable[64];
    write_file(path, content, sizeof content - 1);
    snprintf(variable, sizeof variable, "USERTRAIL_CONFIG=%s", path);
    struct reading reading;
    read_from(&reading, WORDS("--threads", "3"),
              WORDS("USERTRAIL_THREADS=2", "USERTRAIL_QUERIES=2", variable));
    unlink(path);
    assert_int_equal(reading.status, STATUS_OK);
    assert_int_equal(reading.settings.threads, 3);
    assert_int_equal(reading.settings.queries, 2);
    assert_int_equal(reading.settings.connections, 1);
    assert_int_equal(reading.settings.user_id_length, 256);
    forget(&reading);
}

static const char *property(const struct reading *reading, const char *name)
{
    const struct settings_properties *properties = &reading->settings.kafka_properties;
    for (size_t i = 0; i < properties->count; i++) {
        if (strcmp(properties->items[i].name, name) == 0) {
            return properties->items[i].value;
        }
    }
    return NULL;
}

/* What begins with "kafka." is a driver's property, and a better source overrides it like all. */
static void hands_on_properties(void **state)
{
    (void)state;
    struct reading reading;
    read_from(&reading, WORDS("--kafka.linger.ms", "7", "--kafka.debug=msg", "--kafka-topic=t"),
              WORDS("USERTRAIL_KAFKA__SECURITY__PROTOCOL=sasl_ssl", "USERTRAIL_KAFKA__LINGER__MS=9",
                    "USERTRAIL_KAFKA__SSL_KEY=k", "USERTRAIL_KAFKA_GROUP=g"));
    assert_int_equal(reading.status, STATUS_OK);
    assert_int_equal(reading.settings.kafka_properties.count, 4);
    assert_string_equal(property(&reading, "linger.ms"), "7");
    assert_string_equal(property(&reading, "debug"), "msg");
    assert_string_equal(property(&reading, "security.protocol"), "sasl_ssl");
    assert_string_equal(property(&reading, "ssl_key"), "k");
    assert_string_equal(reading.settings.kafka_topic, "t");
    assert_string_equal(reading.settings.kafka_group, "g");
    assert_int_equal(reading.warnings_len, 0);
    forget(&reading);
    read_from(&reading, WORDS("--kafka.acks", "1", "--kafka.acks=all"), NOTHING);
    assert_int_equal(reading.settings.kafka_properties.count, 1);
    assert_string_equal(property(&reading, "acks"), "all");
    forget(&reading);
    expect_refused(WORDS("--kafka.", "x"), NOTHING, "kafka.");
    expect_refused(WORDS("--kafka.Acks", "x"), NOTHING, "kafka.Acks");
}

/* Secrets may stand in files of their own, which lose the end of their line. */
static void reads_secrets_from_files(void **state)
{
    (void)state;
    char path[32];
    char variable[96];
    struct reading reading;
    write_file(path, "s3cret\r\n", 8);
    snprintf(variable, sizeof variable, "USERTRAIL_KAFKA__SASL__PASSWORD_FILE=%s", path);
    read_from(&reading, WORDS("--mongodb-uri-file", path, "--kafka.sasl.username-file", path),
              WORDS(variable));
    assert_int_equal(reading.status, STATUS_OK);
    assert_string_equal(property(&reading, "sasl.password"), "s3cret");
    assert_string_equal(property(&reading, "sasl.username"), "s3cret");
    assert_string_equal(reading.settings.mongodb_uri, "s3cret");
    forget(&reading);
    unlink(path);
    expect_refused(WORDS("--mongodb-uri-file", path), NOTHING, "--mongodb-uri-file: the file");
    expect_refused(WORDS("--mongodb-uri-file", "/"), NOTHING, "no ordinary file");
    expect_refused(WORDS("--data-dir-file", path), NOTHING, "data-dir-file"); /* no secret */
    write_file(path, "a\0b", 3);
    expect_refused(WORDS("--mongodb-uri-file", path), NOTHING, "NUL");
    unlink(path);
}

typedef void print_function(FILE *out);

static char *printed(print_function *print)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    print(out);
    fclose(out);
    return text;
}

/* Each line break with the spaces behind it is one space again. */
static void join_lines(char *text)
{
    char *end = text;
    for (const char *at = text; *at != '\0';) {
        bool ends = *at == '\n';
        *end++ = ends ? ' ' : *at;
        at += ends ? 1 + strspn(at + 1, " ") : 1;
    }
    *end = '\0';
}

/* Also: each key is unique, its variable leads back to it, and no two share a field. */
static void the_reference_names_every_setting(void **state)
{
    (void)state;
    char *markdown = printed(settings_print_markdown);
    char *help = printed(settings_print_help);
    char *joined = printed(settings_print_help);
    join_lines(joined);
    for (size_t i = 0; i < settings_table_count; i++) {
        const struct setting *setting = &settings_table[i];
        char text[128];
        bool is_standard = strncmp(setting->key, "otel-", 5) == 0;
        snprintf(text, sizeof text, "| `--%s` | `%s", setting->key,
                 is_standard ? "OTEL_" : "USERTRAIL_");
        assert_non_null(strstr(markdown, text));
        snprintf(text, sizeof text, "\n  --%s ", setting->key);
        assert_non_null(strstr(help, text));
        assert_non_null(strstr(joined, setting->meaning));
        assert_non_null(strstr(markdown, setting->meaning));
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(setting->key, settings_table[j].key);
            assert_int_not_equal(setting->offset, settings_table[j].offset);
        }
    }
    free(markdown);
    free(help);
    free(joined);
}

static void every_default_can_be_given_as_a_variable(void **state)
{
    (void)state;
    for (size_t i = 0; i < settings_table_count; i++) {
        char variable[256];
        bool is_standard = strncmp(settings_table[i].key, "otel-", 5) == 0;
        snprintf(variable, sizeof variable, "%s%s=", is_standard ? "" : "USERTRAIL_",
                 settings_table[i].key);
        for (char *c = variable; *c != '\0'; c++) {
            *c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
        }
        size_t used = strlen(variable);
        snprintf(variable + used, sizeof variable - used, "%s", settings_table[i].default_text);
        struct reading reading;
        read_from(&reading, NOTHING, WORDS(variable));
        assert_int_equal(reading.status, STATUS_OK);
        assert_int_equal(reading.warnings_len, 0);
        forget(&reading);
    }
}

static void there_is_at_least_one_cpu(void **state)
{
    (void)state;
    long online = sysconf(_SC_NPROCESSORS_CONF);
    assert_true(settings_cpu_count() >= 1);
    assert_true(settings_cpu_count() <= (unsigned long)online);
    assert_int_equal(settings_cpu_quota("max 100000"), 0);
    assert_int_equal(settings_cpu_quota("50000 100000"), 1);
    assert_int_equal(settings_cpu_quota("100000 100000"), 1);
    assert_int_equal(settings_cpu_quota("150000 100000"), 2);
    assert_int_equal(settings_cpu_quota("800000 100000"), 8);
    assert_int_equal(settings_cpu_quota("150000"), 0);
    assert_int_equal(settings_cpu_quota("150000 0"), 0);
    assert_int_equal(settings_cpu_quota(""), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(some_values_are_taken_again),
        cmocka_unit_test(starts_with_the_defaults),
        cmocka_unit_test(reads_flags_in_every_form),
        cmocka_unit_test(refuses_flags_by_name),
        cmocka_unit_test(reads_the_environment),
        cmocka_unit_test(warns_about_unknown_variables),
        cmocka_unit_test(names_of_variables_act_on_nobody),
        cmocka_unit_test(reads_the_variables_of_open_telemetry),
        cmocka_unit_test(keeps_the_first_fault_of_a_foreign_variable),
        cmocka_unit_test(reads_a_file),
        cmocka_unit_test(refuses_lines_of_a_file_by_number),
        cmocka_unit_test(refuses_a_key_that_stands_in_a_file_twice),
        cmocka_unit_test(refuses_a_bad_value_that_is_overridden),
        cmocka_unit_test(refuses_a_file_that_cannot_be_read),
        cmocka_unit_test(flags_over_environment_over_file_over_defaults),
        cmocka_unit_test(hands_on_properties),
        cmocka_unit_test(reads_secrets_from_files),
        cmocka_unit_test(the_reference_names_every_setting),
        cmocka_unit_test(every_default_can_be_given_as_a_variable),
        cmocka_unit_test(there_is_at_least_one_cpu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
