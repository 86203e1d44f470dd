#pragma once
/*
 * The event log as a topic of Apache Kafka, by librdkafka: durable when all in-sync replicas have
 * it (durability replicated). Any number of processes may append and read. The log's id follows
 * from the cluster's id and the topic's name, so all of them agree on it.
 *
 * Key of a message is the userId, value an activity as application/activity_message.h writes it;
 * messages of other programs are read likewise. The partitioner is the one of the Java client.
 *
 * It reads in one of two ways. Without a group all partitions, from the beginning or where seek
 * named; nothing is committed to the broker, the store is the authority. As a member of a group
 * those partitions that the group gives it, from what is committed there or the beginning, and not
 * before the broker tells which of both; what seek names before that or before the first poll is
 * looked at, and CORRUPT beyond the end, but moves nothing; commit goes to the broker within about
 * a second, as far as poll handed out, and what is committed of a partition that has gone to
 * another member is dropped.
 *
 * Threads: as event_log.h says; the functions here from any thread.
 */
#include "application/event_log.h"
#include "application/log_tail.h"
#include "base/clock.h"
#include "base/logger.h"
#include "base/metric_text.h"

#define EVENT_LOG_KAFKA_QUEUE_BYTES_DEFAULT ((size_t)64 << 20)

enum {
    EVENT_LOG_KAFKA_QUEUE_BYTES_MIN = 8 << 20, /* an activity always fits */
    EVENT_LOG_KAFKA_CONNECT_TIMEOUT_MS_DEFAULT = 10000,
    EVENT_LOG_KAFKA_BROKERS_CHOICE = -1 /* partitions and replication as the broker is set up */
};

/* A property of librdkafka by its name there. */
struct event_log_kafka_property {
    const char *name;
    const char *value;
};

/* What a process has to know of a topic that it cannot reach. */
struct event_log_kafka_topic {
    struct uuid log_id;
    int32_t partition_count;   /* >= 1 */
    int64_t message_bytes_max; /* max.message.bytes; -1: the broker did not tell */
};

struct event_log_kafka_config {
    const struct event_log_kafka_property *properties; /* bootstrap.servers at least; applied over
                                                          ours, of which some are not to be set */
    size_t property_count;
    const char *topic;
    const char *group;       /* "": reads all partitions without a group */
    const char *instance_id; /* of a static member of the group; "": none */
    bool produces;           /* otherwise append is UNAVAILABLE */
    bool consumes;           /* otherwise poll, seek and commit are not to be called */
    bool reads_traces;       /* what is polled has the traces that headers of messages tell of */
    size_t queue_bytes_max;  /* not yet acknowledged, EVENT_LOG_KAFKA_QUEUE_BYTES_MIN at least; 0:
                                the default. More in one batch is TOO_LARGE, and so is an
                                activity beyond max.message.bytes of the topic */
    int partitions;          /* of a topic that is missing and made: 1.., or the broker's choice */
    int replication;
    unsigned connect_timeout_ms; /* for the broker's first answers; 0: the default */
    /* What the topic was in an earlier life; NULL, and always with `consumes`: not known. With it
     * the log is there also when no broker answers for a moment: append is UNAVAILABLE until one
     * does and has the same log, and if it has another, for ever; `other_topic` then hears why,
     * once, from the log's thread, and may not call the log. */
    const struct event_log_kafka_topic *known;
    void (*other_topic)(void *context, const struct error *why);
    void *other_topic_context;
    const struct clock *clock;
    const struct logger *logger;
};

/* Whether librdkafka takes the properties, without asking any broker. INVALID, with the words that
 * event_log_kafka_new has for it; UNAVAILABLE: no client could be made. */
MUST_USE enum status event_log_kafka_check(const struct event_log_kafka_config *config,
                                           struct error *err);

/* Connects, makes the topic where it is missing, starts the threads. INVALID: a property is
 * unknown, wrong or not to be set. UNAVAILABLE: no broker answered in time and the topic is not
 * known, or one did not let us. */
MUST_USE enum status event_log_kafka_new(const struct event_log_kafka_config *config,
                                         struct event_log **out_log, struct error *err);

/* Stands for brokers and topic as they are configured: the same for the same words. NO_MEMORY. */
MUST_USE enum status event_log_kafka_identify(const struct event_log_kafka_config *config,
                                              struct uuid *out_id, struct error *err);

/* What the topic is, or was when it was known last. */
void event_log_kafka_tell_topic(struct event_log *log, struct event_log_kafka_topic *out_topic);

/* Tells what the clients of Kafka told of themselves (base/metric_text.h). */
void event_log_kafka_tell_metrics(struct event_log *log, struct metric_text *text);

/* Gives up what was appended before and is not confirmed: each such append completes soon and in
 * order, as failed unless it was confirmed meanwhile. Returns at once. */
void event_log_kafka_purge(struct event_log *log);

/* Raises `out_first` to the first offset that each partition holds and `out_end` to the one behind
 * its last. Asks the broker. NOT_FOUND: there is no topic. UNAVAILABLE, TIMED_OUT, NO_MEMORY. */
MUST_USE enum status event_log_kafka_ends(struct event_log *log, struct position_set *out_first,
                                          struct position_set *out_end, struct error *err);

/* Raises `out_positions`, for each partition in `ends`, to the first offset that the topic took at
 * or after the time (milliseconds since 1970), or to its end when there is none. As above. */
MUST_USE enum status event_log_kafka_at_time(struct event_log *log, int64_t time_ms,
                                             const struct position_set *ends,
                                             struct position_set *out_positions, struct error *err);

/* As log_tail_source.open, of the topic that the configuration names; what it says of groups,
 * producing and an earlier life does not count. */
MUST_USE enum status event_log_kafka_tail_open(const struct event_log_kafka_config *config,
                                               const struct position_set *from,
                                               struct log_tail_begin *out_begin,
                                               struct log_tail **out_tail, struct error *err);
