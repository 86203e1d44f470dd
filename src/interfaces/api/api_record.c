/*
 * POST of one activity or of an array of them, in each notation. The body is read and checked on
 * its loop, handed to the log, and the answer waits in the exchange until the log says that it is
 * durable.
 *
 * An array is answered as its weakest item: items that are wrong are rejected one by one, but when
 * the rest cannot be made durable nothing is promised.
 */
#include "interfaces/api/api_record.h"

#include "interfaces/api/api_cloud_event.h"
#include "interfaces/api/api_item.h"
#include "interfaces/api/api_promise.h"
#include "interfaces/api/api_trace.h"

enum { RECORD_FIRST_ITEMS = 64 };

struct record_item {
    struct str problem; /* why it is rejected; {NULL, 0}: accepted, the next of `accepted` */
};

/* One POST until its answer; lives in the exchange's arena. */
struct record {
    struct api_item_reader reader;
    bool is_array;
    struct activity *accepted;
    size_t accepted_count;
    struct record_item *items; /* arrays only, in the order of the body */
    size_t item_count;
    size_t capacity; /* of both arrays */
};

static void answer_no_memory(const struct api_call *call)
{
    api_answer_problem(call->exchange, STATUS_NO_MEMORY,
                       "there is no memory for this request now; send it again later, or less at "
                       "once");
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

/* `completion` is NULL for what was only tried. */
static void append_promise(struct buffer *json, const struct http_completion *completion)
{
    if (completion == NULL) {
        buffer_append_literal(json, "\"dryRun\":true");
    } else {
        api_promise_append(json, completion);
    }
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
        buffer_append_literal(json, "{\"status\":\"success\",\"message\":\"");
        buffer_append_str(json, completion == NULL ? STR("Nothing was queued, this was a dry run")
                                                   : STR("Log queued successfully"));
        buffer_append_literal(json, "\",\"id\":\"");
        buffer_append_str(json, record->accepted[0].id);
        buffer_append_literal(json, "\",");
        append_promise(json, completion);
    }
    buffer_append_char(json, '}');
}

/* What a 202 says, without the promise, of what was only tried. */
static void answer_tried(const struct api_call *call, const struct record *record)
{
    struct buffer *json = &record->reader.loop->answer;
    render_accepted(json, record, NULL);
    if (json->failed != STATUS_OK) {
        answer_no_memory(call);
        return;
    }
    api_answer_json(call->exchange, 200, buffer_str(json));
}

static void submit(const struct api_call *call, struct record *record)
{
    if (record->reader.dry_run) {
        answer_tried(call, record);
        return;
    }
    struct http_ticket ticket = http_exchange_ticket(call->exchange);
    http_exchange_set_data(call->exchange, record);
    api_trace_begin_append(call->exchange, record->accepted, record->accepted_count);
    enum status status = record_activities_append(
        call->api->config.recorder, record->accepted, record->accepted_count,
        &record->reader.loop->listener,
        (struct append_ticket){ticket.loop, ticket.slot, ticket.generation});
    if (status != STATUS_OK) {
        api_promise_end_refused_span(call->api, call->exchange, status);
        api_item_count_rejected(&record->reader, record->accepted_count);
        api_promise_answer_not_taken(call->api, call->exchange, status);
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
        status = api_item_read(&record->reader, call->request->body, call->request->body_len,
                               record->accepted, &rejection);
    }
    if (status == STATUS_OK) {
        record->accepted_count = 1;
        submit(call, record);
        return;
    }
    api_item_count_rejected(&record->reader, 1);
    if (status == STATUS_NO_MEMORY) {
        answer_no_memory(call);
        return;
    }
    char detail[API_ITEM_DETAIL_BYTES];
    struct http_problem problem = api_item_problem(status, &rejection, detail);
    problem.members = record->reader.dry_run ? STR("\"dryRun\":true") : (struct str){0};
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
    enum status status = api_item_read(&record->reader, text, len,
                                       &record->accepted[record->accepted_count], &rejection);
    if (status == STATUS_NO_MEMORY) {
        return status;
    }
    record->item_count++;
    if (status == STATUS_OK) {
        record->accepted_count++;
        return STATUS_OK;
    }
    item->problem = api_item_problem_json(&record->reader, status, &rejection);
    return item->problem.data != NULL ? STATUS_OK : STATUS_NO_MEMORY;
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

/* 400 for an array of which nothing can be accepted, with the reason of each item. */
static void answer_nothing_accepted(const struct api_call *call, const struct record *record)
{
    struct buffer *members = &record->reader.loop->answer;
    buffer_clear(members);
    buffer_append_format(members, "\"accepted\":0,\"rejected\":%zu,%s", record->item_count,
                         record->reader.dry_run ? "\"dryRun\":true," : "");
    append_results(members, record);
    if (members->failed != STATUS_OK) {
        answer_no_memory(call);
        return;
    }
    struct http_problem problem =
        api_problem_make(API_PROBLEM_NOTHING_ACCEPTED,
                         "every activity of the array was rejected; results tells why");
    problem.members = buffer_str(members);
    http_problem_respond(call->exchange, &problem, NULL);
}

static void post_array(const struct api_call *call, struct record *record)
{
    struct error err;
    record->is_array = true;
    enum status status = read_items(call, record, &err);
    if (status != STATUS_OK) {
        api_item_count_rejected(&record->reader, record->item_count);
        api_answer_problem(call->exchange, status, err.message);
        return;
    }
    if (!api_access_charges(call, record->item_count)) {
        api_item_count_rejected(&record->reader, record->item_count);
        return;
    }
    api_item_count_rejected(&record->reader, record->item_count - record->accepted_count);
    if (record->accepted_count == 0) {
        answer_nothing_accepted(call, record);
    } else {
        submit(call, record);
    }
}

/* --- what a body holds --- */

typedef void post_function(const struct api_call *call, struct record *record);

static void post_one_or_array(const struct api_call *call, struct record *record)
{
    if (activity_json_is_array(call->request->body, call->request->body_len)) {
        post_array(call, record);
    } else {
        post_one(call, record);
    }
}

/* `read` is NULL for activities as this service writes them. */
static void post(const struct api_call *call, api_item_function *read, post_function *all)
{
    struct api_item_reader reader;
    if (!api_item_reader_init(&reader, call)) {
        return;
    }
    if (read != NULL) {
        reader.read = read;
    }
    struct record *record = arena_allocate(http_exchange_arena(call->exchange), sizeof *record);
    if (record == NULL) {
        answer_no_memory(call);
        return;
    }
    *record = (struct record){.reader = reader};
    all(call, record);
}

void api_record_post(const struct api_call *call)
{
    post(call, NULL, post_one_or_array);
}

void api_record_post_event(const struct api_call *call)
{
    post(call, api_cloud_event_read, post_one);
}

void api_record_post_events(const struct api_call *call)
{
    post(call, api_cloud_event_read, post_array);
}

void api_record_post_binary_event(const struct api_call *call)
{
    post(call, api_cloud_event_read_binary, post_one);
}

/* --- the answer, once the log has spoken --- */

static void answer_accepted(struct http_exchange *exchange,
                            const struct http_completion *completion)
{
    const struct record *record = http_exchange_data(exchange);
    struct buffer *json = &record->reader.loop->answer;
    bool lost = api_promise_is_lost(completion);
    if (!lost) {
        render_accepted(json, record, completion);
    }
    if (lost || json->failed != STATUS_OK) {
        api_answer_problem(exchange, STATUS_NO_MEMORY, API_PROMISE_WITHOUT_ANSWER);
        return;
    }
    api_answer_json(exchange, 202, buffer_str(json));
}

/* On the loop. A client that went away before its answer took its record along. */
static void completed_on_loop(struct http_exchange *exchange,
                              const struct http_completion *completion)
{
    api_promise_end_span(exchange, completion);
    if (exchange != NULL && completion->status == STATUS_OK) {
        answer_accepted(exchange, completion);
    } else if (exchange != NULL) {
        const struct record *record = http_exchange_data(exchange);
        api_promise_answer_not_durable(record->reader.loop->api, exchange, completion->status);
    }
    api_promise_release(completion);
}

void api_record_completed(struct append_listener *listener, const struct append_result *results,
                          size_t result_count)
{
    struct api_loop *loop = CONTAINER_OF(listener, struct api_loop, listener);
    api_promise_completed(loop, results, result_count, completed_on_loop);
}
