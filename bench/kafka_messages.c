#include "kafka_messages.h"

#include "yardstick.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

void kafka_set_property(rd_kafka_conf_t *configuration, const char *name, const char *value)
{
    char why[512];
    if (rd_kafka_conf_set(configuration, name, value, why, sizeof why) != RD_KAFKA_CONF_OK)
        yardstick_fail("%s=%s: %s", name, value, why);
}

rd_kafka_t *kafka_open(rd_kafka_type_t type, rd_kafka_conf_t *configuration)
{
    char why[512];
    rd_kafka_t *client = rd_kafka_new(type, configuration, why, sizeof why);
    if (client == NULL)
        yardstick_fail("%s", why);
    return client;
}

static char *copy(const char *bytes, size_t len)
{
    char *copied = yardstick_allocate(NULL, len + 1, 1);
    if (len > 0)
        memcpy(copied, bytes, len);
    copied[len] = '\0';
    return copied;
}

static struct kafka_message *add(struct kafka_messages *messages)
{
    if (messages->count == KAFKA_MESSAGES_MAX)
        yardstick_fail("more than %d messages", KAFKA_MESSAGES_MAX);
    if (messages->count == messages->capacity) {
        messages->capacity = messages->capacity == 0 ? 1024 : messages->capacity * 2;
        messages->items =
            yardstick_allocate(messages->items, messages->capacity, sizeof *messages->items);
    }
    return &messages->items[messages->count++];
}

static void add_line(struct kafka_messages *messages, const char *line, size_t len)
{
    yyjson_doc *document = yyjson_read(line, len, 0);
    yyjson_val *user = yyjson_obj_get(yyjson_doc_get_root(document), "userId");
    if (!yyjson_is_str(user))
        yardstick_fail("line %zu is no activity", messages->count + 1);
    int64_t offset = (int64_t)messages->count;
    *add(messages) = (struct kafka_message){
        .key = copy(yyjson_get_str(user), yyjson_get_len(user)),
        .key_len = yyjson_get_len(user),
        .value = copy(line, len),
        .value_len = len,
        .offset = offset,
    };
    yyjson_doc_free(document);
}

static void read_file(struct kafka_messages *messages, const char *path)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        yardstick_fail("%s: %s", path, strerror(errno));
    char *line = NULL;
    size_t capacity = 0;
    for (ssize_t len; (len = getline(&line, &capacity, file)) > 0;)
        add_line(messages, line, (size_t)len - (line[len - 1] == '\n'));
    free(line);
    fclose(file);
}

static rd_kafka_t *open_consumer(const char *brokers)
{
    rd_kafka_conf_t *configuration = rd_kafka_conf_new();
    kafka_set_property(configuration, "bootstrap.servers", brokers);
    kafka_set_property(configuration, "group.id", "bench"); // asked for; no group is joined
    kafka_set_property(configuration, "enable.auto.commit", "false");
    kafka_set_property(configuration, "enable.partition.eof", "true");
    rd_kafka_t *consumer = kafka_open(RD_KAFKA_CONSUMER, configuration);
    rd_kafka_poll_set_consumer(consumer);
    return consumer;
}

// From the beginning of each partition; returns how many there are.
static int assign_all(rd_kafka_t *consumer, const char *name)
{
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(consumer, name, NULL);
    if (topic == NULL || rd_kafka_metadata(consumer, 0, topic, &metadata, KAFKA_TIMEOUT_MS) != 0 ||
        metadata->topic_cnt != 1 || metadata->topics[0].partition_cnt == 0)
        yardstick_fail("the topic %s could not be found", name);
    int count = metadata->topics[0].partition_cnt;
    rd_kafka_topic_partition_list_t *places = rd_kafka_topic_partition_list_new(count);
    for (int partition = 0; partition < count; partition++)
        rd_kafka_topic_partition_list_add(places, name, partition)->offset =
            RD_KAFKA_OFFSET_BEGINNING;
    if (rd_kafka_assign(consumer, places) != 0)
        yardstick_fail("the topic %s could not be assigned", name);
    rd_kafka_topic_partition_list_destroy(places);
    rd_kafka_metadata_destroy(metadata);
    rd_kafka_topic_destroy(topic);
    return count;
}

static void add_received(struct kafka_messages *messages, const rd_kafka_message_t *received)
{
    *add(messages) = (struct kafka_message){
        .key = copy(received->key, received->key_len),
        .key_len = received->key_len,
        .value = copy(received->payload, received->len),
        .value_len = received->len,
        .partition = received->partition,
        .offset = received->offset,
    };
}

static void read_topic(struct kafka_messages *messages, const char *brokers, const char *topic)
{
    rd_kafka_t *consumer = open_consumer(brokers);
    for (int unread = assign_all(consumer, topic); unread > 0;) {
        rd_kafka_message_t *received = rd_kafka_consumer_poll(consumer, KAFKA_TIMEOUT_MS);
        if (received == NULL)
            yardstick_fail("nothing came of %s in time", topic);
        if (received->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
            unread--;
        else if (received->err == 0)
            add_received(messages, received);
        else
            yardstick_fail("%s: %s", topic, rd_kafka_message_errstr(received));
        rd_kafka_message_destroy(received);
    }
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
}

void kafka_messages_read(struct kafka_messages *messages, int argc, char **argv)
{
    const char *file = yardstick_text(argc, argv, "--file");
    const char *brokers = yardstick_text(argc, argv, "--brokers");
    const char *topic = yardstick_text(argc, argv, "--from");
    if (file != NULL)
        read_file(messages, file);
    else if (brokers != NULL && topic != NULL)
        read_topic(messages, brokers, topic);
    else
        yardstick_fail("takes its messages from --file FILE, or --brokers BROKERS --from TOPIC");
    if (messages->count == 0)
        yardstick_fail("there are no messages");
}

void kafka_messages_free(struct kafka_messages *messages)
{
    for (size_t index = 0; index < messages->count; index++) {
        free(messages->items[index].key);
        free(messages->items[index].value);
    }
    free(messages->items);
    *messages = (struct kafka_messages){0};
}
