#include "infrastructure/event_log_kafka/event_log_kafka.h"

#include "base/assert.h"
#include "infrastructure/event_log_kafka/kafka_log.h"

#include <stdlib.h>
#include <string.h>

enum {
    KNOWN_WAIT_MS =
        2000,           /* for the broker's first answers, where the topic is known without them */
    MEET_WAIT_MS = 1000 /* each time afterwards */
};

static struct kafka_log *kafka_of(struct event_log *log)
{
    return CONTAINER_OF(log, struct kafka_log, log);
}

static enum status kafka_append(struct event_log *log, const struct activity *activities,
                                size_t count, struct append_listener *listener,
                                struct append_ticket ticket)
{
    struct kafka_log *kafka = kafka_of(log);
    if (!atomic_load(&kafka->met) || kafka->producer == NULL) {
        return STATUS_UNAVAILABLE;
    }
    return kafka_producer_append(kafka->producer, activities, count, listener, ticket);
}

static enum status kafka_poll(struct event_log *log, size_t rows_max, unsigned wait_ms,
                              struct activity_batch *out_batch, struct error *err)
{
    struct kafka_log *kafka = kafka_of(log);
    ASSERT(kafka->reader != NULL);
    return kafka_reader_poll(kafka->reader, rows_max, wait_ms, out_batch, err);
}

static enum status kafka_seek(struct event_log *log, const struct position_set *positions,
                              struct error *err)
{
    struct kafka_log *kafka = kafka_of(log);
    ASSERT(kafka->reader != NULL);
    return kafka_reader_seek(kafka->reader, positions, err);
}

static enum status kafka_commit(struct event_log *log, const struct position_set *positions,
                                struct error *err)
{
    (void)err;
    struct kafka_log *kafka = kafka_of(log);
    ASSERT(kafka->reader != NULL);
    kafka_reader_commit(kafka->reader, positions);
    return STATUS_OK;
}

/* In a group only what this member reads: the others' part is no work of this process. */
static enum status kafka_end_position(struct event_log *log, struct position_set *out_positions)
{
    struct kafka_log *kafka = kafka_of(log);
    struct position_set ends;
    position_set_init(&ends);
    enum status status = kafka_health_ends(&kafka->health, &ends);
    for (size_t i = 0; status == STATUS_OK && i < ends.count; i++) {
        if (kafka->reader == NULL || kafka_reader_has(kafka->reader, ends.items[i].partition)) {
            status = position_set_raise(out_positions, ends.items[i]);
        }
    }
    position_set_deinit(&ends);
    return status;
}

static void kafka_describe(struct event_log *log, struct event_log_state *out_state)
{
    struct kafka_log *kafka = kafka_of(log);
    struct event_log_kafka_topic topic;
    event_log_kafka_tell_topic(log, &topic);
    *out_state = (struct event_log_state){
        .kind = "kafka",
        .log_id = topic.log_id,
        .durability = DURABILITY_REPLICATED,
        .missing = kafka->reader == NULL ? 0 : kafka_reader_missing(kafka->reader),
    };
    if (kafka->config.produces) {
        out_state->activity_bytes_max = kafka_producer_activity_bytes_max(topic.message_bytes_max);
    }
    out_state->accepting = kafka_health_accepting(&kafka->health, out_state->reason);
    if (!atomic_load(&kafka->met)) {
        return;
    }
    memcpy(out_state->warning, kafka->warning, sizeof out_state->warning);
    if (kafka->producer != NULL) {
        out_state->retry_after_s = kafka_producer_retry_after_s(kafka->producer);
    }
}

static void kafka_free(struct event_log *log)
{
    struct kafka_log *kafka = kafka_of(log);
    kafka_watch_stop(&kafka->watch);
    kafka_producer_free(kafka->producer);
    if (kafka->client != NULL) {
        rd_kafka_destroy(kafka->client);
    }
    if (!kafka_reader_free(kafka->reader)) {
        log_write(kafka->config.logger, LOG_WARNING,
                  "the client of Kafka cannot be ended now and is left behind", LOG_NO_FIELDS);
        return; /* its threads may still look at all of this */
    }
    kafka_statistics_deinit(&kafka->produced);
    kafka_statistics_deinit(&kafka->consumed);
    kafka_health_deinit(&kafka->health);
    kafka_lines_deinit(&kafka->lines);
    free(kafka->texts);
    free(kafka);
}

static const struct event_log_operations kafka_operations = {
    .append = kafka_append,
    .poll = kafka_poll,
    .seek = kafka_seek,
    .commit = kafka_commit,
    .end_position = kafka_end_position,
    .describe = kafka_describe,
    .free = kafka_free,
};

void event_log_kafka_purge(struct event_log *log)
{
    ASSERT(log->operations == &kafka_operations);
    struct kafka_log *kafka = kafka_of(log);
    if (atomic_load(&kafka->met) && kafka->producer != NULL) {
        kafka_producer_purge(kafka->producer);
    }
}

void event_log_kafka_tell_topic(struct event_log *log, struct event_log_kafka_topic *out_topic)
{
    struct kafka_log *kafka = kafka_of(log);
    *out_topic = kafka->known;
    if (atomic_load(&kafka->met)) {
        *out_topic = (struct event_log_kafka_topic){
            .log_id = kafka->facts.log_id,
            .partition_count = kafka->facts.partition_count,
            .message_bytes_max = kafka->facts.message_bytes_max,
        };
    }
}

void event_log_kafka_tell_metrics(struct event_log *log, struct metric_text *text)
{
    ASSERT(log->operations == &kafka_operations);
    struct kafka_log *kafka = kafka_of(log);
    kafka_statistics_tell_metrics(text, &kafka->produced, &kafka->consumed);
}

enum status event_log_kafka_ends(struct event_log *log, struct position_set *out_first,
                                 struct position_set *out_end, struct error *err)
{
    ASSERT(log->operations == &kafka_operations);
    return kafka_borders_ends(kafka_of(log), out_first, out_end, err);
}

enum status event_log_kafka_at_time(struct event_log *log, int64_t time_ms,
                                    const struct position_set *ends,
                                    struct position_set *out_positions, struct error *err)
{
    ASSERT(log->operations == &kafka_operations);
    return kafka_borders_at_time(kafka_of(log), time_ms, ends, out_positions, err);
}

/* The configuration -------------------------------------------------------------------------- */

static const char *copy_text(char **at, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = memcpy(*at, text, size);
    *at += size;
    return copy;
}

static size_t bytes_of(const struct event_log_kafka_config *config)
{
    size_t bytes = config->property_count * sizeof *config->properties + strlen(config->topic) +
                   strlen(config->group) + strlen(config->instance_id) + 3;
    for (size_t i = 0; i < config->property_count; i++) {
        bytes += strlen(config->properties[i].name) + strlen(config->properties[i].value) + 2;
    }
    return bytes;
}

/* A producer may have to be made anew at any time, so all texts are kept. */
static enum status keep_config(struct kafka_log *kafka, const struct event_log_kafka_config *config,
                               struct error *err)
{
    kafka->texts = malloc(bytes_of(config));
    if (kafka->texts == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for the Kafka log");
    }
    struct event_log_kafka_property *properties = kafka->texts;
    char *at = (char *)(properties + config->property_count);
    for (size_t i = 0; i < config->property_count; i++) {
        properties[i].name = copy_text(&at, config->properties[i].name);
        properties[i].value = copy_text(&at, config->properties[i].value);
    }
    kafka->config = *config;
    kafka->config.properties = properties;
    kafka->config.topic = copy_text(&at, config->topic);
    kafka->config.group = copy_text(&at, config->group);
    kafka->config.instance_id = copy_text(&at, config->instance_id);
    if (kafka->config.queue_bytes_max == 0) {
        kafka->config.queue_bytes_max = EVENT_LOG_KAFKA_QUEUE_BYTES_DEFAULT;
    }
    if (kafka->config.connect_timeout_ms == 0) {
        kafka->config.connect_timeout_ms = EVENT_LOG_KAFKA_CONNECT_TIMEOUT_MS_DEFAULT;
    }
    return STATUS_OK;
}

/* Opening ------------------------------------------------------------------------------------ */

static enum status open_reader(struct kafka_log *kafka, struct error *err)
{
    const struct kafka_reader_config config = {
        .log = &kafka->config,
        .lines = &kafka->lines,
        .health = &kafka->health,
        .statistics = &kafka->consumed,
        .log_id = kafka->facts.log_id,
        .partition_count = kafka->facts.partition_count,
    };
    enum status status = kafka_reader_new(&config, &kafka->reader, err);
    if (status != STATUS_OK) {
        return status;
    }
    return kafka_reader_learn_ends(kafka->reader, (int)kafka->config.connect_timeout_ms, err);
}

static enum status open_producer(struct kafka_log *kafka, struct error *err)
{
    const struct kafka_producer_config config = {
        .log = &kafka->config,
        .lines = &kafka->lines,
        .health = &kafka->health,
        .statistics = &kafka->produced,
        .log_id = kafka->facts.log_id,
        .message_bytes_max = kafka->facts.message_bytes_max,
    };
    return kafka_producer_new(&config, &kafka->producer, err);
}

static void warn(struct kafka_log *kafka)
{
    kafka_topic_warn(&kafka->facts, kafka->config.topic, kafka->warning);
    if (kafka->warning[0] != '\0') {
        log_write(kafka->config.logger, LOG_WARNING, kafka->warning, LOG_NO_FIELDS);
    }
}

/* What can only be done with a topic that was seen. */
static enum status open_parts(struct kafka_log *kafka, struct error *err)
{
    enum status status = STATUS_OK;
    if (kafka->config.produces) {
        status = open_producer(kafka, err);
    }
    if (status == STATUS_OK && kafka->config.consumes) {
        status = open_reader(kafka, err);
    }
    if (status == STATUS_OK) {
        warn(kafka);
        atomic_store(&kafka->met, true);
    }
    return status;
}

/* Meeting a topic that is only known ---------------------------------------------------------- */

static void tell_met(struct kafka_log *kafka)
{
    kafka_health_answered(&kafka->health, true, "");
    log_write(kafka->config.logger, LOG_INFO,
              "Kafka answers for the first time since the start, and has the topic that was known",
              LOG_FIELDS(log_text("topic", str_from(kafka->config.topic))));
}

/* A broker that did not tell the topic's limit in time, or does not let us ask, most likely has the
 * one that it told before; without it, batches are made that it refuses again and again. */
static enum status see_known(struct kafka_log *kafka, unsigned wait_ms, struct error *err)
{
    enum status status =
        kafka_topic_learn(&kafka->config, kafka->client, wait_ms, &kafka->facts, err);
    if (status != STATUS_OK) {
        return status;
    }
    if (kafka->facts.message_bytes_max < 0) {
        kafka->facts.message_bytes_max = kafka->known.message_bytes_max;
    }
    return open_parts(kafka, err);
}

/* On the watch's thread, until it is OK, or CORRUPT: then never again. */
static enum status meet(void *context)
{
    struct kafka_log *kafka = context;
    struct error err;
    enum status status = see_known(kafka, MEET_WAIT_MS, &err);
    if (status == STATUS_OK) {
        tell_met(kafka);
    } else {
        kafka_health_unreachable(&kafka->health, err.message);
    }
    if (status == STATUS_CORRUPT && kafka->config.other_topic != NULL) {
        kafka->config.other_topic(kafka->config.other_topic_context, &err);
    }
    return status;
}

/* Opening ------------------------------------------------------------------------------------ */

static void tell_away(struct kafka_log *kafka, const struct error *why)
{
    kafka->config.known = &kafka->known;
    kafka_health_unreachable(&kafka->health, why->message);
    log_write(kafka->config.logger, LOG_WARNING,
              "Kafka does not answer at the start; its topic is known from an earlier one and is "
              "asked for until it is there",
              LOG_FIELDS(log_text("topic", str_from(kafka->config.topic)),
                         log_text("error", str_from(why->message))));
}

/* Sees the topic, or leaves that to the watch. A topic that answers at once is what it is: whether
 * it may be another one than before is for those to say who know what waits for it. */
static enum status look_first(struct kafka_log *kafka, struct error *err)
{
    struct event_log_kafka_config *config = &kafka->config;
    unsigned wait_ms =
        config->connect_timeout_ms < KNOWN_WAIT_MS ? config->connect_timeout_ms : KNOWN_WAIT_MS;
    const struct event_log_kafka_topic *known = config->consumes ? NULL : config->known;
    config->known = NULL;
    if (known == NULL) {
        enum status status =
            kafka_topic_open(config, &kafka->context, &kafka->client, &kafka->facts, err);
        return status == STATUS_OK ? open_parts(kafka, err) : status;
    }
    kafka->known = *known;
    enum status status = kafka_topic_connect(config, &kafka->context, &kafka->client, err);
    if (status == STATUS_OK) {
        status = see_known(kafka, wait_ms, err);
    }
    if (status == STATUS_TIMED_OUT) {
        tell_away(kafka, err);
        return STATUS_OK;
    }
    return status;
}

static enum status start_watch(struct kafka_log *kafka, struct error *err)
{
    struct event_log_kafka_topic topic;
    event_log_kafka_tell_topic(&kafka->log, &topic);
    const struct kafka_watch_config config = {
        .log = &kafka->config,
        .client = kafka->client,
        .health = &kafka->health,
        .reader = kafka->reader,
        .partition_count = topic.partition_count,
        .meet = atomic_load(&kafka->met) ? NULL : meet,
        .meet_context = kafka,
    };
    return kafka_watch_start(&kafka->watch, &config, err);
}

enum status event_log_kafka_new(const struct event_log_kafka_config *config,
                                struct event_log **out_log, struct error *err)
{
    ASSERT(config->produces || config->consumes);
    ASSERT(config->queue_bytes_max == 0 ||
           config->queue_bytes_max >= EVENT_LOG_KAFKA_QUEUE_BYTES_MIN);
    struct kafka_log *kafka = calloc(1, sizeof *kafka);
    if (kafka == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for the Kafka log");
    }
    kafka->log.operations = &kafka_operations;
    kafka_lines_init(&kafka->lines, config->logger, config->clock);
    kafka_health_init(&kafka->health, config->clock);
    kafka_statistics_init(&kafka->produced, config->clock);
    kafka_statistics_init(&kafka->consumed, config->clock);
    kafka->context.lines = &kafka->lines;
    enum status status = keep_config(kafka, config, err);
    if (status == STATUS_OK) {
        status = look_first(kafka, err);
    }
    if (status == STATUS_OK) {
        status = start_watch(kafka, err);
    }
    if (status != STATUS_OK) {
        kafka_free(&kafka->log);
        return status;
    }
    *out_log = &kafka->log;
    return STATUS_OK;
}
