#pragma once
/*
 * The log's own thread: it serves the consumer, and looks at the topic every few seconds, sooner
 * when something seems wrong, so that describe can answer without asking anybody and new partitions
 * are read.
 */
#include "infrastructure/event_log_kafka/kafka_reader.h"

struct kafka_watch_config {
    const struct event_log_kafka_config *log; /* must outlive the watch, with all it names */
    rd_kafka_t *client;                       /* for looking; borrowed */
    struct kafka_health *health;
    struct kafka_reader *reader; /* NULL: nothing is read */
    int32_t partition_count;
    /* Where the topic has not been seen yet: sees to that, and is called every second until it is
     * OK, or CORRUPT: there is nothing to look at. NULL: it was seen. */
    enum status (*meet)(void *context);
    void *meet_context;
};

struct kafka_watch {
    struct kafka_watch_config config;
    pthread_t thread;
    bool running;
    uint64_t look_at_ms;
    pthread_mutex_t mutex; /* guards `stopping` */
    pthread_cond_t stopped;
    bool stopping;
};

/* UNAVAILABLE: the thread could not be started. */
MUST_USE enum status kafka_watch_start(struct kafka_watch *watch,
                                       const struct kafka_watch_config *config, struct error *err);

/* Takes one that is all zero, too. */
void kafka_watch_stop(struct kafka_watch *watch);
