#include "infrastructure/event_log_kafka/kafka_reader.h"

#include "base/assert.h"
#include "infrastructure/event_log_kafka/kafka_group.h"
#include "infrastructure/event_log_kafka/kafka_partitions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { ASK_TIMEOUT_MS = 5000, ASK_AGAIN_MS = 50, LIBRDKAFKA_ENDS_WELL = 0x020300ff };

/* About 16 MiB wait for the worker, over all partitions, and one answer of each broker comes on
 * top. What lies below the topic's beginning or beyond its end must be an error: the consumer would
 * otherwise skip or repeat without a word. Each end is told, for what lies before it may be no
 * message but the end of a transaction. */
static const struct event_log_kafka_property default_items[] = {
    {"enable.auto.commit", "false"},
    {"enable.auto.offset.store", "false"},
    {"auto.offset.reset", "error"},
    {"partition.assignment.strategy", "cooperative-sticky"},
    {"session.timeout.ms", "10000"},
    {"queued.max.messages.kbytes", "16384"},
    {"queued.min.messages", "100000"},
    {"fetch.max.bytes", "8388608"},
    {"fetch.wait.max.ms", "100"},
    {"fetch.error.backoff.ms", "100"},
    {"message.max.bytes", "8388608"},
    {"enable.partition.eof", "true"},
    {"statistics.interval.ms", KAFKA_STATISTICS_INTERVAL_MS},
};

static void note_error(rd_kafka_t *client, int code, const char *reason, void *opaque)
{
    struct kafka_context *context = opaque;
    struct kafka_reader *reader = context->owner;
    (void)client;
    (void)reason;
    if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
        kafka_health_suspect(reader->config.health);
    }
}

static int note_statistics(rd_kafka_t *client, char *json, size_t len, void *opaque)
{
    const struct kafka_context *context = opaque;
    const struct kafka_reader *reader = context->owner;
    (void)client;
    kafka_statistics_take(reader->config.statistics, (struct str){json, len});
    return 0; /* the text stays librdkafka's */
}

/* What a broker allows within the session's length is for the broker to say. */
static enum status check_session(const rd_kafka_conf_t *conf, struct error *err)
{
    long long session_ms = (long long)kafka_conf_number(conf, "session.timeout.ms");
    long long heartbeat_ms = (long long)kafka_conf_number(conf, "heartbeat.interval.ms");
    return session_ms > heartbeat_ms
               ? STATUS_OK
               : error_set(err, STATUS_INVALID, 0,
                           "the Kafka property session.timeout.ms (%lld) must be larger than "
                           "heartbeat.interval.ms (%lld): the group would take its members for "
                           "dead",
                           session_ms, heartbeat_ms);
}

enum status kafka_reader_conf(const struct event_log_kafka_config *config,
                              struct kafka_context *context, rd_kafka_conf_t **out_conf,
                              struct error *err)
{
    const struct kafka_defaults defaults = {default_items, ARRAY_LENGTH(default_items)};
    enum status status = kafka_conf_make(config, defaults, context, out_conf, err);
    if (status != STATUS_OK) {
        return status;
    }
    rd_kafka_conf_set_error_cb(*out_conf, note_error);
    if (config->group[0] == '\0') {
        /* librdkafka wants a name, and nobody joins under it. */
        kafka_conf_set(*out_conf, "group.id", "usertrail-without-group");
        return STATUS_OK;
    }
    kafka_group_configure(*out_conf, config);
    status = check_session(*out_conf, err);
    if (status != STATUS_OK) {
        rd_kafka_conf_destroy(*out_conf);
    }
    return status;
}

static enum status open_client(struct kafka_reader *reader, struct error *err)
{
    rd_kafka_conf_t *conf = NULL;
    enum status status = kafka_reader_conf(reader->config.log, &reader->context, &conf, err);
    if (status != STATUS_OK) {
        return status;
    }
    rd_kafka_conf_set_stats_cb(conf, note_statistics);
    status = kafka_client_new(RD_KAFKA_CONSUMER, conf, &reader->client, err);
    if (status != STATUS_OK) {
        return status;
    }
    rd_kafka_resp_err_t code = rd_kafka_poll_set_consumer(reader->client);
    ASSERT(code == RD_KAFKA_RESP_ERR_NO_ERROR);
    reader->queue = rd_kafka_queue_new(reader->client);
    const uint64_t one = 1;
    rd_kafka_queue_io_event_enable(reader->queue, reader->wake_fd, &one, sizeof one);
    return reader->in_group ? kafka_group_join(reader, err) : STATUS_OK;
}

static enum status prepare(struct kafka_reader *reader, struct error *err)
{
    if (kafka_rows_init(&reader->rows, reader->config.log->clock,
                        reader->config.log->reads_traces) != STATUS_OK ||
        kafka_partitions_grow(reader, reader->config.partition_count) != STATUS_OK) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for the Kafka consumer");
    }
    reader->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return reader->wake_fd < 0 ? error_set_system(err, errno, "cannot make an eventfd") : STATUS_OK;
}

enum status kafka_reader_new(const struct kafka_reader_config *config,
                             struct kafka_reader **out_reader, struct error *err)
{
    struct kafka_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for the Kafka consumer");
    }
    reader->config = *config;
    reader->context = (struct kafka_context){.lines = config->lines, .owner = reader};
    reader->in_group = config->log->group[0] != '\0';
    reader->wake_fd = -1;
    pthread_mutex_init(&reader->mutex, NULL);
    enum status status = prepare(reader, err);
    if (status == STATUS_OK) {
        status = open_client(reader, err);
    }
    if (status != STATUS_OK) {
        bool freed = kafka_reader_free(reader);
        (void)freed; /* else what its client was given stays, and nothing calls it any more */
        return status;
    }
    *out_reader = reader;
    return STATUS_OK;
}

/* A member with a name stays one for its session, so that its partitions wait for it. */
static bool must_leave(const struct kafka_reader *reader)
{
    return reader->in_group && reader->config.log->instance_id[0] == '\0';
}

/* librdkafka before 2.3 may abort at the end of a consumer that its group let in and gave nothing
 * yet, not even no partitions (https://github.com/confluentinc/librdkafka/issues/4312). */
static bool ends_badly(const struct kafka_reader *reader)
{
    return reader->in_group && !reader->was_given && rd_kafka_version() < LIBRDKAFKA_ENDS_WELL;
}

static bool close_client(struct kafka_reader *reader)
{
    for (size_t i = reader->fetched_first; i < reader->fetched_end; i++) {
        rd_kafka_message_destroy(reader->fetched[i].message);
    }
    if (reader->client == NULL) {
        return true;
    }
    bool left = !must_leave(reader) || kafka_group_leave(reader);
    if (left) {
        rd_kafka_resp_err_t code = rd_kafka_consumer_close(reader->client);
        (void)code; /* it is closed in any case */
    }
    if (reader->queue != NULL) {
        rd_kafka_queue_io_event_enable(reader->queue, -1, NULL, 0);
        rd_kafka_queue_destroy(reader->queue);
    }
    if (ends_badly(reader)) {
        return false;
    }
    return kafka_consumer_destroy(reader->client, left ? 0 : RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

bool kafka_reader_free(struct kafka_reader *reader)
{
    if (reader == NULL) {
        return true;
    }
    if (!close_client(reader)) {
        return false;
    }
    if (reader->wake_fd >= 0) {
        close(reader->wake_fd);
    }
    kafka_rows_deinit(&reader->rows);
    pthread_mutex_destroy(&reader->mutex);
    free(reader->partitions);
    free(reader);
    return true;
}

/* Where partitions begin and end ------------------------------------------------------------- */

struct range {
    int64_t low;  /* the first offset that is held */
    int64_t high; /* behind the last */
};

/* For a moment after a topic was made its leaders may be named before they know it themselves. */
static bool is_settling(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION ||
           code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
           code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
}

static enum status ask_range(struct kafka_reader *reader, int32_t partition, int timeout_ms,
                             struct range *out_range, struct error *err)
{
    const struct timespec pause = {.tv_nsec = ASK_AGAIN_MS * 1000000L};
    const struct event_log_kafka_config *log = reader->config.log;
    uint64_t deadline_ms = clock_monotonic_ms(log->clock) + (uint64_t)timeout_ms;
    rd_kafka_resp_err_t code;
    for (;;) {
        code = rd_kafka_query_watermark_offsets(reader->client, log->topic, partition,
                                                &out_range->low, &out_range->high, timeout_ms);
        if (!is_settling(code) || clock_monotonic_ms(log->clock) >= deadline_ms) {
            break;
        }
        nanosleep(&pause, NULL);
    }
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return error_set(err, STATUS_UNAVAILABLE, 0,
                         "Kafka does not tell where partition %d of %.64s ends: %s", partition,
                         log->topic, rd_kafka_err2str(code));
    }
    return STATUS_OK;
}

enum status kafka_reader_learn_ends(struct kafka_reader *reader, int timeout_ms, struct error *err)
{
    enum status status = STATUS_OK;
    /* In a group each partition that is given to us is looked at then. */
    int32_t count = reader->in_group ? 0 : reader->config.partition_count;
    for (int32_t i = 0; status == STATUS_OK && i < count; i++) {
        struct range range = {0};
        status = ask_range(reader, i, timeout_ms, &range, err);
        if (status == STATUS_OK) {
            kafka_health_raise_end(reader->config.health, (struct position){i, range.high});
            reader->partitions[i].position = range.low; /* the beginning of what is left */
        }
    }
    return status;
}

static void count_missing(struct kafka_reader *reader, int32_t partition, int64_t from, int64_t to)
{
    pthread_mutex_lock(&reader->mutex);
    reader->missing += (uint64_t)(to - from);
    pthread_mutex_unlock(&reader->mutex);
    log_write(reader->config.log->logger, LOG_WARNING,
              "the retention of the topic passed the reader: activities are missing",
              LOG_FIELDS(log_number("partition", partition), log_number("from", from),
                         log_number("to", to)));
}

static enum status made_anew(const struct kafka_reader *reader, int32_t partition, int64_t known,
                             int64_t end, struct error *err)
{
    return error_set(err, STATUS_CORRUPT, 0,
                     "the topic %.40s was made anew: the store covers %lld of partition %d, which "
                     "ends at %lld; use another topic or store",
                     reader->config.log->topic, (long long)known, partition, (long long)end);
}

/* Where reading at `offset` really begins. CORRUPT beyond the end. */
static enum status find_start(struct kafka_reader *reader, struct position position,
                              int64_t *out_offset, struct error *err)
{
    struct range range = {0};
    enum status status = ask_range(reader, position.partition, ASK_TIMEOUT_MS, &range, err);
    if (status != STATUS_OK) {
        return status;
    }
    if (position.offset > range.high) {
        return made_anew(reader, position.partition, position.offset, range.high, err);
    }
    kafka_health_raise_end(reader->config.health,
                           (struct position){position.partition, range.high});
    *out_offset = position.offset > range.low ? position.offset : range.low;
    return STATUS_OK;
}

/* Seeking ------------------------------------------------------------------------------------ */

static bool is_known(struct kafka_reader *reader, int32_t partition)
{
    pthread_mutex_lock(&reader->mutex);
    bool known = kafka_partition_of(reader, partition) != NULL;
    pthread_mutex_unlock(&reader->mutex);
    return known;
}

static enum status check_target(struct kafka_reader *reader, struct position position,
                                int64_t *out_offset, struct error *err)
{
    *out_offset = position.offset;
    if (is_known(reader, position.partition)) {
        return find_start(reader, position, out_offset, err);
    }
    return position.offset == 0 ? STATUS_OK
                                : made_anew(reader, position.partition, position.offset, 0, err);
}

static enum status move_to(struct kafka_reader *reader, struct position position, int64_t offset,
                           struct error *err)
{
    enum status status = STATUS_OK;
    pthread_mutex_lock(&reader->mutex);
    struct kafka_partition *its = kafka_partition_of(reader, position.partition);
    if (its != NULL && (!reader->in_group || reader->polled)) {
        status = kafka_partition_restart(reader, position.partition, offset, err);
    }
    pthread_mutex_unlock(&reader->mutex);
    if (position.offset > 0 && offset > position.offset) {
        count_missing(reader, position.partition, position.offset, offset);
    }
    return status;
}

/* Looks at all of them before it moves any. A member of a group that has not polled yet begins
 * where the group is, whichever comes first, the partitions or this. */
enum status kafka_reader_seek(struct kafka_reader *reader, const struct position_set *positions,
                              struct error *err)
{
    int64_t *offsets = calloc(positions->count + 1, sizeof *offsets);
    if (offsets == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for positions");
    }
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < positions->count; i++) {
        status = check_target(reader, positions->items[i], &offsets[i], err);
    }
    for (size_t i = 0; status == STATUS_OK && i < positions->count; i++) {
        status = move_to(reader, positions->items[i], offsets[i], err);
    }
    free(offsets);
    return status;
}

enum status kafka_reader_look_into(struct kafka_reader *reader, int32_t partition,
                                   struct error *err)
{
    pthread_mutex_lock(&reader->mutex);
    struct position position = {partition, reader->partitions[partition].position};
    struct position read_to = {partition, reader->partitions[partition].read_to};
    uint32_t epoch = reader->partitions[partition].epoch;
    pthread_mutex_unlock(&reader->mutex);
    int64_t offset = 0;
    enum status status = find_start(reader, read_to, &offset, err);
    if (status == STATUS_OK) {
        status = find_start(reader, position, &offset, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    pthread_mutex_lock(&reader->mutex);
    /* Unless the group took it away meanwhile. */
    bool still = reader->partitions[partition].epoch == epoch;
    if (still) {
        status = kafka_partition_restart(reader, partition, offset, err);
    }
    pthread_mutex_unlock(&reader->mutex);
    if (still && offset > position.offset) {
        count_missing(reader, partition, position.offset, offset);
    }
    return status;
}

/* The rest ----------------------------------------------------------------------------------- */

void kafka_reader_note_handed(struct kafka_reader *reader)
{
    const struct position_set *next = &reader->rows.next;
    pthread_mutex_lock(&reader->mutex);
    for (size_t i = 0; i < next->count; i++) {
        struct kafka_partition *its = kafka_partition_of(reader, next->items[i].partition);
        /* One that is to be restarted says itself from where it is read again. */
        if (its != NULL && !its->troubled && its->handed < next->items[i].offset) {
            its->handed = next->items[i].offset;
        }
    }
    pthread_mutex_unlock(&reader->mutex);
}

void kafka_reader_commit(struct kafka_reader *reader, const struct position_set *positions)
{
    if (!reader->in_group) {
        return; /* the store is the authority */
    }
    kafka_reader_note_handed(reader);
    pthread_mutex_lock(&reader->mutex);
    for (size_t i = 0; i < positions->count; i++) {
        struct kafka_partition *its = kafka_partition_of(reader, positions->items[i].partition);
        if (its != NULL && its->assigned && its->commit_at < positions->items[i].offset) {
            its->commit_at = positions->items[i].offset;
        }
    }
    pthread_mutex_unlock(&reader->mutex);
}

/* Of what other processes appended, fetching tells. */
static void hear_ends(struct kafka_reader *reader)
{
    pthread_mutex_lock(&reader->mutex);
    for (int32_t i = 0; i < reader->partition_count; i++) {
        int64_t low = 0;
        int64_t high = 0;
        if (reader->partitions[i].assigned &&
            rd_kafka_get_watermark_offsets(reader->client, reader->config.log->topic, i, &low,
                                           &high) == RD_KAFKA_RESP_ERR_NO_ERROR &&
            high > 0) {
            kafka_health_raise_end(reader->config.health, (struct position){i, high});
        }
    }
    pthread_mutex_unlock(&reader->mutex);
}

/* A consumer's fatal error does not come to the callback for errors; with it, the consumer is of no
 * use any more. Nor is one that the group never lets in, which would try for ever. */
static void look_for_failure(struct kafka_reader *reader, rd_kafka_resp_err_t told)
{
    char text[ERROR_MESSAGE_BYTES];
    rd_kafka_resp_err_t why = rd_kafka_fatal_error(reader->client, text, sizeof text);
    if (why == RD_KAFKA_RESP_ERR_NO_ERROR && told != RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT) {
        return;
    }
    pthread_mutex_lock(&reader->mutex);
    reader->failed = true;
    if (why == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID) {
        snprintf(reader->failure, sizeof reader->failure,
                 "another member joined the group as %.48s and has its partitions: each worker "
                 "needs a kafka-instance-id of its own",
                 reader->config.log->instance_id);
    } else if (why == RD_KAFKA_RESP_ERR_NO_ERROR) {
        snprintf(reader->failure, sizeof reader->failure,
                 "Kafka lets nobody into a group with this session.timeout.ms: the brokers' "
                 "group.min.session.timeout.ms and group.max.session.timeout.ms bound it");
    } else {
        snprintf(reader->failure, sizeof reader->failure, "the Kafka consumer failed for good: %s",
                 rd_kafka_err2str(why));
    }
    pthread_mutex_unlock(&reader->mutex);
}

/* A message came to the consumer's own queue, out of order with those that the worker takes: the
 * partition is restarted behind what is dealt with, and some come twice. Where more was committed,
 * that is taken back at once, for whoever has the partition next begins there. */
static void read_again(struct kafka_reader *reader, const rd_kafka_message_t *message)
{
    pthread_mutex_lock(&reader->mutex);
    struct kafka_partition *its = kafka_partition_of(reader, message->partition);
    if (its != NULL && kafka_partition_is_read(its)) {
        its->handed = its->handed < message->offset ? its->handed : message->offset;
        its->position = its->position < its->handed ? its->position : its->handed;
        its->committed = -1;
        reader->commit_at_ms = 0;
        its->epoch++;
        its->troubled = true;
    }
    pthread_mutex_unlock(&reader->mutex);
}

void kafka_reader_serve(struct kafka_reader *reader, int wait_ms)
{
    rd_kafka_message_t *message = rd_kafka_consumer_poll(reader->client, wait_ms);
    if (message != NULL) {
        /* Else only errors come this way; those of the topic are what the log finds out itself. */
        rd_kafka_resp_err_t told = message->err;
        if (told == RD_KAFKA_RESP_ERR_NO_ERROR || told == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            read_again(reader, message);
        }
        rd_kafka_message_destroy(message);
        look_for_failure(reader, told);
    }
    if (reader->in_group) {
        kafka_group_commit(reader);
        kafka_group_look(reader);
    }
    hear_ends(reader);
}

void kafka_reader_grow(struct kafka_reader *reader, int32_t partition_count)
{
    struct error err;
    pthread_mutex_lock(&reader->mutex);
    int32_t before = reader->partition_count;
    if (kafka_partitions_grow(reader, partition_count) == STATUS_OK && reader->reading) {
        for (int32_t i = before; i < reader->partition_count; i++) {
            if (kafka_partition_start(reader, i, &err) != STATUS_OK) {
                log_error(reader->config.log->logger, "a new partition is not read", &err);
            }
        }
    }
    pthread_mutex_unlock(&reader->mutex);
}

bool kafka_reader_has(struct kafka_reader *reader, int32_t partition)
{
    pthread_mutex_lock(&reader->mutex);
    const struct kafka_partition *its = kafka_partition_of(reader, partition);
    bool has = its != NULL && (its->assigned || !reader->in_group);
    pthread_mutex_unlock(&reader->mutex);
    return has;
}

uint64_t kafka_reader_missing(struct kafka_reader *reader)
{
    pthread_mutex_lock(&reader->mutex);
    uint64_t missing = reader->missing;
    pthread_mutex_unlock(&reader->mutex);
    return missing;
}
