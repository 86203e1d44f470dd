#pragma once
/*
 * What a log on Kafka knows of its broker: whether it answers, whether the topic is there, how the
 * newest delivery went, how far each partition is known to reach. Written by the log's threads,
 * read by anybody; a short lock of its own. Any thread.
 */
#include "application/event_log.h"
#include "base/clock.h"

#include <pthread.h>

struct kafka_health {
    const struct clock *clock;
    pthread_mutex_t mutex; /* guards what follows */
    bool reachable;
    bool topic_there;
    bool suspected;                   /* that it is away: somebody should look */
    char reason[ERROR_MESSAGE_BYTES]; /* why it is not */
    bool delivery_failed;
    uint64_t delivery_failed_at_ms;
    char delivery_reason[ERROR_MESSAGE_BYTES];
    struct position_set ends;
};

void kafka_health_init(struct kafka_health *health, const struct clock *clock);
void kafka_health_deinit(struct kafka_health *health);

/* The broker answered, and has the topic or not. */
void kafka_health_answered(struct kafka_health *health, bool topic_there, const char *reason);
void kafka_health_unreachable(struct kafka_health *health, const char *reason);

/* A client lost its connections, which may mean nothing: brokers close those that are idle. */
void kafka_health_suspect(struct kafka_health *health);

/* Whether somebody should look; asks once for each suspicion. */
bool kafka_health_is_suspected(struct kafka_health *health);

void kafka_health_delivered(struct kafka_health *health);
void kafka_health_not_delivered(struct kafka_health *health, const char *reason);

/* The partition holds what lies below `end.offset`. Without memory nothing happens: the end is
 * heard of again. */
void kafka_health_raise_end(struct kafka_health *health, struct position end);

/* As event_log_end_position, for all partitions. */
MUST_USE enum status kafka_health_ends(struct kafka_health *health, struct position_set *out_ends);
int64_t kafka_health_end_of(struct kafka_health *health, int32_t partition);

/* UNAVAILABLE with the reason when appends would not be confirmed now. */
MUST_USE enum status kafka_health_accepting(struct kafka_health *health,
                                            char out_reason[ERROR_MESSAGE_BYTES]);

/* UNAVAILABLE with the reason when nothing can be read now. */
MUST_USE enum status kafka_health_readable(struct kafka_health *health, struct error *err);

bool kafka_health_is_reachable(struct kafka_health *health);
