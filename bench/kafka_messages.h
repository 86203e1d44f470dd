#pragma once
/*
 * Messages of activities, all read into memory before anything is measured: from a topic that the
 * program filled, so that both sides of a comparison work on the very same ones, or from a file.
 */
#include <librdkafka/rdkafka.h>
#include <stddef.h>
#include <stdint.h>

enum { KAFKA_MESSAGES_MAX = 20000000, KAFKA_TIMEOUT_MS = 30000 };

struct kafka_message {
    char *key;
    char *value; /* NUL-terminated, too */
    size_t key_len;
    size_t value_len;
    int32_t partition;
    int64_t offset;
};

struct kafka_messages {
    struct kafka_message *items;
    size_t count;
    size_t capacity;
};

/* What the arguments name: --file FILE with a JSON object on each line, whose "userId" is the key,
 * or --brokers BROKERS --from TOPIC, up to the end that each partition has when it is reached. */
void kafka_messages_read(struct kafka_messages *messages, int argc, char **argv);
void kafka_messages_free(struct kafka_messages *messages);

void kafka_set_property(rd_kafka_conf_t *configuration, const char *name, const char *value);
/* Takes the configuration. */
rd_kafka_t *kafka_open(rd_kafka_type_t type, rd_kafka_conf_t *configuration);
