/*
 * POST of one activity or of an array of them. The body is read and checked on its loop, handed to
 * the log, and the answer waits in the exchange until the log says that it is durable.
 *
 * An array is answered as its weakest item: items that are wrong are rejected one by one, but when
 * the rest cannot be made durable nothing is promised.
 */
#include "application/receipt.h"
#include "base/assert.h"
#include "interfaces/api/api_private.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    RECORD_FIRST_ITEMS = 64,
    RECORD_COMPLETIONS_AT_ONCE = 64,
    RECORD_DETAIL_BYTES = REJECTION_POINTER_BYTES + REJECTION_DETAIL_BYTES + 2
};

struct record_item {
    struct str problem; /* why it is rejected; {NULL, 0}: accepted, the next of `accepted` */
};

/* One POST until its answer; lives in the exchange's arena. */
struct record {
    struct api_loop *loop;
    uint64_t now_ns; /* on the wall clock, when its activities were received */
    bool is_array;
    struct activity *accepted;
    size_t accepted_count;
    struct record_item *items; /* arrays only, in the order of the body */
    size_t item_count;
    size_t capacity; /* of both arrays */
};

#define DURABLE_WITHOUT_ANSWER                                                                     \
    "the activities are durable, but there is no memory for the answer; a retry with the same "    \
    "ids "                                                                                         \
    "stores nothing twice"

static struct api_loop *loop_of(const struct api_call *call)
{
    return &call->api->loops[http_exchange_ticket(call->exchange).loop];
}

static void answer_no_memory(const struct api_call *call)
{
    api_answer_problem(call->exchange, STATUS_NO_MEMORY,
                       "there is no memory for this request now; send it again later, or less at "
                       "once");
}

/* "userId: is required": the first fault in one sentence, for clients that show nothing else. */
static struct http_problem problem_of_rejection(enum status status,
                                                const struct rejection *rejection,
                                                char detail[RECORD_DETAIL_BYTES])
{
    ASSERT(rejection->count > 0);
    const struct rejection_fault *fault = &rejection->faults[0];
    const char *pointer = fault->pointer[0] == '/' ? fault->pointer + 1 : fault->pointer;
    snprintf(detail, RECORD_DETAIL_BYTES, "%s%s%s", pointer, pointer[0] == '\0' ? "" : ": ",
             fault->detail);
    return (struct http_problem){
        .status = status == STATUS_TOO_LARGE ? 413 : 400,
        .type = status == STATUS_TOO_LARGE ? "activity-too-large" : "invalid-activity",
        .title = "The activity cannot be accepted",
        .detail = detail,
        .rejection = rejection,
    };
}

/* Reads one activity, completes it and adds it to those that are accepted, for which there is room.
 * Its texts live as long as the exchange. */
static enum status read_one(const struct api_call *call, struct record *record, char *text,
                            size_t len, struct rejection *rejection)
{
    struct arena *arena = http_exchange_arena(call->exchange);
    struct activity_draft draft;
    struct activity_json_text json = {
        .data = text,
        .len = len,
        .now_ms = (int64_t)(record->now_ns / NANOSECONDS_PER_MILLISECOND),
        .arena = arena,
    };
    enum status status = activity_json_read(&loop_of(call)->reader, &json, &draft, rejection);
    if (status != STATUS_OK) {
        return status;
    }
    char *id_text = NULL;
    if (draft.activity.id.data == NULL) {
        id_text = arena_allocate(arena, UUID_TEXT_BYTES);
        if (id_text == NULL) {
            return STATUS_NO_MEMORY;
        }
    }
    record_activities_complete(call->api->config.recorder, record->now_ns, &draft, id_text);
    record->accepted[record->accepted_count++] = draft.activity;
    return STATUS_OK;
}

/* What never reaches the log; what does is counted when the log has spoken. */
static void count_rejected(const struct api_call *call, size_t activities)
{
    record_activities_count(call->api->config.recorder, activities, 0, activities);
}

static void answer_append_failed(const struct api_call *call, enum status status)
{
    static const char *const details[STATUS_COUNT] = {
        [STATUS_BUSY] = "the queue in front of the event log is full; nothing of this request was "
                        "accepted, send it again later",
        [STATUS_NO_SPACE] =
            "the event log has no space left; nothing of this request was accepted, "
            "send it again when space was made",
        [STATUS_TOO_LARGE] =
            "this is more than the event log takes at once; send fewer activities, "
            "or smaller ones",
        [STATUS_NO_MEMORY] = "there is no memory for this request now; nothing of it was accepted, "
                             "send it again later",
    };
    const char *detail = details[status];
    api_answer_not_appended(call->api, call->exchange, status,
                            detail != NULL
                                ? detail
                                : "the event log does not accept activities now; nothing of "
                                  "this request was accepted, send it again later");
}

/* The log took it and could not keep its word. */
static void answer_not_durable(const struct api *api, struct http_exchange *exchange,
                               enum status status)
{
    api_answer_not_appended(
        api, exchange, status,
        status == STATUS_NO_SPACE
            ? "the event log has no space left; nothing of this request was "
              "accepted, send it again when space was made"
            : "the activity could not be made durable and may or may not have been "
              "kept; send it again with the same id");
}

static void submit(const struct api_call *call, struct record *record)
{
    struct http_ticket ticket = http_exchange_ticket(call->exchange);
    http_exchange_set_data(call->exchange, record);
    enum status status = record_activities_append(
        call->api->config.recorder, record->accepted, record->accepted_count,
        &loop_of(call)->listener,
        (struct append_ticket){ticket.loop, ticket.slot, ticket.generation});
    if (status != STATUS_OK) {
        count_rejected(call, record->accepted_count);
        answer_append_failed(call, status);
    }
}

/* --- one activity --- */

static void post_one(const struct api_call *call, struct record *record)
{
    struct rejection rejection;
    rejection_init(&rejection);
    record->accepted = arena_allocate(http_exchange_arena(call->exchange), sizeof(struct activity));
    enum status status = STATUS_NO_MEMORY;
    if (record->accepted != NULL) {
        status = read_one(call, record, call->request->body, call->request->body_len, &rejection);
    }
    if (status == STATUS_OK) {
        submit(call, record);
        return;
    }
    count_rejected(call, 1);
    if (status == STATUS_NO_MEMORY) {
        answer_no_memory(call);
        return;
    }
    char detail[RECORD_DETAIL_BYTES];
    struct http_problem problem = problem_of_rejection(status, &rejection, detail);
    http_problem_respond(call->exchange, &problem, NULL);
}

/* --- an array --- */

static bool make_room(struct arena *arena, struct record *record)
{
    if (record->item_count < record->capacity) {
        return true;
    }
    size_t capacity = record->capacity == 0 ? RECORD_FIRST_ITEMS : record->capacity * 2;
    struct activity *accepted = arena_allocate(arena, capacity * sizeof *accepted);
    struct record_item *items = arena_allocate(arena, capacity * sizeof *items);
    if (accepted == NULL || items == NULL) {
        return false;
    }
    if (record->item_count > 0) {
        memcpy(accepted, record->accepted, record->accepted_count * sizeof *accepted);
        memcpy(items, record->items, record->item_count * sizeof *items);
    }
    record->accepted = accepted;
    record->items = items;
    record->capacity = capacity;
    return true;
}

/* Keeps the problem of a rejected item as JSON, for the answer. */
static bool keep_problem(const struct api_call *call, enum status status,
                         const struct rejection *rejection, struct record_item *item)
{
    char detail[RECORD_DETAIL_BYTES];
    struct http_problem problem = problem_of_rejection(status, rejection, detail);
    struct buffer *json = &loop_of(call)->answer;
    buffer_clear(json);
    http_problem_append(&problem, json);
    if (json->failed == STATUS_OK) {
        item->problem = arena_copy_str(http_exchange_arena(call->exchange), buffer_str(json));
    }
    return json->failed == STATUS_OK && item->problem.data != NULL;
}

static enum status read_item(const struct api_call *call, struct record *record, char *text,
                             size_t len)
{
    if (!make_room(http_exchange_arena(call->exchange), record)) {
        return STATUS_NO_MEMORY;
    }
    struct record_item *item = &record->items[record->item_count];
    struct rejection rejection;
    rejection_init(&rejection);
    *item = (struct record_item){0};
    enum status status = read_one(call, record, text, len, &rejection);
    if (status == STATUS_NO_MEMORY) {
        return status;
    }
    record->item_count++;
    if (status == STATUS_OK) {
        return STATUS_OK;
    }
    return keep_problem(call, status, &rejection, item) ? STATUS_OK : STATUS_NO_MEMORY;
}

/* Reads all items. A body that is no array as a whole is refused as a whole. */
static enum status read_items(const struct api_call *call, struct record *record, struct error *err)
{
    struct activity_json_array array;
    activity_json_array_init(&array, call->request->body, call->request->body_len);
    char *item;
    size_t len;
    enum status status;
    while ((status = activity_json_array_next(&array, &item, &len, err)) == STATUS_OK) {
        if (array.count > call->api->config.batch_activities_max) {
            return error_set(err, STATUS_TOO_LARGE, 0,
                             "an array may hold at most %zu activities; send several arrays",
                             call->api->config.batch_activities_max);
        }
        status = read_item(call, record, item, len);
        if (status != STATUS_OK) {
            return error_set(err, status, 0, "there is no memory for so many activities now");
        }
    }
    if (status == STATUS_NOT_FOUND && record->item_count == 0) {
        return error_set(err, STATUS_INVALID, 0, "the array is empty; there is nothing to record");
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static void append_results(struct buffer *json, const struct record *record)
{
    size_t accepted = 0;
    buffer_append_literal(json, "\"results\":[");
    for (size_t i = 0; i < record->item_count; i++) {
        buffer_append_str(json, i == 0 ? STR("{\"index\":") : STR(",{\"index\":"));
        buffer_append_u64(json, i);
        if (record->items[i].problem.data == NULL) {
            buffer_append_literal(json, ",\"id\":\"");
            buffer_append_str(json, record->accepted[accepted++].id);
            buffer_append_literal(json, "\"}");
        } else {
            buffer_append_literal(json, ",\"error\":");
            buffer_append_str(json, record->items[i].problem);
            buffer_append_char(json, '}');
        }
    }
    buffer_append_char(json, ']');
}

/* 400 for an array of which nothing can be accepted, with the reason of each item. */
static void answer_nothing_accepted(const struct api_call *call, const struct record *record)
{
    struct buffer *members = &loop_of(call)->answer;
    buffer_clear(members);
    buffer_append_format(members, "\"accepted\":0,\"rejected\":%zu,", record->item_count);
    append_results(members, record);
    if (members->failed != STATUS_OK) {
        answer_no_memory(call);
        return;
    }
    http_problem_respond(
        call->exchange,
        &(struct http_problem){
            .status = 400,
            .type = "nothing-accepted",
            .title = "No activity of the array can be accepted",
            .detail = "every activity of the array was rejected; results tells why",
            .members = buffer_str(members),
        },
        NULL);
}

static void post_array(const struct api_call *call, struct record *record)
{
    struct error err;
    record->is_array = true;
    enum status status = read_items(call, record, &err);
    if (status != STATUS_OK) {
        count_rejected(call, record->item_count);
        api_answer_problem(call->exchange, status, err.message);
        return;
    }
    count_rejected(call, record->item_count - record->accepted_count);
    if (record->accepted_count == 0) {
        answer_nothing_accepted(call, record);
    } else {
        submit(call, record);
    }
}

void api_record_post(const struct api_call *call)
{
    if (api_refuses_parameters(call, "")) {
        return;
    }
    struct record *record = arena_allocate(http_exchange_arena(call->exchange), sizeof *record);
    if (record == NULL) {
        answer_no_memory(call);
        return;
    }
    *record =
        (struct record){.loop = loop_of(call), .now_ns = clock_wall_ns(call->api->config.clock)};
    if (activity_json_is_array(call->request->body, call->request->body_len)) {
        post_array(call, record);
    } else {
        post_one(call, record);
    }
}

/* --- the answer, once the log has spoken --- */

/* Where a batch got to in a log of several partitions; travels as a completion's data. */
struct reached_positions {
    size_t count;
    struct position items[];
};

static void append_promise(struct buffer *json, const struct http_completion *completion)
{
    const struct reached_positions *several = completion->data;
    buffer_append_literal(json, "\"durability\":\"");
    buffer_append_str(json, str_from(durability_name((enum durability)completion->detail)));
    buffer_append_literal(json, "\",\"receipt\":\"");
    receipt_encode(completion->log_id, several == NULL ? &completion->reached : several->items,
                   several == NULL ? 1 : several->count, json);
    buffer_append_char(json, '"');
}

static void render_accepted(struct buffer *json, const struct record *record,
                            const struct http_completion *completion)
{
    buffer_clear(json);
    if (record->is_array) {
        buffer_append_literal(json, "{\"status\":\"success\",\"accepted\":");
        buffer_append_u64(json, record->accepted_count);
        buffer_append_literal(json, ",\"rejected\":");
        buffer_append_u64(json, record->item_count - record->accepted_count);
        buffer_append_char(json, ',');
        append_promise(json, completion);
        buffer_append_char(json, ',');
        append_results(json, record);
    } else {
        buffer_append_literal(
            json, "{\"status\":\"success\",\"message\":\"Log queued successfully\",\"id\":\"");
        buffer_append_str(json, record->accepted[0].id);
        buffer_append_literal(json, "\",");
        append_promise(json, completion);
    }
    buffer_append_char(json, '}');
}

static void answer_accepted(struct http_exchange *exchange,
                            const struct http_completion *completion)
{
    const struct record *record = http_exchange_data(exchange);
    struct buffer *json = &record->loop->answer;
    render_accepted(json, record, completion);
    if (json->failed != STATUS_OK) {
        api_answer_problem(exchange, STATUS_NO_MEMORY, DURABLE_WITHOUT_ANSWER);
        return;
    }
    api_answer_json(exchange, 202, buffer_str(json));
}

/* On the loop. A client that went away before its answer took its record along. */
static void completed_on_loop(struct http_exchange *exchange,
                              const struct http_completion *completion)
{
    if (exchange != NULL && completion->status == STATUS_OK) {
        answer_accepted(exchange, completion);
    } else if (exchange != NULL) {
        const struct record *record = http_exchange_data(exchange);
        answer_not_durable(record->loop->api, exchange, completion->status);
    }
    free(completion->data);
}

/* The same when there was no memory to hand the positions on. */
static void completed_without_receipt(struct http_exchange *exchange,
                                      const struct http_completion *completion)
{
    (void)completion;
    if (exchange != NULL) {
        api_answer_problem(exchange, STATUS_NO_MEMORY, DURABLE_WITHOUT_ANSWER);
    }
}

/* Whether or not the client is still there: what became durable is in the log and is counted so. */
static void count_results(struct api_loop *loop, const struct append_result *results,
                          size_t result_count)
{
    uint64_t received = 0;
    uint64_t accepted = 0;
    for (size_t i = 0; i < result_count; i++) {
        received += results[i].count;
        accepted += results[i].status == STATUS_OK ? results[i].count : 0;
    }
    record_activities_count(loop->api->config.recorder, received, accepted, received - accepted);
}

/* The first or only position goes by value; whatever else there is, in memory of its own. */
static struct http_completion completion_of(const struct append_result *result)
{
    struct http_completion completion = {
        .ticket = {result->ticket.loop, result->ticket.slot, result->ticket.generation},
        .run = completed_on_loop,
        .status = result->status,
        .detail = (int)result->durability,
        .log_id = result->log_id,
    };
    if (result->status != STATUS_OK) {
        return completion;
    }
    ASSERT(result->reached_count >= 1 && result->reached_count <= RECEIPT_POSITIONS_MAX);
    completion.reached = result->reached[0];
    if (result->reached_count > 1) {
        size_t bytes = result->reached_count * sizeof *result->reached;
        struct reached_positions *several = malloc(sizeof *several + bytes);
        if (several == NULL) {
            completion.run = completed_without_receipt;
            return completion;
        }
        several->count = result->reached_count;
        memcpy(several->items, result->reached, bytes);
        completion.data = several;
    }
    return completion;
}

void api_record_completed(struct append_listener *listener, const struct append_result *results,
                          size_t result_count)
{
    struct api_loop *loop = CONTAINER_OF(listener, struct api_loop, listener);
    struct http_completion completions[RECORD_COMPLETIONS_AT_ONCE];
    size_t used = 0;
    count_results(loop, results, result_count);
    for (size_t i = 0; i < result_count; i++) {
        completions[used++] = completion_of(&results[i]);
        if (used == ARRAY_LENGTH(completions) || i + 1 == result_count) {
            http_server_complete(loop->api->server, completions, used);
            used = 0;
        }
    }
}
