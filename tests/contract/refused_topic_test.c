/*
 * The topic of what was refused, on a real Kafka: messages arrive as they were with their place,
 * and what the topic does not take arrives cut, so that one message never stops the worker.
 */
#include "event_log_contract_support.h"
#include "infrastructure/event_log_kafka/refused_topic.h"
#include "infrastructure/refusal_list_memory/refusal_list_memory.h"
#include "kafka_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ANSWER_MS = 10000, LARGE_BYTES = 3000000, SMALL_COUNT = 300 };

struct fixture {
    char topic[TOPIC_BYTES];
    struct event_log_kafka_config config;
    struct refusal_list *list;
    rd_kafka_t *producer; /* makes topics */
    rd_kafka_t *consumer;
    rd_kafka_topic_t *consumed;
    char *letters; /* LARGE_BYTES of them, which no compression makes small */
};

static void open_list(struct fixture *fixture)
{
    struct refusal_list *inner = NULL;
    struct error err;
    const struct refusal_list_memory_config memory = {.bytes_max = 1 << 24, .clock = &clock_system};
    assert_int_equal(refusal_list_memory_new(&memory, &inner, &err), STATUS_OK);
    enum status status = refused_topic_new(&fixture->config, inner, &fixture->list, &err);
    if (status != STATUS_OK) {
        fail_msg("%s: %s", status_name(status), err.message);
    }
}

static void open_consumer(struct fixture *fixture)
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    assert_int_equal(
        rd_kafka_conf_set(conf, "bootstrap.servers", kafka_brokers(), text, sizeof text),
        RD_KAFKA_CONF_OK);
    fixture->consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
    assert_non_null(fixture->consumer);
    fixture->consumed = rd_kafka_topic_new(fixture->consumer, fixture->topic, NULL);
    assert_int_equal(rd_kafka_consume_start(fixture->consumed, 0, RD_KAFKA_OFFSET_BEGINNING), 0);
}

/* NULL: the topic takes what the broker's default is. */
static void start(struct fixture *fixture, const char *message_bytes_max)
{
    kafka_fresh_name(fixture->topic);
    fixture->config = kafka_config(fixture->topic, "", 1);
    fixture->config.connect_timeout_ms = ANSWER_MS;
    fixture->producer = kafka_client();
    if (message_bytes_max != NULL) {
        kafka_make_narrow_topic(fixture->producer, fixture->topic, message_bytes_max);
    }
    fixture->letters = malloc(LARGE_BYTES);
    assert_non_null(fixture->letters);
    for (size_t i = 0; i < LARGE_BYTES; i++) {
        fixture->letters[i] = (char)random_below(&random_system, 256);
    }
    open_list(fixture);
    open_consumer(fixture);
}

static void finish(struct fixture *fixture)
{
    rd_kafka_consume_stop(fixture->consumed, 0);
    rd_kafka_topic_destroy(fixture->consumed);
    rd_kafka_destroy(fixture->consumer);
    rd_kafka_destroy(fixture->producer);
    refusal_list_free(fixture->list);
    free(fixture->letters);
}

static struct refusal refusal_of(const struct fixture *fixture, int64_t offset, size_t key_len,
                                 size_t raw_len)
{
    return (struct refusal){
        .position = {2, offset},
        .key = {key_len == 0 ? NULL : fixture->letters, key_len},
        .raw = {fixture->letters, raw_len},
        .reason = STR("this is not JSON"),
    };
}

static void add(struct fixture *fixture, const struct refusal *refusals, size_t count)
{
    struct error err;
    const struct uuid log_id = {.bytes = {1}};
    enum status status = refusal_list_add(fixture->list, log_id, refusals, count, &err);
    if (status != STATUS_OK) {
        fail_msg("%s: %s", status_name(status), err.message);
    }
}

static rd_kafka_message_t *next(struct fixture *fixture)
{
    rd_kafka_message_t *message = rd_kafka_consume(fixture->consumed, 0, ANSWER_MS);
    assert_non_null(message);
    assert_int_equal(message->err, RD_KAFKA_RESP_ERR_NO_ERROR);
    return message;
}

/* The number that a header holds; -1: there is no such header. */
static long long header_of(const rd_kafka_message_t *message, const char *name)
{
    rd_kafka_headers_t *headers = NULL;
    const void *value = NULL;
    size_t len = 0;
    char text[32];
    assert_int_equal(rd_kafka_message_headers(message, &headers), RD_KAFKA_RESP_ERR_NO_ERROR);
    if (rd_kafka_header_get_last(headers, name, &value, &len) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return -1;
    }
    snprintf(text, sizeof text, "%.*s", (int)len, (const char *)value);
    return strtoll(text, NULL, 10);
}

static void expect_whole(struct fixture *fixture, const struct refusal *refusal)
{
    rd_kafka_message_t *message = next(fixture);
    assert_int_equal(header_of(message, "usertrail-offset"), refusal->position.offset);
    assert_int_equal(header_of(message, "usertrail-partition"), refusal->position.partition);
    assert_int_equal(header_of(message, "usertrail-cut"), -1);
    assert_int_equal(header_of(message, "usertrail-key-cut"), -1);
    assert_int_equal(message->key_len, refusal->key.len);
    assert_int_equal(message->len, refusal->raw.len);
    assert_memory_equal(message->payload, refusal->raw.data, refusal->raw.len);
    rd_kafka_message_destroy(message);
}

/* What arrives is the beginning of it, `bytes_min` at least. */
static void expect_cut(struct fixture *fixture, const struct refusal *refusal, size_t bytes_min)
{
    rd_kafka_message_t *message = next(fixture);
    assert_int_equal(header_of(message, "usertrail-offset"), refusal->position.offset);
    assert_int_equal(header_of(message, "usertrail-cut"), refusal->raw.len);
    assert_in_range(message->len, bytes_min, refusal->raw.len - 1);
    assert_memory_equal(message->payload, refusal->raw.data, message->len);
    rd_kafka_message_destroy(message);
}

/* The client's own default of 1,000,000 bytes lies below what a broker takes. */
static void what_the_topic_takes_arrives_whole(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, NULL);
    const struct refusal refusals[] = {
        refusal_of(&fixture, 7, 10, 100),
        refusal_of(&fixture, 8, 0, 1040000),
        refusal_of(&fixture, 9, 0, 0),
    };
    add(&fixture, refusals, ARRAY_LENGTH(refusals));
    for (size_t i = 0; i < ARRAY_LENGTH(refusals); i++) {
        expect_whole(&fixture, &refusals[i]);
    }
    finish(&fixture);
}

static void what_the_topic_does_not_take_arrives_cut(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, NULL);
    const struct refusal large = refusal_of(&fixture, 7, 10, LARGE_BYTES);
    const struct refusal small = refusal_of(&fixture, 8, 10, 100);
    add(&fixture, &large, 1);
    add(&fixture, &small, 1);
    expect_cut(&fixture, &large, 1000000);
    expect_whole(&fixture, &small);
    finish(&fixture);
}

/* Many small ones are more than such a topic takes at once. */
static void a_narrow_topic_gets_all_of_them(void **state)
{
    (void)state;
    struct fixture fixture;
    struct refusal refusals[SMALL_COUNT];
    start(&fixture, "20000");
    for (size_t i = 0; i < SMALL_COUNT; i++) {
        refusals[i] = refusal_of(&fixture, (int64_t)i, 10, 1000);
    }
    const struct refusal large = refusal_of(&fixture, SMALL_COUNT, 10, 50000);
    const struct refusal large_key = refusal_of(&fixture, SMALL_COUNT + 1, 30000, 50000);
    add(&fixture, refusals, SMALL_COUNT);
    for (size_t i = 0; i < SMALL_COUNT; i++) {
        expect_whole(&fixture, &refusals[i]);
    }
    add(&fixture, &large, 1);
    expect_cut(&fixture, &large, 18000);
    add(&fixture, &large_key, 1);
    rd_kafka_message_t *message = next(&fixture);
    assert_int_equal(message->key_len, 0);
    assert_int_equal(header_of(message, "usertrail-key-cut"), 30000);
    assert_int_equal(header_of(message, "usertrail-cut"), 50000);
    assert_in_range(message->len, 18000, 20000);
    rd_kafka_message_destroy(message);
    finish(&fixture);
}

/* Whoever sets message.max.bytes for the brokers' sake gets it cut by the client already. */
static void what_the_client_does_not_take_arrives_cut(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, NULL);
    refusal_list_free(fixture.list);
    const struct event_log_kafka_property properties[] = {
        {"bootstrap.servers", kafka_brokers()},
        {"message.max.bytes", "20000"},
    };
    fixture.config.properties = properties;
    fixture.config.property_count = ARRAY_LENGTH(properties);
    open_list(&fixture);
    const struct refusal refusals[] = {
        refusal_of(&fixture, 7, 10, 50000),
        refusal_of(&fixture, 8, 10, 100),
    };
    add(&fixture, refusals, ARRAY_LENGTH(refusals));
    expect_whole(&fixture, &refusals[1]); /* it did not have to be sent a second time */
    expect_cut(&fixture, &refusals[0], 9000);
    finish(&fixture);
}

/* A topic that takes next to nothing: the worker goes on, and the list has it all. */
static void what_no_cut_makes_fit_is_only_listed(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, "100");
    const struct refusal refusal = refusal_of(&fixture, 7, 10, 1000);
    add(&fixture, &refusal, 1);
    struct refusal_list_state about;
    refusal_list_describe(fixture.list, &about);
    assert_int_equal(about.listed, 1);
    finish(&fixture);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_topic_takes_arrives_whole),
        cmocka_unit_test(what_the_topic_does_not_take_arrives_cut),
        cmocka_unit_test(a_narrow_topic_gets_all_of_them),
        cmocka_unit_test(what_the_client_does_not_take_arrives_cut),
        cmocka_unit_test(what_no_cut_makes_fit_is_only_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
