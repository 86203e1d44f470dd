#include "infrastructure/event_log_kafka/refused_topic.h"

#include "infrastructure/event_log_kafka/kafka_topic.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { SEND_TIMEOUT_MS = 10000, WAIT_MS = 100, HEADER_COUNT = 4, NUMBER_BYTES = 24 };

struct refused_topic {
    struct refusal_list list;
    struct refusal_list *inner;
    struct kafka_lines lines;
    struct kafka_context context;
    const struct clock *clock;
    char *name;
    rd_kafka_t *client;
    size_t awaited;           /* of what was sent, not reported yet */
    rd_kafka_resp_err_t code; /* of a report that was no good */
};

static struct refused_topic *topic_of(struct refusal_list *list)
{
    return CONTAINER_OF(list, struct refused_topic, list);
}

/* Sending ------------------------------------------------------------------------------------ */

/* Called by rd_kafka_poll, on the worker's thread. */
static void reported(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
    (void)client;
    struct kafka_context *context = opaque;
    struct refused_topic *topic = context->owner;
    topic->awaited--;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        topic->code = message->err;
    }
}

struct place {
    char log_id[UUID_TEXT_BYTES];
    char partition[NUMBER_BYTES];
    char offset[NUMBER_BYTES];
};

static rd_kafka_headers_t *make_headers(const struct place *place, struct str reason)
{
    const struct {
        const char *name;
        const char *value;
        size_t len;
    } headers[HEADER_COUNT] = {
        {"usertrail-reason", reason.data, reason.len},
        {"usertrail-log", place->log_id, sizeof place->log_id},
        {"usertrail-partition", place->partition, strlen(place->partition)},
        {"usertrail-offset", place->offset, strlen(place->offset)},
    };
    rd_kafka_headers_t *made = rd_kafka_headers_new(HEADER_COUNT);
    for (size_t i = 0; i < HEADER_COUNT; i++) {
        (void)rd_kafka_header_add(made, headers[i].name, -1, headers[i].value,
                                  (ssize_t)headers[i].len);
    }
    return made;
}

/* The client takes a copy. */
static rd_kafka_resp_err_t send_one(struct refused_topic *topic, struct uuid log_id,
                                    const struct refusal *refusal)
{
    struct place place;
    uuid_format(log_id, place.log_id);
    snprintf(place.partition, sizeof place.partition, "%" PRId32, refusal->position.partition);
    snprintf(place.offset, sizeof place.offset, "%" PRId64, refusal->position.offset);
    rd_kafka_headers_t *headers = make_headers(&place, refusal->reason);
    const rd_kafka_vu_t fields[] = {
        {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = topic->name},
        {.vtype = RD_KAFKA_VTYPE_KEY,
         .u.mem = {(void *)(uintptr_t)refusal->key.data, refusal->key.len}},
        {.vtype = RD_KAFKA_VTYPE_VALUE,
         .u.mem = {(void *)(uintptr_t)refusal->raw.data, refusal->raw.len}},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
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

static enum status send_all(struct refused_topic *topic, struct uuid log_id,
                            const struct refusal *refusals, size_t count, struct error *err)
{
    uint64_t deadline_ms = clock_monotonic_ms(topic->clock) + SEND_TIMEOUT_MS;
    topic->code = RD_KAFKA_RESP_ERR_NO_ERROR;
    for (size_t i = 0; i < count && topic->code == RD_KAFKA_RESP_ERR_NO_ERROR; i++) {
        rd_kafka_resp_err_t code = send_one(topic, log_id, &refusals[i]);
        if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            await_reports(topic, deadline_ms);
            code = send_one(topic, log_id, &refusals[i]);
        }
        topic->code = code == RD_KAFKA_RESP_ERR_NO_ERROR ? topic->code : code;
    }
    await_reports(topic, deadline_ms);
    if (topic->code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        return STATUS_OK;
    }
    char reason[ERROR_MESSAGE_BYTES];
    kafka_tell(topic->code, topic->name, reason);
    return error_set(err, kafka_status(topic->code), 0,
                     "what was refused does not go to its topic: %.100s", reason);
}

/* The list ----------------------------------------------------------------------------------- */

static enum status topic_add(struct refusal_list *list, struct uuid log_id,
                             const struct refusal *refusals, size_t count, struct error *err)
{
    struct refused_topic *topic = topic_of(list);
    enum status status = refusal_list_add(topic->inner, log_id, refusals, count, err);
    return status == STATUS_OK ? send_all(topic, log_id, refusals, count, err) : status;
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
    .describe = topic_describe,
    .free = topic_free,
};

/* Opening ------------------------------------------------------------------------------------ */

static const struct event_log_kafka_property defaults[] = {
    {"acks", "all"},
    {"enable.idempotence", "true"},
    {"compression.codec", "lz4"},
    {"delivery.timeout.ms", "5000"},
    {"partitioner", "murmur2_random"},
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
    status = kafka_conf_make(log, all, &topic->context, &conf, err);
    if (status == STATUS_OK) {
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
