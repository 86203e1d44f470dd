#include "base/assert.h"
#include "infrastructure/event_log_kafka/kafka_partitions.h"
#include "infrastructure/event_log_kafka/kafka_reader.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    WAIT_MS_MAX = 200, /* before the state of the consumer is looked at again */
    WAIT_SHORT_MS = 5, /* while something may have to be done about it */
    NUDGE_EVERY_MS = 20,
    NUDGE_TIMEOUT_MS = 200,
    TROUBLES_MAX = 64 /* looked into by one poll */
};

/* Without a group reading begins with the first poll, where seek or the beginning is. In a group it
 * is for the group to give partitions, new ones as well. */
static enum status begin_reading(struct kafka_reader *reader, struct error *err)
{
    enum status status = STATUS_OK;
    if (reader->in_group) {
        return STATUS_OK;
    }
    pthread_mutex_lock(&reader->mutex);
    for (int32_t i = 0; !reader->reading && i < reader->partition_count; i++) {
        if (status == STATUS_OK && !reader->partitions[i].assigned) {
            status = kafka_partition_start(reader, i, err);
        }
    }
    reader->reading = status == STATUS_OK;
    pthread_mutex_unlock(&reader->mutex);
    return status;
}

static bool is_trouble(rd_kafka_resp_err_t code)
{
    switch (code) {
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR__NO_OFFSET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
        return true;
    default:
        return false;
    }
}

/* Whether what was fetched is to be handed out; moves the position behind it. An end is, when there
 * are offsets before it that hold no message for us: markers of transactions, and what aborted ones
 * wrote. Under the lock. */
static bool take_in(struct kafka_reader *reader, const rd_kafka_message_t *message)
{
    struct kafka_partition *its = kafka_partition_of(reader, message->partition);
    if (its == NULL || !kafka_partition_is_read(its) || its->troubled) {
        return false;
    }
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        bool passes = message->offset > its->position;
        its->position = passes ? message->offset : its->position;
        return passes;
    }
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        its->troubled = its->troubled || is_trouble(message->err);
        return false; /* the others pass, or the state of the topic tells them */
    }
    if (message->offset < its->position) {
        return false;
    }
    its->position = message->offset + 1;
    return true;
}

/* Takes what waits, without waiting. */
static void fetch(struct kafka_reader *reader, size_t count_max)
{
    rd_kafka_message_t *messages[KAFKA_FETCHED_MAX];
    if (count_max > KAFKA_FETCHED_MAX) {
        count_max = KAFKA_FETCHED_MAX;
    }
    reader->fetched_first = 0;
    reader->fetched_end = 0;
    pthread_mutex_lock(&reader->mutex);
    ssize_t count = rd_kafka_consume_batch_queue(reader->queue, 0, messages, count_max);
    for (ssize_t i = 0; i < count; i++) {
        if (take_in(reader, messages[i])) {
            reader->fetched[reader->fetched_end++] = (struct kafka_fetched){
                messages[i], reader->partitions[messages[i]->partition].epoch};
        } else {
            rd_kafka_message_destroy(messages[i]);
        }
    }
    pthread_mutex_unlock(&reader->mutex);
}

/* What was fetched before its partition went away or was set elsewhere does not count. */
static bool still_counts(struct kafka_reader *reader, const struct kafka_fetched *fetched)
{
    pthread_mutex_lock(&reader->mutex);
    const struct kafka_partition *its = kafka_partition_of(reader, fetched->message->partition);
    bool counts = its != NULL && its->assigned && its->epoch == fetched->epoch;
    pthread_mutex_unlock(&reader->mutex);
    return counts;
}

static enum status hand_out(struct kafka_reader *reader, const rd_kafka_message_t *message)
{
    const struct position place = {message->partition, message->offset};
    return message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF
               ? kafka_rows_pass(&reader->rows, place)
               : kafka_rows_add(&reader->rows, reader->config.log->topic, message);
}

/* NO_MEMORY: what did not come in stays for the next poll. */
static enum status fill(struct kafka_reader *reader, size_t rows_max)
{
    while (reader->fetched_first < reader->fetched_end &&
           !kafka_rows_is_full(&reader->rows, rows_max)) {
        struct kafka_fetched *fetched = &reader->fetched[reader->fetched_first];
        if (still_counts(reader, fetched)) {
            enum status status = hand_out(reader, fetched->message);
            if (status != STATUS_OK) {
                return status;
            }
        }
        rd_kafka_message_destroy(fetched->message);
        reader->fetched_first++;
    }
    return STATUS_OK;
}

/* Whatever can be had without waiting. */
static enum status gather(struct kafka_reader *reader, size_t rows_max, struct error *err)
{
    bool more = true;
    while (more) {
        enum status status = fill(reader, rows_max);
        if (status != STATUS_OK && kafka_rows_is_empty(&reader->rows)) {
            return error_set(err, status, 0, "there is no memory for a batch of the Kafka log");
        }
        more = status == STATUS_OK && !kafka_rows_is_full(&reader->rows, rows_max);
        if (more) {
            fetch(reader, rows_max - reader->rows.count - reader->rows.refused_count);
            more = reader->fetched_end > 0;
        }
    }
    return STATUS_OK;
}

/* What lies below the begin of a partition that the group gave us was handed over by the group. It
 * is told before anything of it is, and also when there is nothing to hand out, so that a worker
 * knows how far it is behind. */
static enum status tell_begins(struct kafka_reader *reader, struct error *err)
{
    enum status status = STATUS_OK;
    pthread_mutex_lock(&reader->mutex);
    for (int32_t i = 0; reader->in_group && i < reader->partition_count; i++) {
        struct kafka_partition *its = &reader->partitions[i];
        if (status == STATUS_OK && kafka_partition_is_read(its) && !its->told) {
            status = position_set_raise(&reader->rows.next, (struct position){i, its->begin});
            its->telling = status == STATUS_OK;
        }
    }
    pthread_mutex_unlock(&reader->mutex);
    return status == STATUS_OK
               ? STATUS_OK
               : error_set(err, status, 0, "there is no memory for positions of the Kafka log");
}

/* Behind all that may fail. Partitions that were given meanwhile are told by the next poll. */
static void begins_are_told(struct kafka_reader *reader)
{
    pthread_mutex_lock(&reader->mutex);
    for (int32_t i = 0; reader->in_group && i < reader->partition_count; i++) {
        struct kafka_partition *its = &reader->partitions[i];
        its->told = its->told || its->telling;
        its->telling = false;
    }
    pthread_mutex_unlock(&reader->mutex);
}

/* A partition that the consumer stopped, or one that was made anew. */
static int32_t find_trouble(struct kafka_reader *reader)
{
    int32_t found = -1;
    pthread_mutex_lock(&reader->mutex);
    for (int32_t i = 0; found < 0 && i < reader->partition_count; i++) {
        const struct kafka_partition *its = &reader->partitions[i];
        found = kafka_partition_is_read(its) && (its->troubled || its->anew) ? i : -1;
    }
    pthread_mutex_unlock(&reader->mutex);
    return found;
}

static enum status check_failure(struct kafka_reader *reader, struct error *err)
{
    pthread_mutex_lock(&reader->mutex);
    enum status status =
        reader->failed ? error_set(err, STATUS_CORRUPT, 0, "%s", reader->failure) : STATUS_OK;
    pthread_mutex_unlock(&reader->mutex);
    return status;
}

static enum status mend(struct kafka_reader *reader, struct error *err)
{
    enum status status = STATUS_OK;
    for (int i = 0; status == STATUS_OK && i < TROUBLES_MAX; i++) {
        int32_t partition = find_trouble(reader);
        if (partition < 0) {
            break;
        }
        status = kafka_reader_look_into(reader, partition, err);
    }
    return status;
}

/* The first partition that is known to hold more than was fetched; -1: none. */
static int32_t find_lag(struct kafka_reader *reader)
{
    int32_t found = -1;
    pthread_mutex_lock(&reader->mutex);
    for (int32_t i = 0; found < 0 && i < reader->partition_count; i++) {
        const struct kafka_partition *its = &reader->partitions[i];
        bool lags = kafka_partition_is_read(its) && !its->troubled &&
                    kafka_health_end_of(reader->config.health, i) > its->position;
        found = lags ? i : -1;
    }
    pthread_mutex_unlock(&reader->mutex);
    return found;
}

/* A consumer that stopped fetching because its queue was full looks only about once in a second
 * whether it may go on, unless something else happens on the connection: a question makes it look.
 */
static void nudge(struct kafka_reader *reader, int32_t partition)
{
    int64_t low = 0;
    int64_t high = 0;
    uint64_t now_ms = clock_monotonic_ms(reader->config.log->clock);
    if (now_ms - reader->nudged_at_ms < NUDGE_EVERY_MS) {
        return;
    }
    reader->nudged_at_ms = now_ms;
    if (rd_kafka_query_watermark_offsets(reader->client, reader->config.log->topic, partition, &low,
                                         &high, NUDGE_TIMEOUT_MS) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        kafka_health_raise_end(reader->config.health, (struct position){partition, high});
    }
}

/* The queue tells when it is no longer empty; the time is a second string. */
static void await(struct kafka_reader *reader, uint64_t left_ms)
{
    pthread_mutex_lock(&reader->mutex);
    bool forwarding = kafka_partitions_forward_again(reader);
    pthread_mutex_unlock(&reader->mutex);
    int32_t lagging = find_lag(reader);
    uint64_t wait_ms = forwarding || lagging >= 0 ? WAIT_SHORT_MS : WAIT_MS_MAX;
    if (wait_ms > left_ms) {
        wait_ms = left_ms;
    }
    struct pollfd waiting = {.fd = reader->wake_fd, .events = POLLIN};
    if (poll(&waiting, 1, (int)wait_ms) == 1) {
        uint64_t count;
        ssize_t got = read(reader->wake_fd, &count, sizeof count);
        ASSERT(got == sizeof count);
    } else if (lagging >= 0) {
        nudge(reader, lagging);
    }
}

static enum status gather_some(struct kafka_reader *reader, size_t rows_max, unsigned wait_ms,
                               struct error *err)
{
    const struct clock *clock = reader->config.log->clock;
    uint64_t deadline_ms = clock_monotonic_ms(clock) + wait_ms;
    for (;;) {
        /* First, for a partition that must be restarted would stand still while others bring more
         * than is taken. Their activities are handed out all the same. */
        struct error why = {0};
        enum status mended = mend(reader, &why);
        enum status status = gather(reader, rows_max, err);
        if (status != STATUS_OK || !kafka_rows_is_empty(&reader->rows)) {
            return status;
        }
        if (mended != STATUS_OK) {
            return error_set(err, mended, why.cause, "%s", why.message);
        }
        uint64_t now_ms = clock_monotonic_ms(clock);
        if (now_ms >= deadline_ms) {
            return STATUS_OK;
        }
        await(reader, deadline_ms - now_ms);
    }
}

enum status kafka_reader_poll(struct kafka_reader *reader, size_t rows_max, unsigned wait_ms,
                              struct activity_batch *out_batch, struct error *err)
{
    kafka_reader_note_handed(reader);
    if (kafka_rows_begin(&reader->rows, rows_max) != STATUS_OK) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for rows of the Kafka log");
    }
    /* First, for a consumer that was fenced goes on fetching what another one has now. */
    enum status status = check_failure(reader, err);
    reader->polled = true;
    status = status == STATUS_OK ? begin_reading(reader, err) : status;
    status = status == STATUS_OK ? tell_begins(reader, err) : status;
    if (status == STATUS_OK) {
        status = gather_some(reader, rows_max, wait_ms, err);
    }
    const struct kafka_rows *rows = &reader->rows;
    if (status == STATUS_OK && kafka_rows_is_empty(rows)) {
        status = kafka_health_readable(reader->config.health, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    begins_are_told(reader);
    *out_batch = (struct activity_batch){
        .log_id = reader->config.log_id,
        .rows = rows->rows,
        .count = rows->count,
        .refused = rows->refused,
        .refused_count = rows->refused_count,
        .next = &rows->next,
    };
    return STATUS_OK;
}
