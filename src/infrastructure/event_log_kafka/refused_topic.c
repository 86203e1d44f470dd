#include "infrastructure/event_log_kafka/refused_topic.h"

#include "infrastructure/event_log_kafka/kafka_producer.h"
#include "infrastructure/event_log_kafka/kafka_topic.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    SEND_TIMEOUT_MS = 10000,
    WAIT_MS = 100,
    HEADER_COUNT_MAX = 6,
    NUMBER_BYTES = 24,
    FRAME_BYTES = 1024 /* what a message has beside key, value and reason, at most */
};

struct refused_topic {
    struct refusal_list list;
    struct refusal_list *inner;
    struct kafka_lines lines;
    struct kafka_context context;
    const struct clock *clock;
    char *name;
    rd_kafka_t *client;
    int64_t message_bytes_max; /* that the topic took when it was opened; -1: not known */
    size_t awaited;            /* of what was sent, not reported yet */
    rd_kafka_resp_err_t code;  /* of a report that was no good */

    /* What is being added. Messages are numbered, so that a report of an earlier call is known. */
    struct uuid log_id;
    const struct refusal *refusals;
    size_t count;
    uintptr_t first;
    bool *too_large; /* for each: the topic did not take it */
};

static struct refused_topic *topic_of(struct refusal_list *list)
{
    return CONTAINER_OF(list, struct refused_topic, list);
}

/* Sending ------------------------------------------------------------------------------------ */

static bool is_too_large(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ||
           code == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE;
}

/* Called by rd_kafka_poll, on the worker's thread. */
static void reported(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
    (void)client;
    struct kafka_context *context = opaque;
    struct refused_topic *topic = context->owner;
    uintptr_t index = (uintptr_t)message->_private - topic->first;
    topic->awaited--;
    if (is_too_large(message->err) && index < topic->count) {
        topic->too_large[index] = true;
    } else if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        topic->code = message->err;
    }
}

/* How much of a message goes. */
struct shape {
    size_t key_len; /* all of it, or nothing: half a key is another one */
    size_t raw_len;
};

static size_t whole_bytes(const struct refusal *refusal)
{
    return FRAME_BYTES + refusal->reason.len + refusal->key.len + refusal->raw.len;
}

static struct shape fit(const struct refusal *refusal, size_t room)
{
    size_t taken = FRAME_BYTES + refusal->reason.len;
    size_t left = room > taken ? room - taken : 0;
    struct shape shape = {.key_len = refusal->key.len <= left ? refusal->key.len : 0};
    left -= shape.key_len;
    shape.raw_len = refusal->raw.len <= left ? refusal->raw.len : left;
    return shape;
}

static void add_number(rd_kafka_headers_t *headers, const char *name, int64_t number)
{
    char text[NUMBER_BYTES];
    int len = snprintf(text, sizeof text, "%" PRId64, number);
    (void)rd_kafka_header_add(headers, name, -1, text, len);
}

static rd_kafka_headers_t *make_headers(struct uuid log_id, const struct refusal *refusal,
                                        struct shape shape)
{
    char log[UUID_TEXT_BYTES];
    uuid_format(log_id, log);
    rd_kafka_headers_t *made = rd_kafka_headers_new(HEADER_COUNT_MAX);
    (void)rd_kafka_header_add(made, "usertrail-reason", -1, refusal->reason.data,
                              (ssize_t)refusal->reason.len);
    (void)rd_kafka_header_add(made, "usertrail-log", -1, log, sizeof log);
    add_number(made, "usertrail-partition", refusal->position.partition);
    add_number(made, "usertrail-offset", refusal->position.offset);
    if (shape.raw_len < refusal->raw.len) {
        add_number(made, "usertrail-cut", (int64_t)refusal->raw.len);
    }
    if (shape.key_len < refusal->key.len) {
        add_number(made, "usertrail-key-cut", (int64_t)refusal->key.len);
    }
    return made;
}

/* As much of it as fits into `room`. The client takes a copy. */
static rd_kafka_resp_err_t send_one(struct refused_topic *topic, size_t index, size_t room)
{
    const struct refusal *refusal = &topic->refusals[index];
    struct shape shape = fit(refusal, room);
    bool keyed = shape.key_len == refusal->key.len;
    rd_kafka_headers_t *headers = make_headers(topic->log_id, refusal, shape);
    const rd_kafka_vu_t fields[] = {
        {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = topic->name},
        {.vtype = RD_KAFKA_VTYPE_KEY,
         .u.mem = {keyed ? (void *)(uintptr_t)refusal->key.data : NULL, shape.key_len}},
        {.vtype = RD_KAFKA_VTYPE_VALUE,
         .u.mem = {(void *)(uintptr_t)refusal->raw.data, shape.raw_len}},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = (void *)(topic->first + index)},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
    };
    rd_kafka_error_t *error = rd_kafka_produceva(topic->client, fields, ARRAY_LENGTH(fields));
    if (error == NULL) {
        topic->awaited++;
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    }
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    rd_kafka_error_destroy(error);
    rd_kafka_headers_destroy(headers);
    if (is_too_large(code)) { /* for the client already */
        topic->too_large[index] = true;
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    }
    return code;
}

/* Also what an earlier call left behind, whose time ran out. */
static void await_reports(struct refused_topic *topic, uint64_t deadline_ms)
{
    while (topic->awaited > 0 && clock_monotonic_ms(topic->clock) < deadline_ms) {
        rd_kafka_poll(topic->client, WAIT_MS);
    }
    if (topic->awaited > 0 && topic->code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        topic->code = RD_KAFKA_RESP_ERR__MSG_TIMED_OUT;
    }
}

static void send_whole(struct refused_topic *topic)
{
    uint64_t deadline_ms = clock_monotonic_ms(topic->clock) + SEND_TIMEOUT_MS;
    for (size_t i = 0; i < topic->count && topic->code == RD_KAFKA_RESP_ERR_NO_ERROR; i++) {
        rd_kafka_resp_err_t code = send_one(topic, i, SIZE_MAX);
        if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            await_reports(topic, deadline_ms);
            code = send_one(topic, i, SIZE_MAX);
        }
        topic->code = code == RD_KAFKA_RESP_ERR_NO_ERROR ? topic->code : code;
    }
    await_reports(topic, deadline_ms);
}

static void tell_unsent(const struct refused_topic *topic, const struct refusal *refusal)
{
    log_write(topic->lines.logger, LOG_WARNING,
              "a refused message is only listed: its topic does not take it, however short",
              LOG_FIELDS(log_text("topic", str_from(topic->name)),
                         log_number("partition", refusal->position.partition),
                         log_number("offset", refusal->position.offset)));
}

/* By itself, for it may have shared a batch that was too large; then shorter and shorter, for
 * neither the topic's maximum of when it was opened nor any that the brokers tell is sure. */
static void send_what_fits(struct refused_topic *topic, size_t index)
{
    const struct refusal *refusal = &topic->refusals[index];
    int64_t known_max = topic->message_bytes_max;
    size_t room = whole_bytes(refusal);
    if (known_max > 0 && (uint64_t)known_max < room) {
        room = (size_t)known_max;
    }
    while (topic->code == RD_KAFKA_RESP_ERR_NO_ERROR && topic->too_large[index]) {
        topic->too_large[index] = false;
        topic->code = send_one(topic, index, room);
        await_reports(topic, clock_monotonic_ms(topic->clock) + SEND_TIMEOUT_MS);
        if (topic->too_large[index] && room < FRAME_BYTES) {
            topic->too_large[index] = false;
            tell_unsent(topic, refusal);
        }
        room /= 2;
    }
}

static enum status send_all(struct refused_topic *topic, struct error *err)
{
    topic->code = RD_KAFKA_RESP_ERR_NO_ERROR;
    send_whole(topic);
    for (size_t i = 0; i < topic->count && topic->code == RD_KAFKA_RESP_ERR_NO_ERROR; i++) {
        send_what_fits(topic, i);
    }
    if (topic->code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        return STATUS_OK;
    }
    char reason[ERROR_MESSAGE_BYTES];
    kafka_tell(topic->code, topic->name, reason);
    return error_set(err, kafka_status(topic->code), 0,
                     "what was refused does not go to its topic: %.100s", reason);
}

static enum status send_refusals(struct refused_topic *topic, struct uuid log_id,
                                 const struct refusal *refusals, size_t count, struct error *err)
{
    bool *too_large = calloc(count + 1, sizeof *too_large);
    if (too_large == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for the refused topic");
    }
    topic->log_id = log_id;
    topic->refusals = refusals;
    topic->count = count;
    topic->too_large = too_large;
    enum status status = send_all(topic, err);
    topic->first += count;
    topic->count = 0;
    free(too_large);
    return status;
}

/* The list ----------------------------------------------------------------------------------- */

static enum status topic_add(struct refusal_list *list, struct uuid log_id,
                             const struct refusal *refusals, size_t count, struct error *err)
{
    struct refused_topic *topic = topic_of(list);
    enum status status = refusal_list_add(topic->inner, log_id, refusals, count, err);
    return status == STATUS_OK ? send_refusals(topic, log_id, refusals, count, err) : status;
}

static enum status topic_find(struct refusal_list *list, const struct refusal_page_request *request,
                              struct arena *arena, struct refusal_page *out_page, struct error *err)
{
    return refusal_list_find(topic_of(list)->inner, request, arena, out_page, err);
}

static enum status topic_get(struct refusal_list *list, struct str id, struct arena *arena,
                             struct refusal_entry *out_entry, struct error *err)
{
    return refusal_list_get(topic_of(list)->inner, id, arena, out_entry, err);
}

/* The topic keeps what it was sent. */
static enum status topic_remove(struct refusal_list *list, struct str id, struct error *err)
{
    return refusal_list_remove(topic_of(list)->inner, id, err);
}

static enum status topic_forget(struct refusal_list *list, struct str user_id,
                                uint64_t *out_forgotten, struct error *err)
{
    return refusal_list_forget(topic_of(list)->inner, user_id, out_forgotten, err);
}

static void topic_describe(struct refusal_list *list, struct refusal_list_state *out_state)
{
    refusal_list_describe(topic_of(list)->inner, out_state);
}

static void release(struct refused_topic *topic)
{
    if (topic->client != NULL) {
        rd_kafka_purge(topic->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_destroy(topic->client);
    }
    kafka_lines_deinit(&topic->lines);
    free(topic->name);
    free(topic);
}

static void topic_free(struct refusal_list *list)
{
    struct refused_topic *topic = topic_of(list);
    refusal_list_free(topic->inner);
    release(topic);
}

static const struct refusal_list_operations topic_operations = {
    .add = topic_add,
    .find = topic_find,
    .get = topic_get,
    .remove = topic_remove,
    .forget = topic_forget,
    .describe = topic_describe,
    .free = topic_free,
};

/* Opening ------------------------------------------------------------------------------------ */

/* Without idempotence, whose failures are for good: once at least is what is promised. */
static const struct event_log_kafka_property defaults[] = {
    {"acks", "all"},
    {"compression.codec", "lz4"},
    {"delivery.timeout.ms", "5000"},
    {"linger.ms", "0"},
    {"partitioner", "murmur2_random"},
    {"message.max.bytes", "1000000000"}, /* as much as the client allows: the topic decides */
};

/* The topic is there behind this, and `client` may send to it. */
static enum status open_topic(struct refused_topic *topic, const struct event_log_kafka_config *log,
                              struct error *err)
{
    const struct kafka_defaults all = {defaults, ARRAY_LENGTH(defaults)};
    struct kafka_topic_facts facts;
    rd_kafka_t *looking = NULL;
    rd_kafka_conf_t *conf = NULL;
    enum status status = kafka_topic_open(log, &topic->context, &looking, &facts, err);
    if (status != STATUS_OK) {
        return status;
    }
    rd_kafka_destroy(looking);
    topic->message_bytes_max = facts.message_bytes_max;
    status = kafka_conf_make(log, all, &topic->context, &conf, err);
    if (status == STATUS_OK) {
        kafka_producer_limit_batch(conf, facts.message_bytes_max);
        rd_kafka_conf_set_dr_msg_cb(conf, reported);
        status = kafka_client_new(RD_KAFKA_PRODUCER, conf, &topic->client, err);
    }
    return status;
}

enum status refused_topic_new(const struct event_log_kafka_config *log, struct refusal_list *inner,
                              struct refusal_list **out_list, struct error *err)
{
    struct refused_topic *topic = calloc(1, sizeof *topic);
    if (topic == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for the refused topic");
    }
    topic->list.operations = &topic_operations;
    topic->inner = inner;
    topic->clock = log->clock;
    kafka_lines_init(&topic->lines, log->logger, log->clock);
    topic->context = (struct kafka_context){.lines = &topic->lines, .owner = topic};
    topic->name = strdup(log->topic);
    enum status status = topic->name == NULL ? error_set(err, STATUS_NO_MEMORY, 0,
                                                         "there is no memory for the refused topic")
                                             : open_topic(topic, log, err);
    if (status != STATUS_OK) {
        release(topic);
        return status;
    }
    *out_list = &topic->list;
    return STATUS_OK;
}
