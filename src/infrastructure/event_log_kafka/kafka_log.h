#pragma once
/*
 * The log behind event_log_kafka.h: its parts, and a copy of its configuration, which these borrow.
 */
#include "infrastructure/event_log_kafka/kafka_producer.h"
#include "infrastructure/event_log_kafka/kafka_reader.h"
#include "infrastructure/event_log_kafka/kafka_topic.h"
#include "infrastructure/event_log_kafka/kafka_watch.h"

#include <stdatomic.h>

struct kafka_log {
    struct event_log log;
    struct event_log_kafka_config config;
    struct kafka_lines lines;
    struct kafka_context context;
    struct kafka_health health;
    struct kafka_statistics produced; /* what the clients tell of themselves */
    struct kafka_statistics consumed;
    void *texts;                        /* of the configuration */
    rd_kafka_t *client;                 /* for looking at the topic */
    struct event_log_kafka_topic known; /* from an earlier life */

    /* Whether the topic was seen and is what was known of it, where that was; until then the next
     * three are the watch's. */
    atomic_bool met;
    struct kafka_topic_facts facts;
    char warning[ERROR_MESSAGE_BYTES];
    struct kafka_producer *producer; /* NULL: it does not produce */
    struct kafka_reader *reader;     /* NULL: it does not consume */
    struct kafka_watch watch;
};

/* As event_log_kafka_ends. */
MUST_USE enum status kafka_borders_ends(struct kafka_log *kafka, struct position_set *out_first,
                                        struct position_set *out_end, struct error *err);

/* As event_log_kafka_at_time. */
MUST_USE enum status kafka_borders_at_time(struct kafka_log *kafka, int64_t time_ms,
                                           const struct position_set *ends,
                                           struct position_set *out_positions, struct error *err);
