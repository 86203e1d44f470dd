#include "infrastructure/event_log_kafka/kafka_topic.h"

#include "infrastructure/event_log_kafka/kafka_identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    MAKE_TIMEOUT_MS = 5000,
    SETTINGS_TIMEOUT_MS = 1000, /* the log works without them */
    LOOK_AGAIN_MS = 50,
    SCRAM_MENDED_VERSION = 0x020601ff /* of librdkafka: below it, new brokers refuse its SCRAM */
};

/* What the steps of opening share. */
struct opening {
    const struct event_log_kafka_config *config;
    struct kafka_lines *lines;
    rd_kafka_t *client;
    unsigned timeout_ms;
    uint64_t deadline_ms;
};

static int time_left_ms(const struct opening *opening)
{
    uint64_t now_ms = clock_monotonic_ms(opening->config->clock);
    return now_ms < opening->deadline_ms ? (int)(opening->deadline_ms - now_ms) : 0;
}

static void rest(void)
{
    const struct timespec pause = {.tv_nsec = LOOK_AGAIN_MS * 1000000L};
    nanosleep(&pause, NULL);
}

/* Looking ------------------------------------------------------------------------------------ */

static int fewest_replicas(const struct rd_kafka_metadata_topic *topic)
{
    int fewest = topic->partition_cnt == 0 ? 0 : topic->partitions[0].replica_cnt;
    for (int i = 1; i < topic->partition_cnt; i++) {
        if (topic->partitions[i].replica_cnt < fewest) {
            fewest = topic->partitions[i].replica_cnt;
        }
    }
    return fewest;
}

/* A topic that has just been made has no leaders yet. */
static bool has_leaders(const struct rd_kafka_metadata_topic *topic)
{
    for (int i = 0; i < topic->partition_cnt; i++) {
        if (topic->partitions[i].leader < 0) {
            return false;
        }
    }
    return topic->partition_cnt > 0;
}

static enum status judge(const struct rd_kafka_metadata *metadata, const char *name,
                         struct kafka_topic_facts *out_facts, struct error *err)
{
    const struct rd_kafka_metadata_topic *topic =
        metadata->topic_cnt == 1 ? &metadata->topics[0] : NULL;
    rd_kafka_resp_err_t code = topic == NULL ? RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART : topic->err;
    if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
        char text[ERROR_MESSAGE_BYTES];
        kafka_tell(code, name, text);
        return error_set(err, STATUS_NOT_FOUND, 0, "%s", text);
    }
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE) {
        return error_set(err, STATUS_UNAVAILABLE, 0, "the topic %.64s: %s", name,
                         rd_kafka_err2str(code));
    }
    if (!has_leaders(topic)) {
        return error_set(err, STATUS_BUSY, 0, "a partition of the topic %.64s has no leader", name);
    }
    out_facts->partition_count = topic->partition_cnt;
    out_facts->replication = fewest_replicas(topic);
    return STATUS_OK;
}

/* Called by rd_kafka_poll. */
static void note_error(rd_kafka_t *client, int code, const char *reason, void *opaque)
{
    const struct kafka_context *context = opaque;
    (void)client;
    (void)reason;
    if (code == RD_KAFKA_RESP_ERR__AUTHENTICATION || code == RD_KAFKA_RESP_ERR__SSL) {
        context->lines->closed_by = (rd_kafka_resp_err_t)code;
    }
}

/* BUSY: it is there, but not all of its partitions have a leader. */
static enum status ask(rd_kafka_t *client, const char *name, int timeout_ms,
                       struct kafka_topic_facts *out_facts, struct error *err)
{
    rd_kafka_topic_t *topic = rd_kafka_topic_new(client, name, NULL);
    if (topic == NULL) {
        return error_set(err, STATUS_INVALID, 0, "%.64s is no name of a Kafka topic", name);
    }
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t code = rd_kafka_metadata(client, 0, topic, &metadata, timeout_ms);
    rd_kafka_topic_destroy(topic);
    (void)rd_kafka_poll(client, 0); /* all that waits, so that it does not grow */
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return error_set(err, STATUS_TIMED_OUT, 0, "no Kafka broker answers: %s",
                         rd_kafka_err2str(code));
    }
    enum status status = judge(metadata, name, out_facts, err);
    rd_kafka_metadata_destroy(metadata);
    return status;
}

enum status kafka_topic_look(rd_kafka_t *client, const char *topic, int timeout_ms,
                             int32_t *out_partition_count, struct error *err)
{
    struct kafka_topic_facts facts = {0};
    enum status status = ask(client, topic, timeout_ms, &facts, err);
    if (status == STATUS_BUSY) {
        return error_set(err, STATUS_UNAVAILABLE, 0, "a partition of the topic %.64s has no leader",
                         topic);
    }
    if (status == STATUS_OK) {
        *out_partition_count = facts.partition_count;
    }
    return status;
}

/* Making ------------------------------------------------------------------------------------- */

static enum status judge_creation(const struct opening *opening, rd_kafka_event_t *event,
                                  struct error *err)
{
    const char *name = opening->config->topic;
    if (event == NULL || rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return error_set(err, STATUS_UNAVAILABLE, 0, "cannot make the topic %.64s: %s", name,
                         event == NULL ? "no answer" : rd_kafka_event_error_string(event));
    }
    size_t count = 0;
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    rd_kafka_resp_err_t code =
        count == 1 ? rd_kafka_topic_result_error(results[0]) : RD_KAFKA_RESP_ERR_NO_ERROR;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        log_write(opening->config->logger, LOG_INFO, "the topic was missing and has been made",
                  LOG_FIELDS(log_text("topic", str_from(name))));
        return STATUS_OK;
    }
    if (code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
        return STATUS_OK;
    }
    const char *why = rd_kafka_topic_result_error_string(results[0]);
    return error_set(err, STATUS_UNAVAILABLE, 0, "cannot make the topic %.64s: %s", name,
                     why == NULL ? rd_kafka_err2str(code) : why);
}

static enum status make_topic(struct opening *opening, struct error *err)
{
    const struct event_log_kafka_config *config = opening->config;
    char text[ERROR_MESSAGE_BYTES];
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(config->topic, config->partitions,
                                                       config->replication, text, sizeof text);
    if (topic == NULL) {
        return error_set(err, STATUS_INVALID, 0, "cannot make the topic %.64s: %s", config->topic,
                         text);
    }
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(opening->client, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_resp_err_t code =
        rd_kafka_AdminOptions_set_operation_timeout(options, MAKE_TIMEOUT_MS, text, sizeof text);
    (void)code; /* the time is within its range */
    rd_kafka_queue_t *queue = rd_kafka_queue_new(opening->client);
    rd_kafka_CreateTopics(opening->client, &topic, 1, options, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, MAKE_TIMEOUT_MS + 1000);
    enum status status = judge_creation(opening, event, err);
    if (event != NULL) {
        rd_kafka_event_destroy(event);
    }
    rd_kafka_queue_destroy(queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_NewTopic_destroy(topic);
    return status;
}

/* Its settings ------------------------------------------------------------------------------- */

static int64_t number_of(const rd_kafka_ConfigEntry_t **entries, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        const char *value = rd_kafka_ConfigEntry_value(entries[i]);
        if (strcmp(rd_kafka_ConfigEntry_name(entries[i]), name) == 0 && value != NULL) {
            return strtoll(value, NULL, 10);
        }
    }
    return -1;
}

static void take_settings(rd_kafka_event_t *event, struct kafka_topic_facts *facts)
{
    size_t count = 0;
    const rd_kafka_ConfigResource_t **resources = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(event), &count);
    if (count != 1 || rd_kafka_ConfigResource_error(resources[0]) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return;
    }
    size_t entry_count = 0;
    const rd_kafka_ConfigEntry_t **entries =
        rd_kafka_ConfigResource_configs(resources[0], &entry_count);
    facts->min_in_sync = number_of(entries, entry_count, "min.insync.replicas");
    facts->message_bytes_max = number_of(entries, entry_count, "max.message.bytes");
}

/* A broker may not let us ask; then nobody knows, and the log works all the same. */
static void ask_settings(const struct opening *opening, struct kafka_topic_facts *facts)
{
    rd_kafka_ConfigResource_t *resource =
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, opening->config->topic);
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(opening->client, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    char text[ERROR_MESSAGE_BYTES];
    rd_kafka_resp_err_t code =
        rd_kafka_AdminOptions_set_request_timeout(options, SETTINGS_TIMEOUT_MS, text, sizeof text);
    (void)code; /* the time is within its range */
    rd_kafka_queue_t *queue = rd_kafka_queue_new(opening->client);
    rd_kafka_DescribeConfigs(opening->client, &resource, 1, options, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, SETTINGS_TIMEOUT_MS + 1000);
    if (event != NULL && rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        take_settings(event, facts);
    }
    if (event != NULL) {
        rd_kafka_event_destroy(event);
    }
    rd_kafka_queue_destroy(queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_ConfigResource_destroy(resource);
}

void kafka_topic_warn(const struct kafka_topic_facts *facts, const char *topic,
                      char out_warning[ERROR_MESSAGE_BYTES])
{
    out_warning[0] = '\0';
    if (facts->replication < 2) {
        snprintf(out_warning, ERROR_MESSAGE_BYTES,
                 "the topic %.64s has one replica: what a broker's disk loses is lost", topic);
    } else if (facts->min_in_sync >= 0 && facts->min_in_sync < 2) {
        snprintf(out_warning, ERROR_MESSAGE_BYTES,
                 "the topic %.64s has min.insync.replicas %lld: one broker may confirm alone",
                 topic, (long long)facts->min_in_sync);
    }
}

/* Opening ------------------------------------------------------------------------------------ */

/* What the cluster and the topic are called says which log this is. */
static enum status make_log_id(const struct opening *opening, struct uuid *out_id,
                               struct error *err)
{
    char *cluster = rd_kafka_clusterid(opening->client, time_left_ms(opening));
    if (cluster == NULL) {
        return error_set(err, STATUS_TIMED_OUT, 0,
                         "the Kafka broker does not tell its cluster's id");
    }
    struct kafka_identity identity;
    kafka_identity_begin(&identity);
    kafka_identity_add(&identity, cluster);
    kafka_identity_add(&identity, opening->config->topic);
    rd_kafka_mem_free(opening->client, cluster);
    return kafka_identity_end(&identity, out_id, err);
}

/* What librdkafka says begins with its names for thread and broker and for what it does. */
static const char *find_reason(const char *line)
{
    static const char *const before[] = {
        "]: ", "/bootstrap: ", "SASL authentication error: ", "SSL handshake failed: "};
    for (size_t i = 0; i < ARRAY_LENGTH(before); i++) {
        const char *at = strstr(line, before[i]);
        line = at == NULL ? line : at + strlen(before[i]);
    }
    return line;
}

/* Older clients send a wrong nonce, which brokers let pass until they were mended, too
 * (confluentinc/librdkafka#4895). */
static bool is_scram_broken(const struct event_log_kafka_config *config)
{
    bool scram = false;
    for (size_t i = 0; i < config->property_count; i++) {
        scram = scram || strncmp(config->properties[i].value, "SCRAM-", strlen("SCRAM-")) == 0;
    }
    return scram && rd_kafka_version() < SCRAM_MENDED_VERSION;
}

/* "no Kafka broker answers" is only half of the truth when the last line said why. What to look at
 * comes first, since the reason may be longer than the message. */
static enum status tell_unreachable(const struct opening *opening, struct error *err)
{
    char last[ERROR_MESSAGE_BYTES];
    kafka_lines_last(opening->lines, last);
    const char *reason =
        last[0] == '\0' ? "it closes the connection, or there is none" : find_reason(last);
    if (opening->lines->closed_by == RD_KAFKA_RESP_ERR__AUTHENTICATION &&
        is_scram_broken(opening->config)) {
        return error_set(err, STATUS_UNAVAILABLE, 0,
                         "Kafka refuses the login: from 3.8.1 on it takes no SCRAM of librdkafka "
                         "before 2.6.1, this is %s; else look at kafka.sasl.username, "
                         "kafka.sasl.password",
                         rd_kafka_version_str());
    }
    if (opening->lines->closed_by == RD_KAFKA_RESP_ERR__AUTHENTICATION) {
        return error_set(err, STATUS_UNAVAILABLE, 0,
                         "Kafka refuses the login; look at kafka.sasl.mechanism, "
                         "kafka.sasl.username, kafka.sasl.password: %s",
                         reason);
    }
    if (opening->lines->closed_by == RD_KAFKA_RESP_ERR__SSL) {
        return error_set(err, STATUS_UNAVAILABLE, 0,
                         "no TLS with Kafka; look at kafka.ssl.ca.location, "
                         "kafka.security.protocol: %s",
                         reason);
    }
    return error_set(err, STATUS_TIMED_OUT, 0,
                     "no Kafka broker answered within %u ms; look at kafka-brokers, "
                     "kafka.security.protocol: %s",
                     opening->timeout_ms, reason);
}

/* Nothing is made in a cluster that is not the one. */
static enum status compare(const struct opening *opening, struct error *err)
{
    const struct event_log_kafka_topic *known = opening->config->known;
    struct uuid id;
    enum status status = known == NULL ? STATUS_OK : make_log_id(opening, &id, err);
    if (status != STATUS_OK || known == NULL || uuid_equal(id, known->log_id)) {
        return status;
    }
    return error_set(err, STATUS_CORRUPT, 0,
                     "the topic %.50s is another one than before: the cluster that answers has "
                     "another id",
                     opening->config->topic);
}

static enum status await_topic(struct opening *opening, struct kafka_topic_facts *facts,
                               struct error *err)
{
    bool made = false;
    for (;;) {
        enum status status =
            ask(opening->client, opening->config->topic, time_left_ms(opening), facts, err);
        bool answered = status == STATUS_NOT_FOUND || status == STATUS_BUSY;
        if (time_left_ms(opening) == 0 && status == STATUS_TIMED_OUT) {
            return tell_unreachable(opening, err);
        }
        if (!answered) {
            return status;
        }
        if (status == STATUS_NOT_FOUND && !made) {
            status = compare(opening, err);
            if (status != STATUS_OK) {
                return status;
            }
            status = make_topic(opening, err);
            made = true;
        }
        if (status == STATUS_UNAVAILABLE || status == STATUS_INVALID) {
            return status;
        }
        if (time_left_ms(opening) == 0) {
            return error_set(err, STATUS_TIMED_OUT, 0, "the topic %.64s is not ready",
                             opening->config->topic);
        }
        rest();
    }
}

static enum status learn(struct opening *opening, struct kafka_topic_facts *out_facts,
                         struct error *err)
{
    struct kafka_topic_facts facts = {.min_in_sync = -1, .message_bytes_max = -1};
    enum status status = await_topic(opening, &facts, err);
    if (status == STATUS_OK) {
        status = compare(opening, err);
    }
    if (status == STATUS_OK) {
        status = make_log_id(opening, &facts.log_id, err);
    }
    if (status == STATUS_OK) {
        ask_settings(opening, &facts);
        *out_facts = facts;
    }
    return status;
}

enum status kafka_topic_learn(const struct event_log_kafka_config *config, rd_kafka_t *client,
                              unsigned timeout_ms, struct kafka_topic_facts *out_facts,
                              struct error *err)
{
    const struct kafka_context *context = rd_kafka_opaque(client);
    struct opening opening = {
        .config = config,
        .lines = context->lines,
        .client = client,
        .timeout_ms = timeout_ms,
        .deadline_ms = clock_monotonic_ms(config->clock) + timeout_ms,
    };
    return learn(&opening, out_facts, err);
}

enum status kafka_topic_connect(const struct event_log_kafka_config *config,
                                struct kafka_context *context, rd_kafka_t **out_client,
                                struct error *err)
{
    rd_kafka_conf_t *conf = NULL;
    enum status status = kafka_conf_make(config, (struct kafka_defaults){0}, context, &conf, err);
    if (status != STATUS_OK) {
        return status;
    }
    rd_kafka_conf_set_error_cb(conf, note_error);
    return kafka_client_new(RD_KAFKA_PRODUCER, conf, out_client, err);
}

enum status kafka_topic_open(const struct event_log_kafka_config *config,
                             struct kafka_context *context, rd_kafka_t **out_client,
                             struct kafka_topic_facts *out_facts, struct error *err)
{
    rd_kafka_t *client = NULL;
    enum status status = kafka_topic_connect(config, context, &client, err);
    if (status != STATUS_OK) {
        return status;
    }
    status = kafka_topic_learn(config, client, config->connect_timeout_ms, out_facts, err);
    if (status == STATUS_OK) {
        *out_client = client;
        return STATUS_OK;
    }
    rd_kafka_destroy(client);
    status = status == STATUS_TIMED_OUT ? STATUS_UNAVAILABLE : status;
    if (err != NULL) {
        err->status = status;
    }
    return status;
}
