#include "infrastructure/event_log_kafka/kafka_client.h"

#include "base/assert.h"
#include "base/condition.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SYSLOG_ERROR = 3, SYSLOG_WARNING = 4, SYSLOG_INFO = 6 };

void kafka_lines_init(struct kafka_lines *lines, const struct logger *logger,
                      const struct clock *clock)
{
    *lines = (struct kafka_lines){.logger = logger, .clock = clock};
    pthread_mutex_init(&lines->mutex, NULL);
}

void kafka_lines_deinit(struct kafka_lines *lines)
{
    pthread_mutex_destroy(&lines->mutex);
}

void kafka_lines_last(struct kafka_lines *lines, char out_text[ERROR_MESSAGE_BYTES])
{
    pthread_mutex_lock(&lines->mutex);
    memcpy(out_text, lines->last, ERROR_MESSAGE_BYTES);
    pthread_mutex_unlock(&lines->mutex);
}

/* Whether it is time to tell something of this kind again; under the lock. There are fewer kinds
 * than places; should that change, the last place is shared. */
static bool may_tell(struct kafka_lines *lines, const char *kind)
{
    uint64_t now_ms = clock_monotonic_ms(lines->clock);
    size_t i = 0;
    while (i < lines->kind_count &&
           strncmp(lines->kinds[i].kind, kind, KAFKA_LOG_KIND_BYTES - 1) != 0) {
        i++;
    }
    if (i < lines->kind_count && now_ms - lines->kinds[i].told_at_ms < KAFKA_LOG_EVERY_MS) {
        return false;
    }
    if (i == lines->kind_count && i < KAFKA_LOG_KINDS) {
        snprintf(lines->kinds[i].kind, KAFKA_LOG_KIND_BYTES, "%s", kind);
        lines->kind_count++;
    }
    lines->kinds[i < KAFKA_LOG_KINDS ? i : KAFKA_LOG_KINDS - 1].told_at_ms = now_ms;
    return true;
}

/* librdkafka calls its failures errors; what is an error for the service, the log itself tells. */
static void write_line(const rd_kafka_t *client, int level, const char *kind, const char *text)
{
    const struct kafka_context *context = rd_kafka_opaque(client);
    struct kafka_lines *lines = context->lines;
    pthread_mutex_lock(&lines->mutex);
    bool told = may_tell(lines, kind);
    if (level <= SYSLOG_ERROR) {
        snprintf(lines->last, sizeof lines->last, "%s", text);
    }
    pthread_mutex_unlock(&lines->mutex);
    if (told) {
        enum log_level ours = level <= SYSLOG_WARNING ? LOG_WARNING
                              : level <= SYSLOG_INFO  ? LOG_INFO
                                                      : LOG_DEBUG;
        log_write(lines->logger, ours, "the Kafka client says",
                  LOG_FIELDS(log_text("kind", str_from(kind)), log_text("text", str_from(text))));
    }
}

/* The promises of the log stand on these, or they have a setting of their own. */
static const char *const owned[] = {
    "acks",
    "allow.auto.create.topics",
    "auto.commit.enable",
    "auto.offset.reset",
    "delivery.report.only.error",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.gapless.guarantee",
    "enable.idempotence",
    "enable.partition.eof",
    "enabled_events",
    "group.id",
    "group.instance.id",
    "log.queue",
    "opaque",
    "request.required.acks",
    "transactional.id",
};

static bool is_owned(const char *name)
{
    size_t len = strlen(name);
    if (len > 3 && strcmp(name + len - 3, "_cb") == 0) {
        return true;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(owned); i++) {
        if (strcmp(owned[i], name) == 0) {
            return true;
        }
    }
    return false;
}

void kafka_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char text[ERROR_MESSAGE_BYTES];
    rd_kafka_conf_res_t result = rd_kafka_conf_set(conf, name, value, text, sizeof text);
    ASSERT(result == RD_KAFKA_CONF_OK);
}

int64_t kafka_conf_number(const rd_kafka_conf_t *conf, const char *name)
{
    char text[32];
    size_t size = sizeof text;
    rd_kafka_conf_res_t result = rd_kafka_conf_get(conf, name, text, &size);
    ASSERT(result == RD_KAFKA_CONF_OK);
    return strtoll(text, NULL, 10);
}

static enum status apply_property(rd_kafka_conf_t *conf,
                                  const struct event_log_kafka_property *property,
                                  struct error *err)
{
    char text[ERROR_MESSAGE_BYTES];
    if (is_owned(property->name)) {
        return error_set(err, STATUS_INVALID, 0,
                         "the Kafka property %s is not to be set: usertrail needs it as it is",
                         property->name);
    }
    if (rd_kafka_conf_set(conf, property->name, property->value, text, sizeof text) !=
        RD_KAFKA_CONF_OK) {
        return error_set(err, STATUS_INVALID, 0, "the Kafka property %s: %s", property->name, text);
    }
    return STATUS_OK;
}

static bool names_brokers(const struct event_log_kafka_config *config)
{
    for (size_t i = 0; i < config->property_count; i++) {
        const char *name = config->properties[i].name;
        if (strcmp(name, "bootstrap.servers") == 0 || strcmp(name, "metadata.broker.list") == 0) {
            return config->properties[i].value[0] != '\0';
        }
    }
    return false;
}

/* Reconnecting is quick, since a restarted broker is back within seconds. Topics come into being
 * only by event_log_kafka_new, never by a message for one that somebody has deleted. */
static const struct event_log_kafka_property common_defaults[] = {
    {"client.id", "usertrail"},
    {"allow.auto.create.topics", "false"},
    {"topic.metadata.refresh.interval.ms", "5000"},
    {"metadata.max.age.ms", "15000"},
    {"socket.keepalive.enable", "true"},
    {"socket.connection.setup.timeout.ms", "5000"},
    {"reconnect.backoff.ms", "100"},
    {"reconnect.backoff.max.ms", "1000"},
    {"log.connection.close", "false"},
};

enum status kafka_conf_make(const struct event_log_kafka_config *config,
                            struct kafka_defaults defaults, struct kafka_context *context,
                            rd_kafka_conf_t **out_conf, struct error *err)
{
    if (!names_brokers(config)) {
        return error_set(err, STATUS_INVALID, 0,
                         "the Kafka property bootstrap.servers is missing: it names the brokers");
    }
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_opaque(conf, context);
    rd_kafka_conf_set_log_cb(conf, write_line);
    for (size_t i = 0; i < ARRAY_LENGTH(common_defaults); i++) {
        kafka_conf_set(conf, common_defaults[i].name, common_defaults[i].value);
    }
    for (size_t i = 0; i < defaults.count; i++) {
        kafka_conf_set(conf, defaults.items[i].name, defaults.items[i].value);
    }
    for (size_t i = 0; i < config->property_count; i++) {
        enum status status = apply_property(conf, &config->properties[i], err);
        if (status != STATUS_OK) {
            rd_kafka_conf_destroy(conf);
            return status;
        }
    }
    *out_conf = conf;
    return STATUS_OK;
}

enum status kafka_client_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, rd_kafka_t **out_client,
                             struct error *err)
{
    char text[ERROR_MESSAGE_BYTES];
    rd_kafka_t *client = rd_kafka_new(type, conf, text, sizeof text);
    if (client == NULL) {
        bool wrong = rd_kafka_last_error() == RD_KAFKA_RESP_ERR__INVALID_ARG;
        rd_kafka_conf_destroy(conf);
        return error_set(err, wrong ? STATUS_INVALID : STATUS_UNAVAILABLE, 0,
                         "cannot make a Kafka client: %s", text);
    }
    *out_client = client;
    return STATUS_OK;
}

/* --- the end of a consumer --- */

enum { END_WAIT_MS_MAX = 10000 };

struct ending {
    rd_kafka_t *client;
    int flags;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    bool ended;
    bool abandoned; /* nobody waits any more: the thread frees this */
};

static void ending_free(struct ending *ending)
{
    pthread_cond_destroy(&ending->changed);
    pthread_mutex_destroy(&ending->mutex);
    free(ending);
}

static void *run_ending(void *context)
{
    struct ending *ending = context;
    rd_kafka_destroy_flags(ending->client, ending->flags);
    pthread_mutex_lock(&ending->mutex);
    ending->ended = true;
    bool abandoned = ending->abandoned;
    pthread_cond_signal(&ending->changed);
    pthread_mutex_unlock(&ending->mutex);
    if (abandoned) {
        ending_free(ending);
    }
    return NULL;
}

static bool wait_for_end(struct ending *ending)
{
    struct timespec deadline = condition_deadline(END_WAIT_MS_MAX);
    pthread_mutex_lock(&ending->mutex);
    while (!ending->ended && condition_wait_until(&ending->changed, &ending->mutex, &deadline)) {
    }
    bool ended = ending->ended;
    ending->abandoned = !ended;
    pthread_mutex_unlock(&ending->mutex);
    return ended;
}

bool kafka_consumer_destroy(rd_kafka_t *client, int flags)
{
    pthread_t thread;
    struct ending *ending = calloc(1, sizeof *ending);
    if (ending == NULL) {
        rd_kafka_destroy_flags(client, flags);
        return true;
    }
    *ending = (struct ending){.client = client, .flags = flags};
    pthread_mutex_init(&ending->mutex, NULL);
    condition_init(&ending->changed);
    if (pthread_create(&thread, NULL, run_ending, ending) != 0) {
        rd_kafka_destroy_flags(client, flags);
        ending_free(ending);
        return true;
    }
    if (!wait_for_end(ending)) {
        pthread_detach(thread);
        return false;
    }
    pthread_join(thread, NULL);
    ending_free(ending);
    return true;
}

/* --- errors --- */

enum status kafka_status(rd_kafka_resp_err_t code)
{
    switch (code) {
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
        return STATUS_TIMED_OUT;
    default:
        return STATUS_UNAVAILABLE;
    }
}

void kafka_tell(rd_kafka_resp_err_t code, const char *topic, char out_text[ERROR_MESSAGE_BYTES])
{
    switch (code) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
        snprintf(
            out_text, ERROR_MESSAGE_BYTES,
            "an activity is larger than Kafka takes: raise max.message.bytes of the topic %.64s",
            topic);
        return;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
        snprintf(out_text, ERROR_MESSAGE_BYTES,
                 "Kafka has no topic %.64s any more; a restart of usertrail makes it anew", topic);
        return;
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND:
        snprintf(out_text, ERROR_MESSAGE_BYTES,
                 "the topic %.64s has fewer replicas in sync than min.insync.replicas", topic);
        return;
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
        snprintf(out_text, ERROR_MESSAGE_BYTES,
                 "Kafka did not confirm within the time of delivery.timeout.ms");
        return;
    default:
        snprintf(out_text, ERROR_MESSAGE_BYTES, "%s", rd_kafka_err2str(code));
    }
}
