#include "infrastructure/event_log_kafka/kafka_deliveries.h"

#include "base/assert.h"

enum { EVENTS_AT_ONCE_MAX = 64, ASK_END_TIMEOUT_MS = 1000 };

void kafka_deliveries_expect(struct kafka_producer *producer, struct append_block *block)
{
    block->earlier = producer->newest;
    block->later = NULL;
    if (producer->newest == NULL) {
        producer->oldest = block;
    } else {
        producer->newest->later = block;
    }
    producer->newest = block;
    producer->messages_unsettled += block->unsettled;
}

static void unlink_block(struct kafka_producer *producer, struct append_block *block)
{
    if (block->earlier == NULL) {
        producer->oldest = block->later;
    } else {
        block->earlier->later = block->later;
    }
    if (block->later == NULL) {
        producer->newest = block->earlier;
    } else {
        block->later->earlier = block->earlier;
    }
}

static void settle(struct kafka_producer *producer, struct append_block *block)
{
    if (producer->holds_back) {
        return;
    }
    unlink_block(producer, block);
    block->later = NULL;
    if (producer->settled == NULL) {
        producer->settled = block;
    } else {
        producer->settled_last->later = block;
    }
    producer->settled_last = block;
}

void kafka_deliveries_fail(struct kafka_producer *producer, struct append_block *block,
                           rd_kafka_resp_err_t code, uint32_t count)
{
    char reason[ERROR_MESSAGE_BYTES];
    kafka_tell(code, producer->config.log->topic, reason);
    kafka_health_not_delivered(producer->config.health, reason);
    append_block_fail(block, kafka_status(code), count);
    producer->messages_unsettled -= count;
    if (block->unsettled == 0) {
        settle(producer, block);
    }
}

/* What is known of the messages of an event that were reported without an offset. */
struct unplaced {
    int32_t partition; /* of these; -1: there was none yet */
    int64_t next;      /* what librdkafka reports for the one behind them */
    int64_t last;      /* the last offset of the partition; -1: the broker did not tell */
};

static int64_t ask_last(struct kafka_producer *producer, int32_t partition)
{
    int64_t low = 0;
    int64_t high = 0;
    rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(
        producer->client, producer->config.log->topic, partition, &low, &high, ASK_END_TIMEOUT_MS);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? high - 1 : -1;
}

/* A message whose answer was lost may be reported without its offset: the broker only says that it
 * has it, or that it has one behind it. librdkafka counts on from the missing offset for the others
 * of a request, so that these get numbers that look like offsets. The partition's end now lies
 * behind all of them: it is asked for once in an event, since nobody is served meanwhile. */
static int64_t find_offset(struct kafka_producer *producer, const rd_kafka_message_t *message,
                           struct unplaced *unplaced)
{
    bool others = unplaced->partition == message->partition;
    if (message->offset >= 0 && !(others && message->offset == unplaced->next)) {
        return message->offset;
    }
    if (!others) {
        unplaced->partition = message->partition;
        unplaced->last = ask_last(producer, message->partition);
    }
    unplaced->next = message->offset + 1;
    return unplaced->last;
}

/* `offset` is where it is; -1: nobody can say. */
static void take_report(struct kafka_producer *producer, const rd_kafka_message_t *message,
                        int64_t offset)
{
    struct append_block *block = message->_private;
    if (offset < 0) {
        rd_kafka_resp_err_t code = message->err == RD_KAFKA_RESP_ERR_NO_ERROR
                                       ? RD_KAFKA_RESP_ERR__TIMED_OUT
                                       : message->err;
        kafka_deliveries_fail(producer, block, code, 1);
        return;
    }
    append_block_confirm(block, (struct position){message->partition, offset});
    producer->messages_unsettled--;
    if (block->unsettled == 0) {
        settle(producer, block);
    }
}

/* The reports of one event are of one partition, mostly: its end is raised once. */
static void take_reports(struct kafka_producer *producer, rd_kafka_event_t *event)
{
    struct position end = {.partition = -1};
    struct unplaced unplaced = {.partition = -1};
    for (const rd_kafka_message_t *message; (message = rd_kafka_event_message_next(event));) {
        int64_t offset = message->err == RD_KAFKA_RESP_ERR_NO_ERROR
                             ? find_offset(producer, message, &unplaced)
                             : -1;
        if (offset >= 0 && end.partition >= 0 && end.partition != message->partition) {
            kafka_health_raise_end(producer->config.health, end);
        }
        if (offset >= 0) {
            end = (struct position){message->partition, offset + 1};
        }
        take_report(producer, message, offset);
    }
    if (end.partition >= 0) {
        kafka_health_raise_end(producer->config.health, end);
        kafka_health_delivered(producer->config.health);
    }
}

static void take_error(struct kafka_producer *producer, rd_kafka_event_t *event)
{
    rd_kafka_resp_err_t code = rd_kafka_event_error(event);
    if (code == RD_KAFKA_RESP_ERR__FATAL || rd_kafka_event_error_is_fatal(event)) {
        producer->client_failed = true;
    } else if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
        kafka_health_suspect(producer->config.health);
    }
}

bool kafka_deliveries_serve(struct kafka_producer *producer, int wait_ms)
{
    size_t served = 0;
    while (producer->queue != NULL && served < EVENTS_AT_ONCE_MAX) {
        rd_kafka_event_t *event = rd_kafka_queue_poll(producer->queue, served == 0 ? wait_ms : 0);
        if (event == NULL) {
            break;
        }
        if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_DR) {
            take_reports(producer, event);
        } else if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_ERROR) {
            take_error(producer, event);
        } else if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_STATS) {
            kafka_statistics_take(producer->config.statistics,
                                  str_from(rd_kafka_event_stats(event)));
        }
        rd_kafka_event_destroy(event);
        served++;
    }
    return served > 0;
}

void kafka_deliveries_hold_back(struct kafka_producer *producer)
{
    producer->holds_back = true;
}

void kafka_deliveries_release(struct kafka_producer *producer)
{
    producer->holds_back = false;
    struct append_block *block = producer->oldest;
    while (block != NULL) {
        struct append_block *later = block->later;
        if (block->unsettled == 0) {
            settle(producer, block);
        }
        block = later;
    }
}

void kafka_deliveries_abandon(struct kafka_producer *producer)
{
    struct append_block *block = producer->oldest;
    while (block != NULL) {
        struct append_block *later = block->later;
        if (block->unsettled > 0) {
            kafka_deliveries_fail(producer, block, RD_KAFKA_RESP_ERR__DESTROY, block->unsettled);
        }
        block = later;
    }
}

/* Moves the first settled block and those of the same listener behind it out of the list, as many
 * as one call tells. */
static struct append_block *take_group(struct kafka_producer *producer, size_t *out_count)
{
    struct append_listener *listener = producer->settled->listener;
    struct append_block *group = NULL;
    struct append_block **group_end = &group;
    struct append_block **at = &producer->settled;
    struct append_block *last = NULL;
    size_t count = 0;
    while (*at != NULL) {
        struct append_block *block = *at;
        if (block->listener == listener && count < KAFKA_RESULTS_MAX) {
            producer->results[count++] = append_block_result(block, producer->config.log_id);
            *at = block->later;
            block->later = NULL;
            *group_end = block;
            group_end = &block->later;
        } else {
            last = block;
            at = &block->later;
        }
    }
    producer->settled_last = last;
    *out_count = count;
    return group;
}

static void note_settled(struct kafka_producer *producer, size_t bytes)
{
    uint64_t now_ns = clock_monotonic_ns(producer->config.log->clock);
    flow_rate_add(&producer->settling, bytes, now_ns);
    atomic_store(&producer->settled_per_second, flow_rate_per_second(&producer->settling, now_ns));
}

void kafka_deliveries_complete(struct kafka_producer *producer)
{
    while (producer->settled != NULL) {
        size_t count = 0;
        struct append_block *group = take_group(producer, &count);
        ASSERT(group != NULL);
        size_t bytes = 0;
        for (const struct append_block *block = group; block != NULL; block = block->later) {
            bytes += block->bytes;
        }
        /* First, so that who hears of room finds it. */
        atomic_fetch_sub(&producer->outstanding_bytes, bytes);
        note_settled(producer, bytes);
        struct append_listener *listener = group->listener;
        listener->completed(listener, producer->results, count);
        while (group != NULL) {
            struct append_block *block = group;
            group = block->later;
            append_block_free(block);
        }
    }
}
