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

/* Waits for a broker for at most the configuration's time, makes the topic where it is missing. The
 * client is for looking again; whoever gets it destroys it. INVALID, UNAVAILABLE, NO_MEMORY. */
MUST_USE enum status kafka_topic_open(const struct event_log_kafka_config *config,
                                      struct kafka_context *context, rd_kafka_t **out_client,
                                      struct kafka_topic_facts *out_facts, struct error *err);

/* What makes it less safe than it should be, "" when nothing does. */
void kafka_topic_warn(const struct kafka_topic_facts *facts, const char *topic,
                      char out_warning[ERROR_MESSAGE_BYTES]);

/* Looks again. OK; NOT_FOUND: the topic is not there; UNAVAILABLE: no answer in time. */
MUST_USE enum status kafka_topic_look(rd_kafka_t *client, const char *topic, int timeout_ms,
                                      int32_t *out_partition_count, struct error *err);
