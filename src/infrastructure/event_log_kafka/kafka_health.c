#include "infrastructure/event_log_kafka/kafka_health.h"

#include <stdio.h>
#include <string.h>

/* A delivery that failed says nothing about the next one for longer: without it a load balancer
 * that sends nothing to who does not accept would never let anybody find out. */
enum { DELIVERY_FAILED_COUNTS_MS = 5000 };

void kafka_health_init(struct kafka_health *health, const struct clock *clock)
{
    *health = (struct kafka_health){.clock = clock, .reachable = true, .topic_there = true};
    pthread_mutex_init(&health->mutex, NULL);
    position_set_init(&health->ends);
}

void kafka_health_deinit(struct kafka_health *health)
{
    position_set_deinit(&health->ends);
    pthread_mutex_destroy(&health->mutex);
}

static void note(struct kafka_health *health, bool reachable, bool topic_there, const char *reason)
{
    pthread_mutex_lock(&health->mutex);
    health->reachable = reachable;
    health->topic_there = topic_there;
    snprintf(health->reason, sizeof health->reason, "%s", reason);
    pthread_mutex_unlock(&health->mutex);
}

void kafka_health_answered(struct kafka_health *health, bool topic_there, const char *reason)
{
    note(health, true, topic_there, reason);
}

void kafka_health_unreachable(struct kafka_health *health, const char *reason)
{
    note(health, false, true, reason);
}

void kafka_health_suspect(struct kafka_health *health)
{
    pthread_mutex_lock(&health->mutex);
    health->suspected = true;
    pthread_mutex_unlock(&health->mutex);
}

bool kafka_health_is_suspected(struct kafka_health *health)
{
    pthread_mutex_lock(&health->mutex);
    bool suspected = health->suspected;
    health->suspected = false;
    pthread_mutex_unlock(&health->mutex);
    return suspected;
}

void kafka_health_delivered(struct kafka_health *health)
{
    pthread_mutex_lock(&health->mutex);
    health->delivery_failed = false;
    health->reachable = true;
    health->topic_there = true;
    pthread_mutex_unlock(&health->mutex);
}

void kafka_health_not_delivered(struct kafka_health *health, const char *reason)
{
    pthread_mutex_lock(&health->mutex);
    health->delivery_failed = true;
    health->delivery_failed_at_ms = clock_monotonic_ms(health->clock);
    snprintf(health->delivery_reason, sizeof health->delivery_reason, "%s", reason);
    pthread_mutex_unlock(&health->mutex);
}

void kafka_health_raise_end(struct kafka_health *health, struct position end)
{
    pthread_mutex_lock(&health->mutex);
    enum status status = position_set_raise(&health->ends, end);
    (void)status;
    pthread_mutex_unlock(&health->mutex);
}

enum status kafka_health_ends(struct kafka_health *health, struct position_set *out_ends)
{
    pthread_mutex_lock(&health->mutex);
    enum status status = position_set_raise_all(out_ends, &health->ends);
    pthread_mutex_unlock(&health->mutex);
    return status;
}

int64_t kafka_health_end_of(struct kafka_health *health, int32_t partition)
{
    pthread_mutex_lock(&health->mutex);
    int64_t end = position_set_get(&health->ends, partition);
    pthread_mutex_unlock(&health->mutex);
    return end;
}

enum status kafka_health_accepting(struct kafka_health *health,
                                   char out_reason[ERROR_MESSAGE_BYTES])
{
    pthread_mutex_lock(&health->mutex);
    bool failed = health->delivery_failed &&
                  clock_monotonic_ms(health->clock) - health->delivery_failed_at_ms <
                      DELIVERY_FAILED_COUNTS_MS;
    bool away = !health->reachable || !health->topic_there;
    snprintf(out_reason, ERROR_MESSAGE_BYTES, "%s",
             away     ? health->reason
             : failed ? health->delivery_reason
                      : "");
    pthread_mutex_unlock(&health->mutex);
    return away || failed ? STATUS_UNAVAILABLE : STATUS_OK;
}

enum status kafka_health_readable(struct kafka_health *health, struct error *err)
{
    pthread_mutex_lock(&health->mutex);
    bool away = !health->reachable || !health->topic_there;
    enum status status =
        away ? error_set(err, STATUS_UNAVAILABLE, 0, "%s", health->reason) : STATUS_OK;
    pthread_mutex_unlock(&health->mutex);
    return status;
}

bool kafka_health_is_reachable(struct kafka_health *health)
{
    pthread_mutex_lock(&health->mutex);
    bool reachable = health->reachable && health->topic_there;
    pthread_mutex_unlock(&health->mutex);
    return reachable;
}
