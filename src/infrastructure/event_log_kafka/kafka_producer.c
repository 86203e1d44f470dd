#include "infrastructure/event_log_kafka/kafka_producer.h"

#include "base/assert.h"
#include "base/trace_context.h"
#include "infrastructure/event_log_kafka/kafka_deliveries.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    APPENDS_AT_ONCE_MAX = 256, /* before deliveries are looked at again */
    SLEEP_MS_MAX = 1000,
    GIVE_UP_MS_MAX = 5000,        /* for the client to report what it gives up */
    PURGED_APPENDS_MAX = 1 << 20, /* not for ever, while others append */
    STOP_WAIT_MS_MAX = 10000,     /* for confirmations when the log is freed */
    RENEW_EVERY_MS = 1000,
    BATCH_BYTES_MAX = 1000000, /* librdkafka's own default */
    BATCH_FRAME_BYTES = 1024,  /* what a batch of one message takes beside its key and value */
    BATCH_HEADER_BYTES = 61,   /* of Kafka's format of batches, version 2 */
    VARINT_BYTES_MAX = 5,
    MESSAGE_VARINTS = 6, /* its length, attributes, two deltas, lengths of key and value */
    HEADER_VARINTS = 2   /* lengths of its name and its value */
};

#define CONTENT_TYPE_NAME "content-type"
#define CONTENT_TYPE      "application/json"
#define PARENT_NAME       "traceparent"
#define STATE_NAME        "tracestate"

/* Any activity that is let in must fit with all headers that it can have. */
_Static_assert(BATCH_HEADER_BYTES + (MESSAGE_VARINTS + 1 + 3 * HEADER_VARINTS) * VARINT_BYTES_MAX +
                       sizeof CONTENT_TYPE_NAME + sizeof CONTENT_TYPE + sizeof PARENT_NAME +
                       TRACE_PARENT_BYTES + sizeof STATE_NAME + TRACE_STATE_BYTES_MAX <=
                   BATCH_FRAME_BYTES,
               "the frame has room for the headers of a message");

/* The client ------------------------------------------------------------------------------- */

/* Without lingering a lone append is confirmed at once, and under load the five requests that may
 * be under way let the next batch grow all the same: measured on one broker, 2 ms of lingering made
 * lone appends ten times slower and many at once no quicker.
 *
 * The client's own limits lie above ours, which counts bytes: a message has more than a hundred. */
static const struct event_log_kafka_property default_items[] = {
    {"acks", "all"},
    {"enable.idempotence", "true"},
    {"compression.type", "lz4"},
    {"linger.ms", "0"},
    {"delivery.timeout.ms", "5000"},
    {"partitioner", "murmur2_random"},
    {"message.max.bytes", "8388608"},
    {"queue.buffering.max.messages", "10000000"},
    {"queue.buffering.max.kbytes", "2147483647"},
    {"statistics.interval.ms", KAFKA_STATISTICS_INTERVAL_MS},
};

void kafka_producer_limit_batch(rd_kafka_conf_t *conf, int64_t message_bytes_max)
{
    char text[32];
    int64_t bytes = message_bytes_max - BATCH_FRAME_BYTES;
    if (message_bytes_max > 0 && bytes < BATCH_BYTES_MAX) {
        snprintf(text, sizeof text, "%lld", bytes > 1 ? (long long)bytes : 1LL);
        kafka_conf_set(conf, "batch.size", text);
    }
}

/* An append goes to the client as a whole: what its queue does not take fails as if Kafka could not
 * be reached. Zero is no limit. */
static enum status check_queue(const rd_kafka_conf_t *conf,
                               const struct event_log_kafka_config *config, struct error *err)
{
    int64_t messages = kafka_conf_number(conf, "queue.buffering.max.messages");
    int64_t kbytes = kafka_conf_number(conf, "queue.buffering.max.kbytes");
    int64_t kbytes_min = (int64_t)(config->queue_bytes_max / 1024);
    if (messages > 0 && messages < EVENT_LOG_APPEND_ACTIVITIES_MAX) {
        return error_set(err, STATUS_INVALID, 0,
                         "the Kafka property queue.buffering.max.messages must be at least %d, as "
                         "many as one request may bring, or 0",
                         EVENT_LOG_APPEND_ACTIVITIES_MAX);
    }
    return kbytes >= kbytes_min
               ? STATUS_OK
               : error_set(err, STATUS_INVALID, 0,
                           "the Kafka property queue.buffering.max.kbytes must be at least %lld, "
                           "as much as may wait (log-queue-bytes)",
                           (long long)kbytes_min);
}

enum status kafka_producer_conf(const struct event_log_kafka_config *config,
                                int64_t message_bytes_max, struct kafka_context *context,
                                rd_kafka_conf_t **out_conf, struct error *err)
{
    const struct kafka_defaults defaults = {default_items, ARRAY_LENGTH(default_items)};
    enum status status = kafka_conf_make(config, defaults, context, out_conf, err);
    if (status != STATUS_OK) {
        return status;
    }
    status = check_queue(*out_conf, config, err);
    if (status != STATUS_OK) {
        rd_kafka_conf_destroy(*out_conf);
        return status;
    }
    kafka_producer_limit_batch(*out_conf, message_bytes_max);
    rd_kafka_conf_set_events(*out_conf,
                             RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_STATS);
    return STATUS_OK;
}

static enum status open_client(struct kafka_producer *producer, struct error *err)
{
    rd_kafka_conf_t *conf = NULL;
    enum status status = kafka_producer_conf(
        producer->config.log, producer->config.message_bytes_max, &producer->context, &conf, err);
    if (status != STATUS_OK) {
        return status;
    }
    status = kafka_client_new(RD_KAFKA_PRODUCER, conf, &producer->client, err);
    if (status != STATUS_OK) {
        return status;
    }
    producer->client_failed = false;
    producer->topic = rd_kafka_topic_new(producer->client, producer->config.log->topic, NULL);
    producer->queue = rd_kafka_queue_get_main(producer->client);
    const uint64_t one = 1;
    rd_kafka_queue_io_event_enable(producer->queue, producer->wake_fd, &one, sizeof one);
    return STATUS_OK;
}

static void close_client(struct kafka_producer *producer)
{
    if (producer->client == NULL) {
        return;
    }
    rd_kafka_queue_io_event_enable(producer->queue, -1, NULL, 0);
    rd_kafka_queue_destroy(producer->queue);
    rd_kafka_topic_destroy(producer->topic);
    rd_kafka_destroy(producer->client);
    producer->queue = NULL;
    producer->topic = NULL;
    producer->client = NULL;
}

/* Appending -------------------------------------------------------------------------------- */

static void wake(struct kafka_producer *producer)
{
    const uint64_t one = 1;
    ssize_t written = write(producer->wake_fd, &one, sizeof one);
    ASSERT(written == sizeof one || errno == EAGAIN);
}

static size_t bytes_max(const struct kafka_producer *producer)
{
    return producer->config.log->queue_bytes_max;
}

/* A batch that alone fills the queue still comes through, when the queue is empty. */
static enum status admit(struct kafka_producer *producer, size_t bytes)
{
    size_t before = atomic_fetch_add(&producer->outstanding_bytes, bytes);
    if (before > 0 && before + bytes > bytes_max(producer)) {
        atomic_fetch_sub(&producer->outstanding_bytes, bytes);
        return STATUS_BUSY;
    }
    return STATUS_OK;
}

/* Before encoding, which would be in vain. */
static enum status check_room(struct kafka_producer *producer, const struct activity *activities,
                              size_t count)
{
    size_t estimate = append_block_estimate(activities, count);
    size_t outstanding = atomic_load(&producer->outstanding_bytes);
    if (atomic_load(&producer->stopping)) {
        return STATUS_UNAVAILABLE;
    }
    if (estimate > bytes_max(producer)) {
        return STATUS_TOO_LARGE;
    }
    return outstanding > 0 && outstanding + estimate > bytes_max(producer) ? STATUS_BUSY
                                                                           : STATUS_OK;
}

uint64_t kafka_producer_activity_bytes_max(int64_t message_bytes_max)
{
    if (message_bytes_max < 0) {
        return 0;
    }
    return message_bytes_max > BATCH_FRAME_BYTES ? (uint64_t)(message_bytes_max - BATCH_FRAME_BYTES)
                                                 : 1;
}

/* What the topic will never take must not come in: it would fail again and again, and keep behind
 * it whoever waits for it to be confirmed. */
static bool fits_topic(const struct kafka_producer *producer, const struct append_block *block)
{
    uint64_t activity_max = kafka_producer_activity_bytes_max(producer->config.message_bytes_max);
    if (activity_max == 0 || block->bytes <= activity_max) {
        return true;
    }
    struct append_walk walk = append_block_walk(block);
    struct append_message message;
    bool fits = true;
    while (fits && append_walk_next(&walk, &message)) {
        fits = message.key.len + message.value.len <= activity_max;
    }
    return fits;
}

enum status kafka_producer_append(struct kafka_producer *producer,
                                  const struct activity *activities, size_t count,
                                  struct append_listener *listener, struct append_ticket ticket)
{
    struct append_block *block = NULL;
    enum status status = check_room(producer, activities, count);
    if (status == STATUS_OK) {
        status = append_block_new(activities, count, bytes_max(producer), &block);
    }
    if (status == STATUS_OK && !fits_topic(producer, block)) {
        status = STATUS_TOO_LARGE;
    }
    if (status == STATUS_OK) {
        block->listener = listener;
        block->ticket = ticket;
        status = admit(producer, block->bytes);
    }
    if (status != STATUS_OK) {
        if (block != NULL) {
            append_block_free(block);
        }
        return status;
    }
    append_list_push(&producer->appended, block);
    if (atomic_load(&producer->sleeps) && atomic_exchange(&producer->sleeps, false)) {
        wake(producer);
    }
    return STATUS_OK;
}

unsigned kafka_producer_retry_after_s(const struct kafka_producer *producer)
{
    uint64_t waiting = atomic_load(&producer->outstanding_bytes);
    return waiting == 0 ? 0 : flow_seconds(waiting, atomic_load(&producer->settled_per_second));
}

void kafka_producer_purge(struct kafka_producer *producer)
{
    atomic_store(&producer->purge_asked, true);
    wake(producer);
}

/* The thread ------------------------------------------------------------------------------- */

/* Arguments behind the end of the list are not looked at, so what is not there ends it. */
static rd_kafka_vtype_t header_if(bool there)
{
    return there ? RD_KAFKA_VTYPE_HEADER : RD_KAFKA_VTYPE_END;
}

static rd_kafka_resp_err_t produce_message(struct kafka_producer *producer,
                                           struct append_block *block,
                                           const struct append_message *message)
{
    struct trace_context trace = {.flags = 0};
    char parent[TRACE_PARENT_BYTES];
    if (producer->client == NULL || producer->client_failed) {
        return RD_KAFKA_RESP_ERR__STATE;
    }
    bool traced = message->trace.len > 0 && trace_context_unpack(message->trace, &trace);
    if (traced) {
        trace_context_format(&trace, parent);
    }
    /* The client only reads the value, though its interface says otherwise. The array interface of
     * librdkafka 2.0 frees headers twice when the topic is not there, so this is the other one,
     * without its macros, which are no standard C. */
    return rd_kafka_producev(
        producer->client, RD_KAFKA_VTYPE_RKT, producer->topic, RD_KAFKA_VTYPE_KEY,
        (const void *)message->key.data, message->key.len, RD_KAFKA_VTYPE_VALUE,
        (void *)(uintptr_t)message->value.data, message->value.len, RD_KAFKA_VTYPE_OPAQUE,
        (void *)block, RD_KAFKA_VTYPE_HEADER, CONTENT_TYPE_NAME, (const void *)CONTENT_TYPE,
        (ssize_t)(sizeof CONTENT_TYPE - 1), header_if(traced), PARENT_NAME, (const void *)parent,
        (ssize_t)sizeof parent, header_if(trace.state.len > 0), STATE_NAME,
        (const void *)trace.state.data, (ssize_t)trace.state.len, RD_KAFKA_VTYPE_END);
}

/* The first message that does not come in ends the append: none of it is promised any more. */
static void produce(struct kafka_producer *producer, struct append_block *block)
{
    struct append_walk walk = append_block_walk(block);
    struct append_message message;
    uint32_t given = 0;
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    uint32_t count = block->count;
    kafka_deliveries_expect(producer, block);
    while (code == RD_KAFKA_RESP_ERR_NO_ERROR && append_walk_next(&walk, &message)) {
        code = produce_message(producer, block, &message);
        given += code == RD_KAFKA_RESP_ERR_NO_ERROR;
    }
    if (code == RD_KAFKA_RESP_ERR__FATAL) {
        producer->client_failed = true;
    }
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        kafka_deliveries_fail(producer, block, code, count - given);
    }
}

static bool take_appended(struct kafka_producer *producer)
{
    size_t taken = 0;
    while (taken < APPENDS_AT_ONCE_MAX) {
        struct append_block *block = append_list_pop(&producer->appended);
        if (block == NULL) {
            break;
        }
        produce(producer, block);
        taken++;
    }
    return taken > 0;
}

/* Makes the client report all that it has, waits for that, and lets the listeners hear in order. */
static void give_up(struct kafka_producer *producer)
{
    uint64_t deadline_ms = clock_monotonic_ms(producer->config.log->clock) + GIVE_UP_MS_MAX;
    while (producer->client != NULL && producer->messages_unsettled > 0 &&
           clock_monotonic_ms(producer->config.log->clock) < deadline_ms) {
        /* Again and again, since what is on its way between the client's queues escapes it. */
        rd_kafka_purge(producer->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        while (kafka_deliveries_serve(producer, 20)) {
        }
    }
    if (producer->messages_unsettled > 0) {
        close_client(producer);
        producer->renew_at_ms = 0;
        kafka_deliveries_abandon(producer);
    }
    kafka_deliveries_release(producer);
    kafka_deliveries_complete(producer);
}

/* What the loops appended and this thread has not looked at yet goes the same way, so that nothing
 * overtakes it. */
static void purge(struct kafka_producer *producer)
{
    kafka_deliveries_hold_back(producer);
    for (size_t i = 0; i < PURGED_APPENDS_MAX; i++) {
        struct append_block *block = append_list_pop(&producer->appended);
        if (block == NULL) {
            break;
        }
        kafka_deliveries_expect(producer, block);
        kafka_deliveries_fail(producer, block, RD_KAFKA_RESP_ERR__PURGE_QUEUE, block->count);
    }
    give_up(producer);
}

static void tell_failure(struct kafka_producer *producer)
{
    char text[ERROR_MESSAGE_BYTES] = "";
    struct error why;
    rd_kafka_resp_err_t code = rd_kafka_fatal_error(producer->client, text, sizeof text);
    enum status status =
        error_set(&why, STATUS_UNAVAILABLE, 0, "%s: %s", rd_kafka_err2name(code), text);
    (void)status;
    log_error(producer->config.log->logger,
              "the Kafka producer failed for good and is replaced; what it had not confirmed fails",
              &why);
}

static void renew_client(struct kafka_producer *producer)
{
    struct error err;
    if (producer->client != NULL) {
        tell_failure(producer);
        kafka_deliveries_hold_back(producer);
        give_up(producer);
        close_client(producer);
        producer->client_failed = false;
        producer->renew_at_ms = 0;
    }
    uint64_t now_ms = clock_monotonic_ms(producer->config.log->clock);
    if (now_ms >= producer->renew_at_ms) {
        producer->renew_at_ms = now_ms + RENEW_EVERY_MS;
        if (open_client(producer, &err) != STATUS_OK) {
            kafka_health_not_delivered(producer->config.health, err.message);
        }
    }
}

static bool may_sleep(struct kafka_producer *producer)
{
    return append_list_is_empty(&producer->appended) && !atomic_load(&producer->purge_asked) &&
           !producer->client_failed;
}

/* Whoever appends looks at `sleeps` behind its append, this thread at the appends behind `sleeps`:
 * one of them sees the other. */
static void sleep_until_woken(struct kafka_producer *producer)
{
    atomic_store(&producer->sleeps, true);
    if (may_sleep(producer)) {
        struct pollfd waiting = {.fd = producer->wake_fd, .events = POLLIN};
        (void)poll(&waiting, 1, atomic_load(&producer->stopping) ? 50 : SLEEP_MS_MAX);
    } else {
        sched_yield();
    }
    atomic_store(&producer->sleeps, false);
    uint64_t count;
    ssize_t got = read(producer->wake_fd, &count, sizeof count);
    (void)got; /* nothing to read: it was the time that woke it */
}

static bool is_done(struct kafka_producer *producer)
{
    return atomic_load(&producer->stopping) && producer->oldest == NULL &&
           append_list_is_empty(&producer->appended);
}

static void turn(struct kafka_producer *producer)
{
    bool worked = take_appended(producer);
    worked = kafka_deliveries_serve(producer, 0) || worked;
    kafka_deliveries_complete(producer);
    if (atomic_exchange(&producer->purge_asked, false)) {
        purge(producer);
        worked = true;
    }
    if (producer->client_failed || producer->client == NULL) {
        renew_client(producer);
    }
    if (!worked && !is_done(producer)) {
        sleep_until_woken(producer);
    }
}

static void *run(void *context)
{
    struct kafka_producer *producer = context;
    uint64_t stop_at_ms = 0;
    while (!is_done(producer)) {
        turn(producer);
        uint64_t now_ms = clock_monotonic_ms(producer->config.log->clock);
        if (atomic_load(&producer->stopping) && stop_at_ms == 0) {
            stop_at_ms = now_ms + STOP_WAIT_MS_MAX;
        }
        if (stop_at_ms != 0 && now_ms >= stop_at_ms) {
            purge(producer);
        }
    }
    return NULL;
}

enum status kafka_producer_new(const struct kafka_producer_config *config,
                               struct kafka_producer **out_producer, struct error *err)
{
    struct kafka_producer *producer = calloc(1, sizeof *producer);
    if (producer == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for the Kafka producer");
    }
    producer->config = *config;
    producer->context.lines = config->lines;
    append_list_init(&producer->appended);
    flow_rate_init(&producer->settling, clock_monotonic_ns(config->log->clock));
    producer->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    enum status status = producer->wake_fd < 0
                             ? error_set_system(err, errno, "cannot make an eventfd")
                             : open_client(producer, err);
    if (status == STATUS_OK) {
        int result = pthread_create(&producer->thread, NULL, run, producer);
        producer->running = result == 0;
        status = result == 0 ? STATUS_OK
                             : error_set(err, STATUS_UNAVAILABLE, result,
                                         "cannot start the thread of the Kafka producer");
    }
    if (status != STATUS_OK) {
        kafka_producer_free(producer);
        return status;
    }
    *out_producer = producer;
    return STATUS_OK;
}

void kafka_producer_free(struct kafka_producer *producer)
{
    if (producer == NULL) {
        return;
    }
    if (producer->running) {
        atomic_store(&producer->stopping, true);
        wake(producer);
        pthread_join(producer->thread, NULL);
    }
    close_client(producer);
    if (producer->wake_fd >= 0) {
        close(producer->wake_fd);
    }
    free(producer);
}
