#pragma once
/*
 * The way out of Kafka: one consumer, with each of its partitions' queues forwarded to one queue
 * that the worker reads, while the log's own thread serves the consumer's main queue. So a worker
 * that waits for its store neither leaves the group (max.poll.interval.ms counts what the thread
 * does) nor fetches without bound: the consumer stops fetching while that one queue holds
 * queued.max.messages.kbytes, over all partitions, and goes on where it stopped. Pausing partitions
 * instead was rejected: resuming throws away what was fetched and fetches it again.
 *
 * A partition is restarted elsewhere by taking it out of the assignment and putting it back: this
 * also works after the consumer stopped it for an error, where librdkafka refuses to seek. That
 * undoes the forwarding some time later, so it is renewed for a while; what came to the consumer's
 * own queue meanwhile is read again.
 *
 * An offset is `position` when everything below it was handed out or is gone.
 *
 * Threads: poll, seek and commit from the worker; serve and grow from the log's own; the others
 * from any. kafka_rows.h has what a poll makes of the messages.
 */
#include "infrastructure/event_log_kafka/kafka_client.h"
#include "infrastructure/event_log_kafka/kafka_health.h"
#include "infrastructure/event_log_kafka/kafka_rows.h"
#include "infrastructure/event_log_kafka/kafka_statistics.h"

#include <pthread.h>

enum { KAFKA_FETCHED_MAX = 4096 };

struct kafka_reader_config {
    const struct event_log_kafka_config *log; /* must outlive the reader, with all it names */
    struct kafka_lines *lines;
    struct kafka_health *health;
    struct kafka_statistics *statistics;
    struct uuid log_id;
    int32_t partition_count;
};

struct kafka_partition {
    bool assigned;  /* it is ours to read */
    bool unplaced;  /* in a group: nobody has told yet where it begins, so it is not read */
    bool unseen;    /* in a group: nobody has told yet where it ends */
    bool troubled;  /* the consumer stopped it, or it has to be restarted: the worker looks */
    bool anew;      /* it was made anew: it ends below what was read */
    bool told;      /* in a group: the worker knows where reading began */
    bool telling;   /* in a group: this poll says where, if it does not fail */
    uint32_t epoch; /* of its position: what was fetched before it was set does not count */
    int64_t position;
    int64_t begin;     /* in a group: where reading it began */
    int64_t read_to;   /* the highest position that it had before the group took it */
    int64_t handed;    /* what lies below it was handed out and is dealt with */
    int64_t commit_at; /* in a group: what the store has; -1: nothing yet */
    int64_t committed; /* in a group: what the broker was told */
    uint64_t forward_until_ms;
};

struct kafka_fetched {
    rd_kafka_message_t *message;
    uint32_t epoch;
};

struct kafka_reader {
    struct kafka_reader_config config;
    struct kafka_context context;
    bool in_group;
    rd_kafka_t *client;
    rd_kafka_queue_t *queue; /* where the partitions' queues lead */
    int wake_fd;             /* signalled when the queue is no longer empty */

    pthread_mutex_t mutex; /* guards what follows */
    struct kafka_partition *partitions;
    int32_t partition_count;
    bool reading; /* without a group: the partitions are assigned */
    bool failed;  /* the consumer failed for good */
    char failure[ERROR_MESSAGE_BYTES];
    uint64_t missing;

    bool cooperative;      /* the serving thread's: how the group divides partitions */
    bool was_given;        /* the serving thread's: the group gave something, if only nothing */
    uint64_t commit_at_ms; /* the serving thread's: when it commits again */

    /* The worker's. */
    struct kafka_fetched fetched[KAFKA_FETCHED_MAX]; /* not handed out yet */
    size_t fetched_first;
    size_t fetched_end;
    bool polled;           /* at least once */
    uint64_t nudged_at_ms; /* when the consumer was last made to look at its queue */
    struct kafka_rows rows;
};

/* The properties of a consumer's client. INVALID. */
MUST_USE enum status kafka_reader_conf(const struct event_log_kafka_config *config,
                                       struct kafka_context *context, rd_kafka_conf_t **out_conf,
                                       struct error *err);

/* Connects to nothing yet. INVALID, UNAVAILABLE, NO_MEMORY. */
MUST_USE enum status kafka_reader_new(const struct kafka_reader_config *config,
                                      struct kafka_reader **out_reader, struct error *err);

/* Leaves the group, commits before. Takes NULL. False: librdkafka does not end the consumer, or
 * must not be asked to now; then the reader stays, and what it was given must as well. */
MUST_USE bool kafka_reader_free(struct kafka_reader *reader);

/* Learns where all partitions end, within `timeout_ms`. UNAVAILABLE. */
MUST_USE enum status kafka_reader_learn_ends(struct kafka_reader *reader, int timeout_ms,
                                             struct error *err);

/* As the operations of event_log.h. */
MUST_USE enum status kafka_reader_poll(struct kafka_reader *reader, size_t rows_max,
                                       unsigned wait_ms, struct activity_batch *out_batch,
                                       struct error *err);
MUST_USE enum status kafka_reader_seek(struct kafka_reader *reader,
                                       const struct position_set *positions, struct error *err);

/* For poll: the consumer stopped at the partition's position. Reading goes on at the first offset
 * that is held, and what retention took is counted. CORRUPT: the position lies beyond the end.
 * UNAVAILABLE: look again later. */
MUST_USE enum status kafka_reader_look_into(struct kafka_reader *reader, int32_t partition,
                                            struct error *err);

/* For poll: who polls or commits has dealt with what was handed out before. */
void kafka_reader_note_handed(struct kafka_reader *reader);
void kafka_reader_commit(struct kafka_reader *reader, const struct position_set *positions);

/* Serves the consumer for `wait_ms`: membership, commits, ends of partitions. */
void kafka_reader_serve(struct kafka_reader *reader, int wait_ms);

/* The topic has so many partitions now. */
void kafka_reader_grow(struct kafka_reader *reader, int32_t partition_count);

/* Whether it reads the partition, as far as anybody knows. */
bool kafka_reader_has(struct kafka_reader *reader, int32_t partition);
uint64_t kafka_reader_missing(struct kafka_reader *reader);
