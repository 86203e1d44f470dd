#pragma once
/*
 * The way into Kafka. One thread takes what the event loops appended, gives it to librdkafka and
 * hears of deliveries. It sleeps on an eventfd, which librdkafka signals when there are reports and
 * an append when the thread sleeps: so a burst costs one wake-up.
 *
 * A producer instance that failed for good (an idempotent producer that lost track of its sequence)
 * is replaced: what it had not confirmed fails, the log goes on.
 *
 * Threads: append and purge from any; new and free from one.
 */
#include "base/flow_rate.h"
#include "infrastructure/event_log_kafka/append_block.h"
#include "infrastructure/event_log_kafka/kafka_client.h"
#include "infrastructure/event_log_kafka/kafka_health.h"
#include "infrastructure/event_log_kafka/kafka_statistics.h"

#include <pthread.h>

enum { KAFKA_RESULTS_MAX = 256 }; /* that a listener hears of in one call */

struct kafka_producer_config {
    const struct event_log_kafka_config *log; /* must outlive the producer, with all it names */
    struct kafka_lines *lines;
    struct kafka_health *health;
    struct kafka_statistics *statistics;
    struct uuid log_id;
    int64_t message_bytes_max; /* that the topic takes; -1: not known */
};

struct kafka_producer {
    struct kafka_producer_config config;
    struct kafka_context context;
    struct append_list appended;
    _Atomic size_t outstanding_bytes;
    _Atomic uint64_t settled_per_second; /* bytes, as of the newest that were */
    atomic_bool sleeps;
    atomic_bool purge_asked;
    atomic_bool stopping;
    int wake_fd;
    pthread_t thread;
    bool running;

    /* The thread's, from here on. */
    rd_kafka_t *client; /* NULL: a new one could not be made yet */
    rd_kafka_queue_t *queue;
    rd_kafka_topic_t *topic;
    bool client_failed;
    uint64_t renew_at_ms;
    uint64_t messages_unsettled;
    struct append_block *oldest; /* given to the client, not yet heard of; in order */
    struct append_block *newest;
    bool holds_back;              /* what is settled stays among them for now */
    struct append_block *settled; /* their listeners are to hear; in order, by `later` */
    struct append_block *settled_last;
    struct flow_rate settling;
    struct append_result results[KAFKA_RESULTS_MAX];
};

/* The properties of a producer's client; `message_bytes_max` as in the configuration. INVALID. */
MUST_USE enum status kafka_producer_conf(const struct event_log_kafka_config *config,
                                         int64_t message_bytes_max, struct kafka_context *context,
                                         rd_kafka_conf_t **out_conf, struct error *err);

/* A batch that is larger than the topic takes fails as a whole, and librdkafka does not divide it:
 * so it is never made. `message_bytes_max` as in the configuration. */
void kafka_producer_limit_batch(rd_kafka_conf_t *conf, int64_t message_bytes_max);

/* INVALID: properties that do not go together. UNAVAILABLE, NO_MEMORY. */
MUST_USE enum status kafka_producer_new(const struct kafka_producer_config *config,
                                        struct kafka_producer **out_producer, struct error *err);

/* Waits for what was appended, then gives it up. Takes NULL. */
void kafka_producer_free(struct kafka_producer *producer);

/* As event_log_append. */
MUST_USE enum status kafka_producer_append(struct kafka_producer *producer,
                                           const struct activity *activities, size_t count,
                                           struct append_listener *listener,
                                           struct append_ticket ticket);

/* What one activity may have, its key and its message, by what the topic takes, as in the
 * configuration; 0: that is not known. */
uint64_t kafka_producer_activity_bytes_max(int64_t message_bytes_max);

/* As event_log_kafka_purge. */
void kafka_producer_purge(struct kafka_producer *producer);

/* When what was appended until now will be acknowledged, as fast as it is; 0: nothing waits, or
 * nobody knows. Any thread. */
unsigned kafka_producer_retry_after_s(const struct kafka_producer *producer);
