#pragma once
/*
 * The topic: whether it is there, made where it is missing, what it promises. Everything here asks
 * the broker and waits for the answer. Any thread.
 */
#include "infrastructure/event_log_kafka/kafka_client.h"

struct kafka_topic_facts {
    struct uuid log_id;        /* of the cluster's id and the topic's name: the same everywhere */
    int32_t partition_count;   /* >= 1 */
    int replication;           /* replicas of the partition that has the fewest */
    int64_t min_in_sync;       /* min.insync.replicas; -1: the broker does not tell */
    int64_t message_bytes_max; /* max.message.bytes; -1: the broker does not tell */
};

/* Makes the client that asks; nobody is asked yet. Whoever gets it destroys it, and the context
 * outlives it. INVALID, UNAVAILABLE, NO_MEMORY. */
MUST_USE enum status kafka_topic_connect(const struct event_log_kafka_config *config,
                                         struct kafka_context *context, rd_kafka_t **out_client,
                                         struct error *err);

/* Waits for a broker for at most the time, makes the topic where it is missing. TIMED_OUT: nobody
 * answers, or a partition has no leader. UNAVAILABLE: a broker refuses. CORRUPT: the configuration
 * knows the topic, and this is another one; nothing is made. INVALID, NO_MEMORY. */
MUST_USE enum status kafka_topic_learn(const struct event_log_kafka_config *config,
                                       rd_kafka_t *client, unsigned timeout_ms,
                                       struct kafka_topic_facts *out_facts, struct error *err);

/* Both, in the configuration's time. INVALID, UNAVAILABLE, NO_MEMORY. */
MUST_USE enum status kafka_topic_open(const struct event_log_kafka_config *config,
                                      struct kafka_context *context, rd_kafka_t **out_client,
                                      struct kafka_topic_facts *out_facts, struct error *err);

/* What makes it less safe than it should be, "" when nothing does. */
void kafka_topic_warn(const struct kafka_topic_facts *facts, const char *topic,
                      char out_warning[ERROR_MESSAGE_BYTES]);

/* Looks again. OK; NOT_FOUND: the topic is not there; TIMED_OUT: no answer in time; UNAVAILABLE. */
MUST_USE enum status kafka_topic_look(rd_kafka_t *client, const char *topic, int timeout_ms,
                                      int32_t *out_partition_count, struct error *err);
