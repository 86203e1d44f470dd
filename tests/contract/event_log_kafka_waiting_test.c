/*
 * Members of a group on a broker that does not tell what the group committed (librdkafka's mock
 * cluster): their partitions wait, and are then read from there, each activity once.
 */
#include "event_log_contract_support.h"
#include "infrastructure/event_log_kafka/event_log_kafka.h"
#include "kafka_support.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
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
    OFFSET_FETCH = 9, /* the request's number in Kafka's protocol */
    ERRORS = 2000,
    PARTITIONS = 2,
    COUNT = 200,
    COMMITTED = 20, /* of each partition */
    SOUGHT = 30,
    PATIENCE_MS = 20000,
    WAIT_MS = 4500 /* longer than a member waits for the broker when partitions come */
};

struct fixture {
    rd_kafka_t *client;
    rd_kafka_mock_cluster_t *cluster;
    struct event_log_kafka_property properties[3];
    struct event_log_kafka_config config;
    size_t counts[COUNT]; /* how often each number was handed out */
};

static struct event_log *join(struct fixture *fixture)
{
    struct event_log *log = NULL;
    struct error err;
    enum status status = event_log_kafka_new(&fixture->config, &log, &err);
    if (status != STATUS_OK) {
        fail_msg("%s: %s", status_name(status), err.message);
    }
    return log;
}

static size_t poll_once(struct fixture *fixture, struct event_log *log)
{
    struct activity_batch batch;
    struct error err;
    enum status status = event_log_poll(log, 1000, 20, &batch, &err);
    if (status != STATUS_OK) {
        fail_msg("%s: %s", status_name(status), err.message);
    }
    for (size_t i = 0; i < batch.count; i++) {
        uint64_t number = numbered_activity_number(&batch.rows[i].activity);
        assert_in_range(number, 0, COUNT - 1);
        fixture->counts[number]++;
    }
    return batch.count;
}

/* Both poll until `count` activities came, and a while longer for what should not come. */
static void expect_activities(struct fixture *fixture, struct event_log *a, struct event_log *b,
                              size_t count)
{
    uint64_t give_up_at_ms = clock_monotonic_ms(&clock_system) + PATIENCE_MS;
    size_t got = 0;
    while (got < count && clock_monotonic_ms(&clock_system) < give_up_at_ms) {
        got += poll_once(fixture, a);
        got += b == NULL ? 0 : poll_once(fixture, b);
    }
    for (int i = 0; i < 10; i++) {
        got += poll_once(fixture, a);
        got += b == NULL ? 0 : poll_once(fixture, b);
    }
    assert_int_equal(got, count);
}

static void expect_silence(struct fixture *fixture, struct event_log *log)
{
    uint64_t end_ms = clock_monotonic_ms(&clock_system) + WAIT_MS;
    while (clock_monotonic_ms(&clock_system) < end_ms) {
        assert_int_equal(poll_once(fixture, log), 0);
    }
}

/* As a worker begins whose store is further than what was committed. */
static struct event_log *join_with_store(struct fixture *fixture)
{
    struct event_log *log = join(fixture);
    kafka_seek_all(log, PARTITIONS, SOUGHT);
    return log;
}

/* More than SOUGHT in each partition. */
static void fill_topic(struct fixture *fixture)
{
    struct event_log_kafka_config config = fixture->config;
    struct collector collector;
    struct event_log *log = NULL;
    struct position_set ends;
    config.consumes = false;
    collector_init(&collector);
    position_set_init(&ends);
    assert_int_equal(event_log_kafka_new(&config, &log, NULL), STATUS_OK);
    for (uint64_t i = 0; i < COUNT; i++) {
        assert_int_equal(append_numbers(log, &collector, i, 1), STATUS_OK);
    }
    collector_wait(&collector, COUNT);
    assert_int_equal(event_log_end_position(log, &ends), STATUS_OK);
    for (int32_t i = 0; i < PARTITIONS; i++) {
        assert_true(position_set_get(&ends, i) > SOUGHT);
    }
    position_set_deinit(&ends);
    collector_deinit(&collector);
    event_log_free(log);
}

/* As members of the group did that are gone. */
static void commit_for_group(const struct fixture *fixture)
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", fixture->properties[0].value, NULL, 0);
    rd_kafka_conf_set(conf, "group.id", fixture->config.group, NULL, 0);
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
    assert_non_null(client);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(PARTITIONS);
    for (int32_t i = 0; i < PARTITIONS; i++) {
        rd_kafka_topic_partition_list_add(list, fixture->config.topic, i)->offset = COMMITTED;
    }
    assert_int_equal(rd_kafka_commit(client, list, 0), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(client);
}

static void start(struct fixture *fixture, const char *strategy)
{
    char text[256];
    memset(fixture, 0, sizeof *fixture);
    fixture->client = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), text, sizeof text);
    assert_non_null(fixture->client);
    fixture->cluster = rd_kafka_mock_cluster_new(fixture->client, 1);
    assert_non_null(fixture->cluster);
    assert_int_equal(rd_kafka_mock_topic_create(fixture->cluster, "topic", PARTITIONS, 1),
                     RD_KAFKA_RESP_ERR_NO_ERROR);
    fixture->properties[0].name = "bootstrap.servers";
    fixture->properties[0].value = rd_kafka_mock_cluster_bootstraps(fixture->cluster);
    fixture->properties[1].name = "partition.assignment.strategy";
    fixture->properties[1].value = strategy;
    fixture->properties[2].name = "heartbeat.interval.ms"; /* how often it hears of others */
    fixture->properties[2].value = "300";
    fixture->config = (struct event_log_kafka_config){
        .properties = fixture->properties,
        .property_count = ARRAY_LENGTH(fixture->properties),
        .topic = "topic",
        .group = "group",
        .instance_id = "",
        .produces = true,
        .consumes = true,
        .partitions = PARTITIONS,
        .replication = 1,
        .clock = &clock_system,
        .logger = &silent_logger,
    };
    fill_topic(fixture);
    commit_for_group(fixture);
}

static void finish(struct fixture *fixture)
{
    rd_kafka_mock_cluster_destroy(fixture->cluster);
    rd_kafka_destroy(fixture->client);
}

static void hide_committed(struct fixture *fixture)
{
    static rd_kafka_resp_err_t errors[ERRORS];
    for (size_t i = 0; i < ERRORS; i++) {
        errors[i] = RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED;
    }
    rd_kafka_mock_push_request_errors_array(fixture->cluster, OFFSET_FETCH, ERRORS, errors);
}

static void show_committed(struct fixture *fixture)
{
    rd_kafka_mock_clear_request_errors(fixture->cluster, OFFSET_FETCH);
}

static void wait_for_committed(const char *strategy)
{
    static struct fixture fixture;
    start(&fixture, strategy);
    hide_committed(&fixture);
    struct event_log *log = join_with_store(&fixture);
    kafka_await_partitions(log, PARTITIONS);
    kafka_commit_all(log, PARTITIONS, SOUGHT); /* what the store has, as a worker tells it */
    expect_silence(&fixture, log);
    show_committed(&fixture);
    expect_activities(&fixture, log, NULL, COUNT - PARTITIONS * COMMITTED);
    for (size_t i = 0; i < COUNT; i++) {
        assert_in_range(fixture.counts[i], 0, 1);
    }
    event_log_free(log);
    finish(&fixture);
}

/* Beginning at what the store has would skip what it refused and nobody listed. */
static void a_partition_waits_for_what_is_committed(void **state)
{
    (void)state;
    wait_for_committed("cooperative-sticky");
}

static void it_waits_in_a_group_that_is_not_cooperative_too(void **state)
{
    (void)state;
    wait_for_committed("range");
}

/* A partition that goes to another member while it waits is read by that one only. */
static void a_waiting_partition_may_be_taken_away(void **state)
{
    (void)state;
    static struct fixture fixture;
    start(&fixture, "cooperative-sticky");
    hide_committed(&fixture);
    struct event_log *first = join_with_store(&fixture);
    kafka_await_partitions(first, PARTITIONS);
    struct event_log *second = join_with_store(&fixture);
    kafka_await_partitions(first, PARTITIONS / 2);
    kafka_await_partitions(second, PARTITIONS / 2);
    expect_silence(&fixture, first);
    show_committed(&fixture);
    expect_activities(&fixture, first, second, COUNT - PARTITIONS * COMMITTED);
    for (size_t i = 0; i < COUNT; i++) {
        assert_in_range(fixture.counts[i], 0, 1);
    }
    event_log_free(first);
    event_log_free(second);
    finish(&fixture);
}

/* A member that closes while it waits is gone soon, and has committed nothing. */
static void a_waiting_member_may_close(void **state)
{
    (void)state;
    static struct fixture fixture;
    start(&fixture, "cooperative-sticky");
    hide_committed(&fixture);
    struct event_log *log = join_with_store(&fixture);
    kafka_await_partitions(log, PARTITIONS);
    kafka_commit_all(log, PARTITIONS, SOUGHT);
    assert_int_equal(poll_once(&fixture, log), 0);
    uint64_t before_ms = clock_monotonic_ms(&clock_system);
    event_log_free(log);
    assert_in_range(clock_monotonic_ms(&clock_system) - before_ms, 0, 8000);
    show_committed(&fixture);
    log = join_with_store(&fixture);
    expect_activities(&fixture, log, NULL, COUNT - PARTITIONS * COMMITTED);
    event_log_free(log);
    finish(&fixture);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_partition_waits_for_what_is_committed),
        cmocka_unit_test(it_waits_in_a_group_that_is_not_cooperative_too),
        cmocka_unit_test(a_waiting_partition_may_be_taken_away),
        cmocka_unit_test(a_waiting_member_may_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
