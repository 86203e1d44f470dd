/* What Kafka's client library costs by itself: the yardstick for accepting activities into a topic.
 *
 *     bench_raw_producer --brokers B --topic T (--file F | --from TOPIC) [--in-flight N]
 *                        [--linger-ms M]
 *
 * Reads its messages into memory, then sends them with the same properties as the program: every
 * replica acknowledges, idempotent, lz4, by murmur2 of the key, with the header content-type;
 * payloads are not copied. At most N (10,000) are in flight. Prints messages, their bytes, and the
 * wall and CPU seconds of the process from the first message to the last delivery report as JSON.
 */
#include "kafka_messages.h"
#include "yardstick.h"

#include <stdio.h>

enum { IN_FLIGHT_MAX = 1000000 };

struct producing {
    rd_kafka_t *producer;
    rd_kafka_topic_t *topic;
    size_t in_flight;
    size_t in_flight_max;
};

static void take_report(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque)
{
    struct producing *producing = opaque;
    (void)producer;
    if (message->err != 0)
        yardstick_fail("a message was not delivered: %s", rd_kafka_err2str(message->err));
    producing->in_flight--;
}

static rd_kafka_conf_t *make_configuration(struct producing *producing, int argc, char **argv)
{
    const char *brokers = yardstick_text(argc, argv, "--brokers");
    const char *linger_ms = yardstick_text(argc, argv, "--linger-ms");
    const struct {
        const char *name;
        const char *value;
    } properties[] = {
        {"bootstrap.servers", brokers == NULL ? "" : brokers},
        {"acks", "all"},
        {"enable.idempotence", "true"},
        {"compression.codec", "lz4"},
        {"linger.ms", linger_ms == NULL ? "2" : linger_ms},
        {"partitioner", "murmur2_random"},
        {"delivery.timeout.ms", "30000"},
        // --in-flight is what limits, not the library's own queue.
        {"queue.buffering.max.messages", "0"},
        {"queue.buffering.max.kbytes", "2097151"},
    };
    rd_kafka_conf_t *configuration = rd_kafka_conf_new();
    for (size_t index = 0; index < sizeof properties / sizeof *properties; index++)
        kafka_set_property(configuration, properties[index].name, properties[index].value);
    rd_kafka_conf_set_dr_msg_cb(configuration, take_report);
    rd_kafka_conf_set_opaque(configuration, producing);
    return configuration;
}

// Connected before the clock starts, as a running service is.
static void open_topic(struct producing *producing, const char *name)
{
    const struct rd_kafka_metadata *metadata = NULL;
    producing->topic = rd_kafka_topic_new(producing->producer, name, NULL);
    if (producing->topic == NULL ||
        rd_kafka_metadata(producing->producer, 0, producing->topic, &metadata, KAFKA_TIMEOUT_MS) !=
            0 ||
        metadata->topics[0].partition_cnt == 0)
        yardstick_fail("the topic %s could not be found", name);
    rd_kafka_metadata_destroy(metadata);
}

static void wait_until_below(struct producing *producing, size_t in_flight)
{
    while (producing->in_flight >= in_flight)
        if (rd_kafka_poll(producing->producer, KAFKA_TIMEOUT_MS) == 0)
            yardstick_fail("%zu messages were not delivered in time", producing->in_flight);
}

static void send_one(struct producing *producing, const struct kafka_message *message)
{
    static const char content_type[] = "application/json";
    const rd_kafka_vu_t parts[] = {
        {.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = producing->topic},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {message->key, message->key_len}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {message->value, message->value_len}},
        {.vtype = RD_KAFKA_VTYPE_HEADER,
         .u.header = {"content-type", content_type, sizeof content_type - 1}},
    };
    rd_kafka_error_t *error =
        rd_kafka_produceva(producing->producer, parts, sizeof parts / sizeof *parts);
    if (error != NULL)
        yardstick_fail("a message was not taken: %s", rd_kafka_error_string(error));
    producing->in_flight++;
}

static size_t send_all(struct producing *producing, const struct kafka_messages *messages)
{
    size_t bytes = 0;
    for (size_t index = 0; index < messages->count; index++) {
        wait_until_below(producing, producing->in_flight_max);
        send_one(producing, &messages->items[index]);
        bytes += messages->items[index].key_len + messages->items[index].value_len;
    }
    wait_until_below(producing, 1);
    return bytes;
}

int main(int argc, char **argv)
{
    struct kafka_messages messages = {0};
    struct producing producing = {
        .in_flight_max = yardstick_number(argc, argv, "--in-flight", 10000, IN_FLIGHT_MAX),
    };
    const char *topic = yardstick_text(argc, argv, "--topic");
    if (topic == NULL)
        yardstick_fail("--topic is missing");
    kafka_messages_read(&messages, argc, argv);
    producing.producer = kafka_open(RD_KAFKA_PRODUCER, make_configuration(&producing, argc, argv));
    open_topic(&producing, topic);
    double wall = yardstick_wall_seconds();
    double cpu = yardstick_cpu_seconds();
    size_t bytes = send_all(&producing, &messages);
    printf("{\"messages\":%zu,\"bytes\":%zu,\"seconds\":%.4f,\"cpuSeconds\":%.4f}\n",
           messages.count, bytes, yardstick_wall_seconds() - wall, yardstick_cpu_seconds() - cpu);
    rd_kafka_topic_destroy(producing.topic);
    rd_kafka_destroy(producing.producer);
    kafka_messages_free(&messages);
    return 0;
}
