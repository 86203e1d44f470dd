#include "infrastructure/event_log_kafka/kafka_rows.h"

#include "base/trace_context.h"

#include <stdlib.h>
#include <string.h>

enum { REFUSED_CAPACITY_MIN = 16 };

enum status kafka_rows_init(struct kafka_rows *rows, const struct clock *clock, bool reads_traces)
{
    *rows = (struct kafka_rows){.clock = clock, .reads_traces = reads_traces};
    arena_init(&rows->arena, KAFKA_ROWS_BYTES_MAX);
    position_set_init(&rows->next);
    return activity_message_reader_init(&rows->reader);
}

void kafka_rows_deinit(struct kafka_rows *rows)
{
    activity_message_reader_deinit(&rows->reader);
    arena_deinit(&rows->arena);
    position_set_deinit(&rows->next);
    free(rows->rows);
    free(rows->refused);
}

enum status kafka_rows_begin(struct kafka_rows *rows, size_t rows_max)
{
    arena_reset(&rows->arena);
    rows->count = 0;
    rows->refused_count = 0;
    rows->passed = false;
    rows->next.count = 0;
    if (rows_max <= rows->row_capacity) {
        return STATUS_OK;
    }
    struct logged_activity *grown = realloc(rows->rows, rows_max * sizeof *grown);
    if (grown == NULL) {
        return STATUS_NO_MEMORY;
    }
    rows->rows = grown;
    rows->row_capacity = rows_max;
    return STATUS_OK;
}

bool kafka_rows_is_empty(const struct kafka_rows *rows)
{
    return rows->count + rows->refused_count == 0 && !rows->passed;
}

bool kafka_rows_is_full(const struct kafka_rows *rows, size_t rows_max)
{
    return rows->count + rows->refused_count >= rows_max ||
           rows->arena.bytes_used >= KAFKA_ROWS_BYTES;
}

static enum status make_refusal_room(struct kafka_rows *rows)
{
    if (rows->refused_count < rows->refused_capacity) {
        return STATUS_OK;
    }
    size_t capacity =
        rows->refused_capacity == 0 ? REFUSED_CAPACITY_MIN : rows->refused_capacity * 2;
    struct refusal *grown = realloc(rows->refused, capacity * sizeof *grown);
    if (grown == NULL) {
        return STATUS_NO_MEMORY;
    }
    rows->refused = grown;
    rows->refused_capacity = capacity;
    return STATUS_OK;
}

/* An absent text stays absent. */
static bool copy_bytes(struct kafka_rows *rows, const void *bytes, size_t len, struct str *out_copy)
{
    if (bytes == NULL) {
        *out_copy = (struct str){0};
        return true;
    }
    *out_copy = arena_copy_str(&rows->arena, (struct str){.data = bytes, .len = len});
    return out_copy->data != NULL;
}

static enum status refuse(struct kafka_rows *rows, const rd_kafka_message_t *message,
                          struct position position, int64_t logged_at_ms, struct str reason)
{
    struct refusal refusal = {.position = position, .reason = reason, .logged_at_ms = logged_at_ms};
    size_t len = message->len < KAFKA_RAW_BYTES_MAX ? message->len : KAFKA_RAW_BYTES_MAX;
    if (reason.data == NULL || make_refusal_room(rows) != STATUS_OK ||
        !copy_bytes(rows, message->key, message->key_len, &refusal.key) ||
        !copy_bytes(rows, message->payload, len, &refusal.raw)) {
        return STATUS_NO_MEMORY;
    }
    rows->refused[rows->refused_count++] = refusal;
    return STATUS_OK;
}

/* The value of a header that is there once. */
static bool find_header(const rd_kafka_headers_t *headers, const char *name, struct str *out_value)
{
    const void *value;
    const void *other;
    size_t len;
    size_t other_len;
    bool once =
        rd_kafka_header_get(headers, 0, name, &value, &len) == RD_KAFKA_RESP_ERR_NO_ERROR &&
        rd_kafka_header_get(headers, 1, name, &other, &other_len) != RD_KAFKA_RESP_ERR_NO_ERROR;
    if (once && value != NULL) {
        *out_value = (struct str){value, len};
    }
    return once && value != NULL;
}

/* What headers are wrong, or find no memory, tell of no trace: the activity is what counts. */
static struct str read_trace(struct kafka_rows *rows, const rd_kafka_message_t *message)
{
    rd_kafka_headers_t *headers = NULL;
    struct trace_context context;
    struct trace_state state;
    struct str text = {0};
    char packed[TRACE_PACKED_BYTES_MAX];
    if (!rows->reads_traces ||
        rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        !find_header(headers, "traceparent", &text) || !trace_context_parse(text, &context)) {
        return (struct str){0};
    }
    if (find_header(headers, "tracestate", &text)) {
        trace_state_init(&state);
        trace_state_add(&state, text);
        context.state = trace_state_text(&state);
    }
    return arena_copy_str(&rows->arena, (struct str){packed, trace_context_pack(&context, packed)});
}

/* Reads a copy, since reading writes into the text and looks a little behind it. */
static enum status read_value(struct kafka_rows *rows, const rd_kafka_message_t *message,
                              const struct activity_message_place *place,
                              struct rejection *rejection)
{
    char *copy = arena_allocate(&rows->arena, message->len + ACTIVITY_MESSAGE_PADDING_BYTES);
    if (copy == NULL) {
        return STATUS_NO_MEMORY;
    }
    memcpy(copy, message->payload, message->len);
    memset(copy + message->len, 0, ACTIVITY_MESSAGE_PADDING_BYTES);
    const struct activity_message_text text = {copy, message->len, &rows->arena};
    struct logged_activity *row = &rows->rows[rows->count];
    row->position = place->position;
    enum status status =
        activity_message_read(&rows->reader, &text, place, &row->activity, rejection);
    row->foreign = status == STATUS_OK && rows->reader.foreign;
    if (status == STATUS_OK) {
        row->activity.trace = read_trace(rows, message);
    }
    rows->count += status == STATUS_OK;
    return status;
}

static int64_t logged_at(const rd_kafka_message_t *message)
{
    rd_kafka_timestamp_type_t type;
    int64_t time_ms = rd_kafka_message_timestamp(message, &type);
    return type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE || time_ms < 0 ? 0 : time_ms;
}

static enum status take_message(struct kafka_rows *rows, const char *topic,
                                const rd_kafka_message_t *message, struct position position)
{
    const struct activity_message_place place = {
        .topic = str_from(topic),
        .position = position,
        .logged_at_ms = logged_at(message),
        .now_ms = clock_wall_ms(rows->clock),
    };
    if (message->payload == NULL) {
        return refuse(rows, message, position, place.logged_at_ms,
                      STR("the message has no value (a tombstone)"));
    }
    if (message->len > ACTIVITY_MESSAGE_BYTES_MAX) {
        return refuse(
            rows, message, position, place.logged_at_ms,
            STR("the message is larger than an activity can be; its first 4 MiB are kept"));
    }
    struct rejection rejection;
    rejection_init(&rejection);
    enum status status = read_value(rows, message, &place, &rejection);
    if (status != STATUS_INVALID && status != STATUS_TOO_LARGE) {
        return status;
    }
    return refuse(rows, message, position, place.logged_at_ms,
                  activity_message_tell(&rejection, &rows->arena));
}

enum status kafka_rows_add(struct kafka_rows *rows, const char *topic,
                           const rd_kafka_message_t *message)
{
    struct position position = {message->partition, message->offset};
    struct position next = {message->partition, message->offset + 1};
    /* Its place in `next` first, so that what was added can always be told. */
    enum status status =
        position_set_raise(&rows->next, (struct position){.partition = message->partition});
    if (status == STATUS_OK) {
        status = take_message(rows, topic, message, position);
    }
    if (status == STATUS_OK) {
        status = position_set_raise(&rows->next, next);
    }
    return status == STATUS_OK ? STATUS_OK : STATUS_NO_MEMORY;
}

enum status kafka_rows_pass(struct kafka_rows *rows, struct position end)
{
    enum status status = position_set_raise(&rows->next, end);
    rows->passed = rows->passed || status == STATUS_OK;
    return status;
}
