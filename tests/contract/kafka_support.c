#include "kafka_support.h"

#include "event_log_contract_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { ANSWER_MS = 10000, PATIENCE_MS = 20000 };

const char *kafka_brokers(void)
{
    const char *brokers = getenv("USERTRAIL_TEST_KAFKA");
    if (brokers == NULL || brokers[0] == '\0') {
        fprintf(stderr, "USERTRAIL_TEST_KAFKA names no broker; run this by "
                        "tests/servers/servers.py run --kafka\n");
        exit(2);
    }
    return brokers;
}

void kafka_fresh_name(char out_name[TOPIC_BYTES])
{
    snprintf(out_name, TOPIC_BYTES, "test-%016llx", (unsigned long long)random_u64(&random_system));
}

struct event_log_kafka_config kafka_config(const char *topic, const char *group, int partitions)
{
    static struct event_log_kafka_property brokers = {.name = "bootstrap.servers"};
    brokers.value = kafka_brokers();
    return (struct event_log_kafka_config){
        .properties = &brokers,
        .property_count = 1,
        .topic = topic,
        .group = group,
        .instance_id = "",
        .produces = true,
        .consumes = true,
        .reads_traces = true,
        .partitions = partitions,
        .replication = EVENT_LOG_KAFKA_BROKERS_CHOICE,
        .clock = &clock_system,
        .logger = &silent_logger,
    };
}

static void rest(void)
{
    const struct timespec pause = {.tv_nsec = 5000000};
    nanosleep(&pause, NULL);
}

void kafka_await_partitions(struct event_log *log, size_t count)
{
    uint64_t give_up_at_ms = clock_monotonic_ms(&clock_system) + PATIENCE_MS;
    size_t known = 0;
    while (known != count) {
        struct position_set ends;
        position_set_init(&ends);
        assert_int_equal(event_log_end_position(log, &ends), STATUS_OK);
        known = ends.count;
        position_set_deinit(&ends);
        if (clock_monotonic_ms(&clock_system) > give_up_at_ms) {
            fail_msg("it reads %zu partitions, not %zu", known, count);
        }
        rest();
    }
}

static struct position_set all_at(int32_t partitions, int64_t offset)
{
    struct position_set set;
    position_set_init(&set);
    for (int32_t i = 0; i < partitions; i++) {
        assert_int_equal(position_set_raise(&set, (struct position){i, offset}), STATUS_OK);
    }
    return set;
}

void kafka_seek_all(struct event_log *log, int32_t partitions, int64_t offset)
{
    struct position_set set = all_at(partitions, offset);
    assert_int_equal(event_log_seek(log, &set, NULL), STATUS_OK);
    position_set_deinit(&set);
}

void kafka_commit_all(struct event_log *log, int32_t partitions, int64_t offset)
{
    struct position_set set = all_at(partitions, offset);
    assert_int_equal(event_log_commit(log, &set, NULL), STATUS_OK);
    position_set_deinit(&set);
}

struct event_log *kafka_open(const struct event_log_kafka_config *config)
{
    struct event_log *log = NULL;
    struct error err;
    enum status status = event_log_kafka_new(config, &log, &err);
    if (status != STATUS_OK) {
        fail_msg("%s: %s", status_name(status), err.message);
    }
    if (config->group[0] != '\0' && config->consumes) {
        kafka_await_partitions(log, (size_t)config->partitions);
    }
    return log;
}

rd_kafka_t *kafka_client(void)
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    assert_int_equal(
        rd_kafka_conf_set(conf, "bootstrap.servers", kafka_brokers(), text, sizeof text),
        RD_KAFKA_CONF_OK);
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    assert_non_null(client);
    return client;
}

/* The answer to an administrative request, which must be fine. */
static rd_kafka_event_t *expect_answer(rd_kafka_queue_t *queue)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, ANSWER_MS);
    assert_non_null(event);
    assert_int_equal(rd_kafka_event_error(event), RD_KAFKA_RESP_ERR_NO_ERROR);
    return event;
}

static void make_topic(rd_kafka_t *client, rd_kafka_NewTopic_t *wanted)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_CreateTopics(client, &wanted, 1, NULL, queue);
    rd_kafka_event_destroy(expect_answer(queue));
    rd_kafka_NewTopic_destroy(wanted);
    rd_kafka_queue_destroy(queue);
}

void kafka_make_topic(rd_kafka_t *client, const char *topic, int partitions)
{
    char text[256];
    rd_kafka_NewTopic_t *wanted = rd_kafka_NewTopic_new(topic, partitions, -1, text, sizeof text);
    assert_non_null(wanted);
    make_topic(client, wanted);
}

void kafka_make_narrow_topic(rd_kafka_t *client, const char *topic, const char *message_bytes_max)
{
    char text[256];
    rd_kafka_NewTopic_t *wanted = rd_kafka_NewTopic_new(topic, 1, -1, text, sizeof text);
    assert_non_null(wanted);
    assert_int_equal(rd_kafka_NewTopic_set_config(wanted, "max.message.bytes", message_bytes_max),
                     RD_KAFKA_RESP_ERR_NO_ERROR);
    make_topic(client, wanted);
}

void kafka_delete_topic(rd_kafka_t *client, const char *topic)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_DeleteTopic_t *unwanted = rd_kafka_DeleteTopic_new(topic);
    rd_kafka_DeleteTopics(client, &unwanted, 1, NULL, queue);
    rd_kafka_event_destroy(expect_answer(queue));
    rd_kafka_DeleteTopic_destroy(unwanted);
    rd_kafka_queue_destroy(queue);
}

static int ask_partitions(rd_kafka_t *client, const char *topic)
{
    rd_kafka_topic_t *asked = rd_kafka_topic_new(client, topic, NULL);
    const struct rd_kafka_metadata *metadata = NULL;
    assert_int_equal(rd_kafka_metadata(client, 0, asked, &metadata, ANSWER_MS),
                     RD_KAFKA_RESP_ERR_NO_ERROR);
    int count = metadata->topics[0].partition_cnt;
    rd_kafka_metadata_destroy(metadata);
    rd_kafka_topic_destroy(asked);
    return count;
}

/* A client refuses messages for a partition that it has not heard of. */
static void await_topic_partitions(rd_kafka_t *client, const char *topic, int count)
{
    uint64_t give_up_at_ms = clock_monotonic_ms(&clock_system) + PATIENCE_MS;
    while (ask_partitions(client, topic) < count) {
        assert_true(clock_monotonic_ms(&clock_system) < give_up_at_ms);
        rest();
    }
}

void kafka_grow_topic(rd_kafka_t *client, const char *topic, int partitions)
{
    char text[256];
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_NewPartitions_t *wanted =
        rd_kafka_NewPartitions_new(topic, (size_t)partitions, text, sizeof text);
    assert_non_null(wanted);
    rd_kafka_CreatePartitions(client, &wanted, 1, NULL, queue);
    rd_kafka_event_destroy(expect_answer(queue));
    rd_kafka_NewPartitions_destroy(wanted);
    rd_kafka_queue_destroy(queue);
    await_topic_partitions(client, topic, partitions);
}

void kafka_delete_records(rd_kafka_t *client, const char *topic, int32_t partition, int64_t before)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition)->offset = before;
    rd_kafka_DeleteRecords_t *request = rd_kafka_DeleteRecords_new(list);
    rd_kafka_DeleteRecords(client, &request, 1, NULL, queue);
    rd_kafka_event_destroy(expect_answer(queue));
    rd_kafka_DeleteRecords_destroy(request);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_queue_destroy(queue);
}

void kafka_give(rd_kafka_t *client, const char *topic, const struct kafka_foreign_message *message)
{
    const char *key = message->key;
    const char *value = message->value;
    const rd_kafka_vu_t parts[] = {
        {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = topic},
        {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = message->partition},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_KEY,
         .u.mem = {(void *)(uintptr_t)key, key == NULL ? 0 : strlen(key)}},
        {.vtype = RD_KAFKA_VTYPE_VALUE,
         .u.mem = {(void *)(uintptr_t)value, value == NULL ? 0 : strlen(value)}},
        {.vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = message->time_ms},
    };
    assert_null(rd_kafka_produceva(client, parts, ARRAY_LENGTH(parts)));
}

void kafka_send(rd_kafka_t *client, const char *topic, const struct kafka_foreign_message *message)
{
    kafka_give(client, topic, message);
    assert_int_equal(rd_kafka_flush(client, ANSWER_MS), RD_KAFKA_RESP_ERR_NO_ERROR);
}

static rd_kafka_t *transactional_client(const char *name)
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    assert_int_equal(
        rd_kafka_conf_set(conf, "bootstrap.servers", kafka_brokers(), text, sizeof text),
        RD_KAFKA_CONF_OK);
    assert_int_equal(rd_kafka_conf_set(conf, "transactional.id", name, text, sizeof text),
                     RD_KAFKA_CONF_OK);
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    assert_non_null(client);
    return client;
}

void kafka_send_transaction(const char *topic, const struct kafka_foreign_message *message,
                            size_t count, bool committed)
{
    rd_kafka_t *client = transactional_client(topic);
    assert_null(rd_kafka_init_transactions(client, PATIENCE_MS));
    assert_null(rd_kafka_begin_transaction(client));
    for (size_t i = 0; i < count; i++) {
        kafka_give(client, topic, message);
    }
    assert_int_equal(rd_kafka_flush(client, ANSWER_MS), RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_null(committed ? rd_kafka_commit_transaction(client, ANSWER_MS)
                          : rd_kafka_abort_transaction(client, ANSWER_MS));
    rd_kafka_destroy(client);
}
