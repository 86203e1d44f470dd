#include "infrastructure/event_log_kafka/kafka_watch.h"

#include "base/condition.h"
#include "infrastructure/event_log_kafka/kafka_topic.h"

enum {
    TURN_MS = 100,
    LOOK_EVERY_MS = 5000,
    LOOK_AGAIN_MS = 1000, /* while the broker is away */
    LOOK_TIMEOUT_MS = 1000
};

static void tell_change(struct kafka_watch *watch, bool fine, const struct error *err)
{
    const struct logger *logger = watch->config.log->logger;
    if (fine) {
        log_write(logger, LOG_INFO, "Kafka answers again", LOG_NO_FIELDS);
    } else {
        log_error(logger, "Kafka cannot be used now", err);
    }
}

static void take_partitions(struct kafka_watch *watch, int32_t count)
{
    if (count > watch->config.partition_count) {
        watch->config.partition_count = count;
        if (watch->config.reader != NULL) {
            kafka_reader_grow(watch->config.reader, count);
        }
    }
}

static void look(struct kafka_watch *watch)
{
    struct kafka_health *health = watch->config.health;
    bool fine_before = kafka_health_is_reachable(health);
    int32_t count = 0;
    struct error err;
    enum status status = kafka_topic_look(watch->config.client, watch->config.log->topic,
                                          LOOK_TIMEOUT_MS, &count, &err);
    if (status == STATUS_OK) {
        kafka_health_answered(health, true, "");
        take_partitions(watch, count);
    } else if (status == STATUS_NOT_FOUND) {
        kafka_health_answered(health, false, err.message);
    } else {
        kafka_health_unreachable(health, err.message);
    }
    bool fine = status == STATUS_OK;
    if (fine != fine_before) {
        tell_change(watch, fine, &err);
    }
    watch->look_at_ms =
        clock_monotonic_ms(watch->config.log->clock) + (fine ? LOOK_EVERY_MS : LOOK_AGAIN_MS);
}

/* Before anything else can be looked at. */
static void meet(struct kafka_watch *watch)
{
    enum status status = watch->config.meet(watch->config.meet_context);
    bool fine = status == STATUS_OK;
    if (fine) {
        watch->config.meet = NULL;
    }
    uint64_t wait_ms = fine ? LOOK_EVERY_MS : LOOK_AGAIN_MS;
    watch->look_at_ms = status == STATUS_CORRUPT
                            ? UINT64_MAX
                            : clock_monotonic_ms(watch->config.log->clock) + wait_ms;
}

/* False when it is time to stop. */
static bool wait_a_turn(struct kafka_watch *watch)
{
    struct timespec deadline = condition_deadline(watch->config.reader == NULL ? TURN_MS : 0);
    pthread_mutex_lock(&watch->mutex);
    while (!watch->stopping && condition_wait_until(&watch->stopped, &watch->mutex, &deadline)) {
    }
    bool go_on = !watch->stopping;
    pthread_mutex_unlock(&watch->mutex);
    return go_on;
}

static void *run(void *context)
{
    struct kafka_watch *watch = context;
    while (wait_a_turn(watch)) {
        if (watch->config.reader != NULL) {
            kafka_reader_serve(watch->config.reader, TURN_MS);
        }
        bool due = clock_monotonic_ms(watch->config.log->clock) >= watch->look_at_ms;
        if (watch->config.meet != NULL) {
            if (due) {
                meet(watch);
            }
        } else if (kafka_health_is_suspected(watch->config.health) || due) {
            look(watch);
        }
    }
    return NULL;
}

enum status kafka_watch_start(struct kafka_watch *watch, const struct kafka_watch_config *config,
                              struct error *err)
{
    *watch = (struct kafka_watch){.config = *config};
    watch->look_at_ms = clock_monotonic_ms(config->log->clock) +
                        (config->meet == NULL ? LOOK_EVERY_MS : LOOK_AGAIN_MS);
    pthread_mutex_init(&watch->mutex, NULL);
    condition_init(&watch->stopped);
    int result = pthread_create(&watch->thread, NULL, run, watch);
    if (result != 0) {
        pthread_cond_destroy(&watch->stopped);
        pthread_mutex_destroy(&watch->mutex);
        return error_set(err, STATUS_UNAVAILABLE, result,
                         "cannot start the thread of the Kafka log");
    }
    watch->running = true;
    return STATUS_OK;
}

void kafka_watch_stop(struct kafka_watch *watch)
{
    if (!watch->running) {
        return;
    }
    pthread_mutex_lock(&watch->mutex);
    watch->stopping = true;
    pthread_cond_signal(&watch->stopped);
    pthread_mutex_unlock(&watch->mutex);
    pthread_join(watch->thread, NULL);
    pthread_cond_destroy(&watch->stopped);
    pthread_mutex_destroy(&watch->mutex);
    watch->running = false;
}
