#pragma once
/*
 * The batch that a poll hands out: messages become rows and refusals, whose texts it holds. One
 * thread, the worker.
 */
#include "application/activity_message.h"
#include "domain/activity_batch.h"
#include "infrastructure/event_log_kafka/kafka_client.h"

enum {
    KAFKA_ROWS_BYTES = 16 << 20,     /* a batch takes no further message beyond this */
    KAFKA_ROWS_BYTES_MAX = 64 << 20, /* one large one more, and what the parser adds */
    KAFKA_RAW_BYTES_MAX = ACTIVITY_MESSAGE_BYTES_MAX /* of a refused message that is kept */
};

struct kafka_rows {
    const struct clock *clock;
    bool reads_traces;
    struct activity_message_reader reader;
    struct arena arena;
    struct logged_activity *rows;
    size_t row_capacity;
    size_t count;
    struct refusal *refused;
    size_t refused_capacity;
    size_t refused_count;
    bool passed; /* `next` has passed what holds no message */
    struct position_set next;
};

MUST_USE enum status kafka_rows_init(struct kafka_rows *rows, const struct clock *clock,
                                     bool reads_traces);
void kafka_rows_deinit(struct kafka_rows *rows);

/* Empties it and makes room for `rows_max`. NO_MEMORY. */
MUST_USE enum status kafka_rows_begin(struct kafka_rows *rows, size_t rows_max);

/* Whether there is nothing to hand out, no passed offsets either. */
bool kafka_rows_is_empty(const struct kafka_rows *rows);
bool kafka_rows_is_full(const struct kafka_rows *rows, size_t rows_max);

/* Adds what the message is; keeps nothing of it. NO_MEMORY: it is not in the batch. */
MUST_USE enum status kafka_rows_add(struct kafka_rows *rows, const char *topic,
                                    const rd_kafka_message_t *message);

/* What lies below `end` holds no further message. NO_MEMORY: it is not passed. */
MUST_USE enum status kafka_rows_pass(struct kafka_rows *rows, struct position end);
