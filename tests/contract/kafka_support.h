#pragma once
/*
 * What tests of the event log on Kafka share: topics of their own on the broker that
 * USERTRAIL_TEST_KAFKA names (tests/servers/servers.py run --kafka), logs on them, and a client
 * that stands for other programs. One thread.
 */
#include "infrastructure/event_log_kafka/event_log_kafka.h"

#include <librdkafka/rdkafka.h>

enum { TOPIC_BYTES = 64 };

/* The brokers; ends the program when there are none. */
const char *kafka_brokers(void);

/* A name that no topic has yet. */
void kafka_fresh_name(char out_name[TOPIC_BYTES]);

/* A configuration that is complete: produces and consumes, a topic of `partitions`. `group` may be
 * "". The texts are borrowed. */
struct event_log_kafka_config kafka_config(const char *topic, const char *group, int partitions);

/* Opens the log; in a group waits until it has partitions. Fails the test when it cannot. */
struct event_log *kafka_open(const struct event_log_kafka_config *config);

/* Waits until the log knows `count` partitions that it reads. */
void kafka_await_partitions(struct event_log *log, size_t count);

/* In each of `partitions`: what a store has, as it is named at the start and told later. */
void kafka_seek_all(struct event_log *log, int32_t partitions, int64_t offset);
void kafka_commit_all(struct event_log *log, int32_t partitions, int64_t offset);

/* Another program's client. */
rd_kafka_t *kafka_client(void);
void kafka_make_topic(rd_kafka_t *client, const char *topic, int partitions);
void kafka_make_narrow_topic(rd_kafka_t *client, const char *topic, const char *message_bytes_max);
void kafka_grow_topic(rd_kafka_t *client, const char *topic, int partitions);
void kafka_delete_topic(rd_kafka_t *client, const char *topic);

/* Everything below the offset goes, as retention does it. */
void kafka_delete_records(rd_kafka_t *client, const char *topic, int32_t partition, int64_t before);

struct kafka_foreign_message {
    int32_t partition;
    const char *key;   /* NULL: none */
    const char *value; /* NULL: a tombstone */
    int64_t time_ms;   /* of the record; 0: now */
};
/* Gives the message to the client; kafka_send also waits until it is there. */
void kafka_give(rd_kafka_t *client, const char *topic, const struct kafka_foreign_message *message);
void kafka_send(rd_kafka_t *client, const char *topic, const struct kafka_foreign_message *message);

/* Sends `count` of the message in one transaction, which is committed or aborted: its marker is the
 * partition's last offset then. */
void kafka_send_transaction(const char *topic, const struct kafka_foreign_message *message,
                            size_t count, bool committed);
