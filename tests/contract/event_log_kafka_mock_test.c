/*
 * The event log on a broker that misbehaves on purpose (librdkafka's mock cluster, which needs no
 * server): answers that get lost or come late, leaders that move. Every append gets exactly one
 * result, and what is OK is there.
 */
#include "event_log_contract_support.h"
#include "infrastructure/event_log_kafka/event_log_kafka.h"
#include "infrastructure/event_log_kafka/refused_topic.h"
#include "infrastructure/refusal_list_memory/refusal_list_memory.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { PRODUCE = 0, BROKERS = 3 }; /* the request's number in Kafka's protocol */

struct fixture {
    rd_kafka_t *client;
    rd_kafka_mock_cluster_t *cluster;
    struct event_log_kafka_property properties[4];
    struct event_log_kafka_config config;
    struct event_log *log;
    struct collector collector;
};

static void open_log(struct fixture *fixture)
{
    struct error err;
    enum status status = event_log_kafka_new(&fixture->config, &fixture->log, &err);
    if (status != STATUS_OK) {
        fail_msg("%s: %s", status_name(status), err.message);
    }
}

static void start(struct fixture *fixture, const char *delivery_timeout_ms)
{
    char text[256];
    fixture->client = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), text, sizeof text);
    assert_non_null(fixture->client);
    fixture->cluster = rd_kafka_mock_cluster_new(fixture->client, BROKERS);
    assert_non_null(fixture->cluster);
    assert_int_equal(rd_kafka_mock_topic_create(fixture->cluster, "topic", 1, BROKERS),
                     RD_KAFKA_RESP_ERR_NO_ERROR);
    fixture->properties[0].name = "bootstrap.servers";
    fixture->properties[0].value = rd_kafka_mock_cluster_bootstraps(fixture->cluster);
    fixture->properties[1].name = "delivery.timeout.ms";
    fixture->properties[1].value = delivery_timeout_ms;
    fixture->properties[2].name = "socket.timeout.ms";
    fixture->properties[2].value = "1000";
    /* A broker refuses a batch whose predecessor it does not have, and librdkafka concludes from
     * its confirmation that it has that, too. The mock takes any, so there must not be two under
     * way. */
    fixture->properties[3].name = "max.in.flight.requests.per.connection";
    fixture->properties[3].value = "1";
    fixture->config = (struct event_log_kafka_config){
        .properties = fixture->properties,
        .property_count = ARRAY_LENGTH(fixture->properties),
        .topic = "topic",
        .group = "",
        .instance_id = "",
        .produces = true,
        .consumes = true,
        .partitions = 1,
        .replication = 1,
        .clock = &clock_system,
        .logger = &silent_logger,
    };
    collector_init(&fixture->collector);
    open_log(fixture);
}

static void finish(struct fixture *fixture)
{
    event_log_free(fixture->log);
    collector_deinit(&fixture->collector);
    rd_kafka_mock_cluster_destroy(fixture->cluster);
    rd_kafka_destroy(fixture->client);
}

/* Each broker answers so much later from now on. */
static void set_delay(struct fixture *fixture, int delay_ms)
{
    for (int32_t id = 1; id <= BROKERS; id++) {
        assert_int_equal(rd_kafka_mock_broker_set_rtt(fixture->cluster, id, delay_ms),
                         RD_KAFKA_RESP_ERR_NO_ERROR);
    }
}

static void append_each(struct fixture *fixture, uint64_t first, size_t count)
{
    for (uint64_t i = first; i < first + count; i++) {
        assert_int_equal(append_numbers(fixture->log, &fixture->collector, i, 1), STATUS_OK);
    }
}

static void count_number(void *context, const struct logged_activity *row)
{
    size_t *counts = context;
    uint64_t number = numbered_activity_number(&row->activity);
    assert_in_range(number, 0, 999);
    counts[number]++;
}

/* One result for each of `count` appends, and what was confirmed is in the log. What times out may
 * be told in another order: what waits does so before what is under way. */
static void expect_what_was_promised(struct fixture *fixture, size_t count)
{
    size_t counts[1000] = {0};
    bool heard[1000] = {false};
    collector_wait(&fixture->collector, count);
    poll_all(fixture->log, count_number, counts);
    for (size_t i = 0; i < count; i++) {
        const struct collected *result = &fixture->collector.items[i];
        uint64_t number = result->ticket.generation;
        assert_in_range(number, 0, count - 1);
        assert_false(heard[number]);
        heard[number] = true;
        assert_true(result->status != STATUS_OK || counts[number] > 0);
    }
    assert_int_equal(collector_count(&fixture->collector), count);
}

static size_t count_status(struct fixture *fixture, enum status status)
{
    size_t count = 0;
    for (size_t i = 0; i < collector_count(&fixture->collector); i++) {
        count += fixture->collector.items[i].status == status;
    }
    return count;
}

static void answers_that_come_too_late_fail_appends(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, "1500");
    append_each(&fixture, 0, 3);
    collector_wait(&fixture.collector, 3);
    set_delay(&fixture, 4000);
    append_each(&fixture, 3, 20);
    collector_wait(&fixture.collector, 23);
    assert_int_equal(count_status(&fixture, STATUS_TIMED_OUT), 20);
    struct event_log_state about;
    event_log_describe(fixture.log, &about);
    assert_int_equal(about.accepting, STATUS_UNAVAILABLE);
    assert_int_not_equal(about.reason[0], '\0');
    set_delay(&fixture, 0);
    size_t count = 23;
    enum status status = STATUS_TIMED_OUT;
    for (; count < 60 && status != STATUS_OK; count++) {
        status = append_and_wait(fixture.log, &fixture.collector, count, 1);
    }
    assert_int_equal(status, STATUS_OK);
    event_log_describe(fixture.log, &about);
    assert_int_equal(about.accepting, STATUS_OK);
    expect_what_was_promised(&fixture, count);
    finish(&fixture);
}

static void leaders_may_move(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, "10000");
    append_each(&fixture, 0, 5);
    collector_wait(&fixture.collector, 5);
    rd_kafka_mock_push_request_errors(
        fixture.cluster, PRODUCE, 3, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
        RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE);
    append_each(&fixture, 5, 20);
    for (int32_t id = 1; id <= BROKERS; id++) {
        assert_int_equal(rd_kafka_mock_partition_set_leader(fixture.cluster, "topic", 0, id),
                         RD_KAFKA_RESP_ERR_NO_ERROR);
        append_each(&fixture, 25 + (uint64_t)(id - 1) * 10, 10);
        collector_wait(&fixture.collector, 25 + (size_t)id * 10);
    }
    expect_what_was_promised(&fixture, 55);
    assert_int_equal(count_status(&fixture, STATUS_OK), 55);
    finish(&fixture);
}

/* The broker wrote it, and its answer got lost: it is asked again, and nothing is promised twice.
 */
static void an_answer_that_is_lost_is_asked_for_again(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, "10000");
    append_each(&fixture, 0, 5);
    collector_wait(&fixture.collector, 5);
    for (int32_t id = 1; id <= BROKERS; id++) {
        assert_int_equal(
            rd_kafka_mock_broker_push_request_error_rtts(fixture.cluster, id, PRODUCE, (size_t)1,
                                                         RD_KAFKA_RESP_ERR_NO_ERROR, 3000),
            RD_KAFKA_RESP_ERR_NO_ERROR);
    }
    append_each(&fixture, 5, 20);
    expect_what_was_promised(&fixture, 25);
    assert_int_equal(count_status(&fixture, STATUS_OK), 25);
    finish(&fixture);
}

/* A broker that has a message already does not say where: the end of the partition does. */
static void a_repeated_message_is_found_at_the_end(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, "10000");
    append_each(&fixture, 0, 5);
    collector_wait(&fixture.collector, 5);
    rd_kafka_mock_push_request_errors(fixture.cluster, PRODUCE, 1,
                                      RD_KAFKA_RESP_ERR_DUPLICATE_SEQUENCE_NUMBER);
    assert_int_equal(append_and_wait(fixture.log, &fixture.collector, 5, 1), STATUS_OK);
    assert_int_equal(fixture.collector.items[5].reached, 4); /* as far as this broker has come */
    finish(&fixture);
}

/* The end is asked for once, not for each of them, since nothing else is served meanwhile. */
static void many_repeated_messages_ask_once(void **state)
{
    (void)state;
    enum { COUNT = 100, ANSWER_MS = 100 };
    struct fixture fixture;
    start(&fixture, "10000");
    event_log_free(fixture.log);
    struct event_log_kafka_property properties[ARRAY_LENGTH(fixture.properties) + 1];
    memcpy(properties, fixture.properties, sizeof fixture.properties);
    properties[ARRAY_LENGTH(fixture.properties)] =
        (struct event_log_kafka_property){"linger.ms", "200"}; /* all in one request */
    fixture.config.properties = properties;
    fixture.config.property_count = ARRAY_LENGTH(properties);
    open_log(&fixture);
    append_each(&fixture, 0, 5);
    collector_wait(&fixture.collector, 5);
    rd_kafka_mock_push_request_errors(fixture.cluster, PRODUCE, 1,
                                      RD_KAFKA_RESP_ERR_DUPLICATE_SEQUENCE_NUMBER);
    set_delay(&fixture, ANSWER_MS);
    uint64_t before_ms = clock_monotonic_ms(&clock_system);
    assert_int_equal(append_and_wait(fixture.log, &fixture.collector, 5, COUNT), STATUS_OK);
    assert_in_range(clock_monotonic_ms(&clock_system) - before_ms, ANSWER_MS,
                    COUNT * ANSWER_MS / 2);
    assert_int_equal(fixture.collector.items[5].reached, 4);
    finish(&fixture);
}

/* What is on its way is given up soon and in order, long before its time is over. */
static void purging_gives_up_what_is_not_confirmed(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, "60000");
    append_each(&fixture, 0, 5);
    collector_wait(&fixture.collector, 5);
    set_delay(&fixture, 3000);
    uint64_t before_ms = clock_monotonic_ms(&clock_system);
    append_each(&fixture, 5, 300);
    event_log_kafka_purge(fixture.log);
    collector_wait(&fixture.collector, 305);
    assert_in_range(clock_monotonic_ms(&clock_system) - before_ms, 0, 2000);
    assert_int_equal(count_status(&fixture, STATUS_UNAVAILABLE), 300);
    for (size_t i = 0; i < 305; i++) {
        assert_int_equal(fixture.collector.items[i].ticket.generation, i);
    }
    set_delay(&fixture, 0);
    assert_int_equal(append_and_wait(fixture.log, &fixture.collector, 305, 1), STATUS_OK);
    expect_what_was_promised(&fixture, 306);
    finish(&fixture);
}

/* While nothing is confirmed the queue fills, and is there again afterwards. */
static void a_full_queue_is_busy_at_once(void **state)
{
    (void)state;
    enum { COUNT = 10000 };
    struct fixture fixture;
    start(&fixture, "60000");
    event_log_free(fixture.log);
    fixture.config.queue_bytes_max = EVENT_LOG_KAFKA_QUEUE_BYTES_MIN;
    open_log(&fixture);
    set_delay(&fixture, 900);
    size_t accepted = 0;
    enum status status = STATUS_OK;
    while (accepted < 100 && status == STATUS_OK) {
        status = append_numbers(fixture.log, &fixture.collector, accepted * COUNT, COUNT);
        accepted += status == STATUS_OK;
    }
    assert_int_equal(status, STATUS_BUSY);
    assert_in_range(accepted, 2, 10);
    assert_int_equal(append_numbers(fixture.log, &fixture.collector, 0, 6 * COUNT),
                     STATUS_TOO_LARGE);
    set_delay(&fixture, 0);
    collector_wait(&fixture.collector, accepted);
    assert_int_equal(count_status(&fixture, STATUS_OK), accepted);
    assert_int_equal(append_and_wait(fixture.log, &fixture.collector, 0, 1), STATUS_OK);
    finish(&fixture);
}

static struct refusal_list *open_refused(struct fixture *fixture)
{
    struct refusal_list *inner = NULL;
    struct refusal_list *list = NULL;
    struct error err;
    const struct refusal_list_memory_config memory = {.bytes_max = 1 << 24, .clock = &clock_system};
    struct event_log_kafka_config config = fixture->config;
    config.topic = "refused";
    config.connect_timeout_ms = 5000;
    assert_int_equal(rd_kafka_mock_topic_create(fixture->cluster, "refused", 1, BROKERS),
                     RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_int_equal(refusal_list_memory_new(&memory, &inner, &err), STATUS_OK);
    enum status status = refused_topic_new(&config, inner, &list, &err);
    if (status != STATUS_OK) {
        fail_msg("%s: %s", status_name(status), err.message);
    }
    return list;
}

static enum status refuse(struct refusal_list *list, int64_t offset)
{
    static const char raw[8000];
    const struct refusal refusal = {
        .position = {0, offset}, .raw = {raw, sizeof raw}, .reason = STR("this is not JSON")};
    return refusal_list_add(list, (struct uuid){0}, &refusal, 1, NULL);
}

/* A broker that lost track of its producers may not cost more than one attempt. */
static void a_refused_topic_works_again_after_lost_order(void **state)
{
    (void)state;
    static const rd_kafka_resp_err_t answers[] = {RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
                                                  RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID,
                                                  RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH};
    struct fixture fixture;
    start(&fixture, "10000");
    struct refusal_list *list = open_refused(&fixture);
    assert_int_equal(refuse(list, 0), STATUS_OK);
    for (size_t i = 0; i < ARRAY_LENGTH(answers); i++) {
        rd_kafka_mock_push_request_errors(fixture.cluster, PRODUCE, 1, answers[i]);
        assert_int_equal(refuse(list, (int64_t)i + 1), STATUS_UNAVAILABLE);
        assert_int_equal(refuse(list, (int64_t)i + 1), STATUS_OK);
    }
    refusal_list_free(list);
    finish(&fixture);
}

static size_t first_refused_len(struct fixture *fixture)
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    assert_int_equal(rd_kafka_conf_set(conf, "bootstrap.servers", fixture->properties[0].value,
                                       text, sizeof text),
                     RD_KAFKA_CONF_OK);
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(client, "refused", NULL);
    assert_int_equal(rd_kafka_consume_start(topic, 0, RD_KAFKA_OFFSET_BEGINNING), 0);
    rd_kafka_message_t *message = rd_kafka_consume(topic, 0, 10000);
    assert_non_null(message);
    assert_int_equal(message->err, RD_KAFKA_RESP_ERR_NO_ERROR);
    size_t len = message->len;
    rd_kafka_message_destroy(message);
    rd_kafka_consume_stop(topic, 0);
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(client);
    return len;
}

/* The broker does not tell how much its topic takes, so that lengths are tried: twice the whole,
 * the second time by itself, then halves with what a message has beside its value. */
static void a_refused_message_is_cut_until_it_is_taken(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, "10000");
    struct refusal_list *list = open_refused(&fixture);
    rd_kafka_mock_push_request_errors(
        fixture.cluster, PRODUCE, 3, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
        RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE);
    assert_int_equal(refuse(list, 0), STATUS_OK);
    assert_in_range(first_refused_len(&fixture), 1000, 2000);
    refusal_list_free(list);
    finish(&fixture);
}

/* Nobody answers: the log says so in words, within the time it is given. */
static void without_a_broker_there_is_no_log(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, "1500");
    struct event_log *log = NULL;
    struct error err;
    const struct event_log_kafka_property nobody = {"bootstrap.servers", "127.0.0.1:1"};
    struct event_log_kafka_config config = fixture.config;
    config.properties = &nobody;
    config.property_count = 1;
    config.connect_timeout_ms = 500;
    uint64_t before_ms = clock_monotonic_ms(&clock_system);
    assert_int_equal(event_log_kafka_new(&config, &log, &err), STATUS_UNAVAILABLE);
    assert_in_range(clock_monotonic_ms(&clock_system) - before_ms, 400, 3000);
    assert_non_null(strstr(err.message, "no Kafka broker answered within 500 ms"));
    finish(&fixture);
}

/* A topic that is known --------------------------------------------------------------------- */

static void set_down(struct fixture *fixture, bool down)
{
    for (int32_t id = 1; id <= BROKERS; id++) {
        assert_int_equal(down ? rd_kafka_mock_broker_set_down(fixture->cluster, id)
                              : rd_kafka_mock_broker_set_up(fixture->cluster, id),
                         RD_KAFKA_RESP_ERR_NO_ERROR);
    }
}

struct stranger {
    atomic_int heard;
    struct error why;
};

static void hear_of_other(void *context, const struct error *why)
{
    struct stranger *stranger = context;
    stranger->why = *why;
    atomic_fetch_add(&stranger->heard, 1);
}

/* A log that only produces, whose topic was seen before, and no broker is there. */
static struct event_log_kafka_topic start_known(struct fixture *fixture, struct stranger *stranger)
{
    struct event_log_kafka_topic topic;
    start(fixture, "1500");
    event_log_kafka_tell_topic(fixture->log, &topic);
    event_log_free(fixture->log);
    set_down(fixture, true);
    fixture->config.consumes = false;
    fixture->config.other_topic = hear_of_other;
    fixture->config.other_topic_context = stranger;
    topic.message_bytes_max = 5000; /* the mock does not tell */
    return topic;
}

static bool wait_for_accepting(struct event_log *log)
{
    struct event_log_state about;
    uint64_t end_ms = clock_monotonic_ms(&clock_system) + 20000;
    do {
        const struct timespec pause = {.tv_nsec = 10000000};
        nanosleep(&pause, NULL);
        event_log_describe(log, &about);
    } while (about.accepting != STATUS_OK && clock_monotonic_ms(&clock_system) < end_ms);
    return about.accepting == STATUS_OK;
}

/* It is there soon without a broker, takes nothing, says why, and takes everything once there is
 * one. */
static void a_known_topic_need_not_be_there(void **state)
{
    (void)state;
    struct fixture fixture;
    struct stranger stranger = {0};
    struct event_log_kafka_topic known = start_known(&fixture, &stranger);
    struct event_log_kafka_topic topic;
    struct event_log_state about;
    fixture.config.known = &known;
    uint64_t before_ms = clock_monotonic_ms(&clock_system);
    open_log(&fixture);
    assert_in_range(clock_monotonic_ms(&clock_system) - before_ms, 500, 4000);
    event_log_describe(fixture.log, &about);
    assert_int_equal(about.accepting, STATUS_UNAVAILABLE);
    assert_non_null(strstr(about.reason, "no Kafka broker answered within"));
    assert_true(uuid_equal(about.log_id, known.log_id));
    assert_in_range(about.activity_bytes_max, 3000, 5000);
    assert_int_equal(append_numbers(fixture.log, &fixture.collector, 0, 1), STATUS_UNAVAILABLE);
    event_log_kafka_purge(fixture.log);
    event_log_kafka_tell_topic(fixture.log, &topic);
    assert_int_equal(topic.partition_count, 1);
    set_down(&fixture, false);
    assert_true(wait_for_accepting(fixture.log));
    assert_int_equal(append_and_wait(fixture.log, &fixture.collector, 0, 1), STATUS_OK);
    event_log_kafka_tell_topic(fixture.log, &topic);
    assert_int_equal(topic.message_bytes_max, 5000); /* as long as the broker tells no other */
    assert_int_equal(stranger.heard, 0);
    finish(&fixture);
}

/* Whatever was accepted meanwhile is not meant for it. */
static void another_topic_than_the_known_one_gets_nothing(void **state)
{
    (void)state;
    struct fixture fixture;
    struct stranger stranger = {0};
    struct event_log_kafka_topic known = start_known(&fixture, &stranger);
    known.log_id.bytes[0] ^= 1;
    fixture.config.known = &known;
    open_log(&fixture);
    set_down(&fixture, false);
    for (int i = 0; i < 2000 && atomic_load(&stranger.heard) == 0; i++) {
        const struct timespec pause = {.tv_nsec = 10000000};
        nanosleep(&pause, NULL);
    }
    const struct timespec pause = {.tv_sec = 2}; /* it is not asked for again */
    nanosleep(&pause, NULL);
    assert_int_equal(stranger.heard, 1);
    assert_int_equal(stranger.why.status, STATUS_CORRUPT);
    assert_non_null(strstr(stranger.why.message, "is another one than before"));
    assert_int_equal(append_numbers(fixture.log, &fixture.collector, 0, 1), STATUS_UNAVAILABLE);
    struct event_log_state about;
    event_log_describe(fixture.log, &about);
    assert_int_equal(about.accepting, STATUS_UNAVAILABLE);
    assert_true(uuid_equal(about.log_id, known.log_id));
    finish(&fixture);
}

/* Who reads needs the broker, and fails without; and one that answers at once is asked as ever. */
static void knowing_a_topic_mends_nothing_else(void **state)
{
    (void)state;
    struct fixture fixture;
    struct stranger stranger = {0};
    struct event_log_kafka_topic known = start_known(&fixture, &stranger);
    struct event_log *log = NULL;
    struct error err;
    fixture.config.known = &known;
    fixture.config.connect_timeout_ms = 500;
    fixture.config.consumes = true;
    assert_int_equal(event_log_kafka_new(&fixture.config, &log, &err), STATUS_UNAVAILABLE);
    fixture.config.consumes = false;
    set_down(&fixture, false);
    fixture.config.connect_timeout_ms = 10000;
    open_log(&fixture);
    assert_int_equal(append_and_wait(fixture.log, &fixture.collector, 0, 1), STATUS_OK);
    struct event_log_kafka_topic topic;
    event_log_kafka_tell_topic(fixture.log, &topic);
    assert_int_equal(topic.message_bytes_max, 5000);
    finish(&fixture);
}

static struct uuid identify(const char *topic, const char *brokers, const char *linger_ms)
{
    const struct event_log_kafka_property properties[] = {{"bootstrap.servers", brokers},
                                                          {"linger.ms", linger_ms}};
    const struct event_log_kafka_config config = {
        .properties = properties, .property_count = ARRAY_LENGTH(properties), .topic = topic};
    struct uuid id;
    assert_int_equal(event_log_kafka_identify(&config, &id, NULL), STATUS_OK);
    return id;
}

static void settings_are_the_same_by_brokers_and_topic(void **state)
{
    (void)state;
    struct uuid id = identify("topic", "one:9092", "0");
    assert_true(uuid_equal(id, identify("topic", "one:9092", "5")));
    assert_false(uuid_equal(id, identify("topic", "two:9092", "0")));
    assert_false(uuid_equal(id, identify("topics", "one:9092", "0")));
    assert_false(uuid_equal(identify("a", "bc", "0"), identify("ab", "c", "0")));
}

struct property_case {
    const char *name;
    const char *value;
    const char *told;
};

static void properties_are_checked_by_name(void **state)
{
    (void)state;
    static const struct property_case cases[] = {
        {"group.id", "mine", "group.id is not to be set"},
        {"enable.auto.offset.store", "true", "enable.auto.offset.store is not to be set"},
        {"delivery.report.only.error", "true", "delivery.report.only.error is not to be set"},
        {"dr_msg_cb", "x", "dr_msg_cb is not to be set"},
        {"lingering.ms", "5", "lingering.ms"},
        {"linger.ms", "soon", "linger.ms"},
        {"bootstrap.servers", "", "bootstrap.servers is missing"},
    };
    struct fixture fixture;
    start(&fixture, "1500");
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct event_log_kafka_property properties[2] = {fixture.properties[0],
                                                         {cases[i].name, cases[i].value}};
        struct event_log_kafka_config config = fixture.config;
        bool alone = cases[i].value[0] == '\0';
        config.properties = alone ? &properties[1] : properties;
        config.property_count = alone ? 1 : 2;
        struct event_log *log = NULL;
        struct error err;
        assert_int_equal(event_log_kafka_new(&config, &log, &err), STATUS_INVALID);
        assert_non_null(strstr(err.message, cases[i].told));
    }
    finish(&fixture);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_that_come_too_late_fail_appends),
        cmocka_unit_test(leaders_may_move),
        cmocka_unit_test(an_answer_that_is_lost_is_asked_for_again),
        cmocka_unit_test(a_repeated_message_is_found_at_the_end),
        cmocka_unit_test(many_repeated_messages_ask_once),
        cmocka_unit_test(purging_gives_up_what_is_not_confirmed),
        cmocka_unit_test(a_full_queue_is_busy_at_once),
        cmocka_unit_test(a_refused_topic_works_again_after_lost_order),
        cmocka_unit_test(a_refused_message_is_cut_until_it_is_taken),
        cmocka_unit_test(without_a_broker_there_is_no_log),
        cmocka_unit_test(a_known_topic_need_not_be_there),
        cmocka_unit_test(another_topic_than_the_known_one_gets_nothing),
        cmocka_unit_test(knowing_a_topic_mends_nothing_else),
        cmocka_unit_test(settings_are_the_same_by_brokers_and_topic),
        cmocka_unit_test(properties_are_checked_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
