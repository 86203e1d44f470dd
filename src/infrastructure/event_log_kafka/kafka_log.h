#pragma once
/*
 * The log behind event_log_kafka.h: its parts, and a copy of its configuration, which these borrow.
 */
#include "infrastructure/event_log_kafka/kafka_producer.h"
#include "infrastructure/event_log_kafka/kafka_reader.h"
#include "infrastructure/event_log_kafka/kafka_topic.h"
#include "infrastructure/event_log_kafka/kafka_watch.h"

struct kafka_log {
    struct event_log log;
    struct event_log_kafka_config config;
    struct kafka_lines lines;
    struct kafka_context context;
    struct kafka_health health;
    struct kafka_topic_facts facts;
    char warning[ERROR_MESSAGE_BYTES];
    void *texts;                     /* of the configuration */
    rd_kafka_t *client;              /* for looking at the topic */
    struct kafka_producer *producer; /* NULL: it does not produce */
    struct kafka_reader *reader;     /* NULL: it does not consume */
    struct kafka_watch watch;
};
