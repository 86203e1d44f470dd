#pragma once
/*
 * What librdkafka tells of a client every few seconds, as JSON
 * (https://github.com/confluentinc/librdkafka/blob/master/STATISTICS.md): of all that, a bounded
 * set is kept for metrics: queue and traffic of the client, and a few numbers of each broker, up to
 * KAFKA_BROKERS_TOLD_MAX of them. Nothing by topic or partition.
 *
 * Any thread.
 */
#include "base/clock.h"
#include "base/metric_text.h"

#include <pthread.h>

/* How often, unless somebody sets it otherwise. */
#define KAFKA_STATISTICS_INTERVAL_MS "10000"

enum { KAFKA_BROKERS_TOLD_MAX = 32, KAFKA_BROKER_NAME_BYTES = 16 };

struct kafka_broker_figures {
    char name[KAFKA_BROKER_NAME_BYTES]; /* its number */
    bool up;
    uint64_t failures; /* of requests, in either direction, and timeouts */
    uint64_t retries;
    uint64_t round_trip_us;         /* over the last interval: mean, ... */
    uint64_t slowest_round_trip_us; /* ... and 99th percentile */
};

struct kafka_figures {
    uint64_t queued_messages; /* of a producer: given to it and not yet confirmed */
    uint64_t queued_bytes;
    uint64_t sent_messages;
    uint64_t sent_bytes; /* requests as they went over the network */
    uint64_t received_messages;
    uint64_t received_bytes;
    uint64_t told_at_ms; /* on the monotonic clock; 0: nothing was told yet */
    size_t broker_count;
    struct kafka_broker_figures brokers[KAFKA_BROKERS_TOLD_MAX];
};

struct kafka_statistics {
    const struct clock *clock;
    pthread_mutex_t mutex; /* guards what follows */
    struct kafka_figures figures;
};

void kafka_statistics_init(struct kafka_statistics *statistics, const struct clock *clock);
void kafka_statistics_deinit(struct kafka_statistics *statistics);

/* Takes what a client tells; what is no such text changes nothing. */
void kafka_statistics_take(struct kafka_statistics *statistics, struct str json);

/* Reads such a text. False: it is none. */
bool kafka_figures_read(struct str json, struct kafka_figures *out_figures);

/* Tells the metrics of a log's producer and consumer, of those that have told something. */
void kafka_statistics_tell_metrics(struct metric_text *text, struct kafka_statistics *producer,
                                   struct kafka_statistics *consumer);
