/* A tail of the topic: a consumer of its own, which reads every partition by assignment and is in
 * no group, so workers and other tails never know of it. Messages of transactions come when these
 * are committed (isolation.level read_committed, librdkafka's default). */
#include "infrastructure/event_log_kafka/event_log_kafka.h"

#include <stdlib.h>

struct kafka_tail {
    struct log_tail tail;
    struct event_log *log;
    uint64_t missing; /* told so far */
};

static struct kafka_tail *kafka_of(struct log_tail *tail)
{
    return CONTAINER_OF(tail, struct kafka_tail, tail);
}

static uint64_t missing_of(struct event_log *log)
{
    struct event_log_state state;
    event_log_describe(log, &state);
    return state.missing;
}

static enum status kafka_tail_poll(struct log_tail *tail, size_t rows_max, unsigned wait_ms,
                                   struct log_tail_batch *out_batch, struct error *err)
{
    struct kafka_tail *kafka = kafka_of(tail);
    enum status status = event_log_poll(kafka->log, rows_max, wait_ms, &out_batch->batch, err);
    if (status == STATUS_OK) {
        uint64_t missing = missing_of(kafka->log);
        out_batch->gone = missing - kafka->missing;
        kafka->missing = missing;
        out_batch->batch.refused = NULL;
        out_batch->batch.refused_count = 0;
    }
    return status;
}

static void kafka_tail_free(struct log_tail *tail)
{
    event_log_free(kafka_of(tail)->log);
    free(kafka_of(tail));
}

static const struct log_tail_operations kafka_tail_operations = {
    .poll = kafka_tail_poll,
    .free = kafka_tail_free,
};

/* Where each partition of the topic is read from. What compaction or a marker of a transaction left
 * out below the first offset counts as well: nobody can tell it from what retention took. */
static enum status choose_begin(const struct position_set *from, const struct position_set *first,
                                const struct position_set *end, struct log_tail_begin *out_begin,
                                struct error *err)
{
    for (size_t i = 0; i < end->count; i++) {
        struct position begin = end->items[i];
        int64_t lowest = position_set_get(first, begin.partition);
        int64_t asked = from == NULL ? begin.offset : position_set_get(from, begin.partition);
        if (asked > begin.offset) {
            return error_set(err, STATUS_INVALID, 0, "the topic has no such position yet");
        }
        begin.offset = asked < lowest ? lowest : asked;
        out_begin->gone += (uint64_t)(begin.offset - asked);
        if (position_set_raise(&out_begin->positions, begin) != STATUS_OK) {
            return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to follow the topic");
        }
    }
    return STATUS_OK;
}

static enum status place(struct event_log *log, const struct position_set *from,
                         struct log_tail_begin *out_begin, struct error *err)
{
    struct position_set first;
    struct position_set end;
    struct event_log_state state;
    position_set_init(&first);
    position_set_init(&end);
    event_log_describe(log, &state);
    out_begin->log_id = state.log_id;
    enum status status = event_log_kafka_ends(log, &first, &end, err);
    if (status == STATUS_OK) {
        status = choose_begin(from, &first, &end, out_begin, err);
    }
    if (status == STATUS_OK) {
        status = event_log_seek(log, &out_begin->positions, err);
    }
    position_set_deinit(&first);
    position_set_deinit(&end);
    return status;
}

enum status event_log_kafka_tail_open(const struct event_log_kafka_config *config,
                                      const struct position_set *from,
                                      struct log_tail_begin *out_begin, struct log_tail **out_tail,
                                      struct error *err)
{
    struct event_log_kafka_config own = *config;
    struct kafka_tail *kafka = calloc(1, sizeof *kafka);
    if (kafka == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to follow the topic");
    }
    own.group = "";
    own.instance_id = "";
    own.produces = false;
    own.consumes = true;
    own.known = NULL;
    own.other_topic = NULL;
    kafka->tail.operations = &kafka_tail_operations;
    enum status status = event_log_kafka_new(&own, &kafka->log, err);
    status = status == STATUS_OK ? place(kafka->log, from, out_begin, err) : status;
    if (status != STATUS_OK) {
        kafka_tail_free(&kafka->tail);
        return status;
    }
    kafka->missing = missing_of(kafka->log);
    *out_tail = &kafka->tail;
    return STATUS_OK;
}
