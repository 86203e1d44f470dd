#include "interfaces/api/api_item.h"

#include "application/derived_id.h"
#include "base/assert.h"
#include "base/json_walk.h"
#include "interfaces/api/api_retry_key.h"

#include <stdio.h>

/* A request that is only tried says so by dry_run=1. False when it says it otherwise. */
static bool read_dry_run(struct str value, bool *out_dry_run)
{
    bool yes = str_equal(value, STR("1")) || str_equal(value, STR("true"));
    bool no = str_equal(value, STR("0")) || str_equal(value, STR("false"));
    *out_dry_run = yes;
    return yes || no;
}

static bool read_parameters(struct api_item_reader *reader, const struct api_call *call)
{
    struct str query = call->request->query;
    bool seen = false;
    while (query.data != NULL) {
        struct str value = str_split(&query, '&');
        struct str name = str_split(&value, '=');
        if (name.len == 0) {
            continue;
        }
        if (seen || !read_dry_run(value, &reader->dry_run)) {
            api_answer_bad_parameter(call->exchange, "dry_run must be 1 or 0, and there once");
            return false;
        }
        seen = true;
    }
    return true;
}

const struct content_hash *api_item_hash(const struct api_item_reader *reader)
{
    const struct api *api = reader->loop->api;
    return &api->config.hashes[reader->loop - api->loops];
}

/* The id of an activity of a request that has a name: before it is read, which overwrites it. */
static enum status derive_id(const struct api_item_reader *reader, const char *text, size_t len,
                             char id_text[UUID_TEXT_BYTES])
{
    if (reader->retry_key.data == NULL) {
        return STATUS_OK;
    }
    return derived_id_of_retry(api_item_hash(reader),
                               &(struct derived_id_retry){
                                   .key_name = reader->key_name,
                                   .retry_key = reader->retry_key,
                                   .index = reader->index,
                                   .bytes = json_walk_trim((struct str){text, len}),
                               },
                               id_text);
}

static enum status read_activity(const struct api_item_reader *reader, char *text, size_t len,
                                 struct activity_draft *out_draft, struct rejection *rejection)
{
    struct activity_json_text json = {
        .data = text,
        .len = len,
        .now_ms = (int64_t)(reader->now_ns / NANOSECONDS_PER_MILLISECOND),
        .arena = reader->arena,
    };
    char id_text[UUID_TEXT_BYTES];
    enum status status = derive_id(reader, text, len, id_text);
    status = status == STATUS_OK
                 ? activity_json_read(&reader->loop->reader, &json, out_draft, rejection)
                 : status;
    if (status != STATUS_OK || out_draft->activity.id.data != NULL ||
        reader->retry_key.data == NULL) {
        return status;
    }
    out_draft->activity.id = arena_copy_str(reader->arena, (struct str){id_text, UUID_TEXT_BYTES});
    return out_draft->activity.id.data != NULL ? STATUS_OK : STATUS_NO_MEMORY;
}

bool api_item_reader_init(struct api_item_reader *reader, const struct api_call *call)
{
    struct error err;
    *reader = (struct api_item_reader){
        .loop = api_call_loop(call),
        .fields = api_call_fields(call),
        .read = read_activity,
        .arena = http_exchange_arena(call->exchange),
        .now_ns = clock_wall_ns(call->api->config.clock),
        .caller = call->caller,
        .key_name = call->caller->grant.name,
    };
    if (!read_parameters(reader, call)) {
        return false;
    }
    enum status status =
        api_retry_key_read(&reader->fields, reader->arena, &reader->retry_key, &err);
    if (status != STATUS_OK) {
        api_answer_problem(call->exchange, status, err.message);
    }
    return status == STATUS_OK;
}

enum status api_item_read(struct api_item_reader *reader, char *text, size_t len,
                          struct activity *out_activity, struct rejection *rejection)
{
    struct activity_draft draft;
    enum status status = reader->read(reader, text, len, &draft, rejection);
    reader->index++;
    status = status == STATUS_OK ? api_access_check_activity(reader->loop, reader->caller,
                                                             &draft.activity, rejection)
                                 : status;
    if (status != STATUS_OK) {
        return status;
    }
    char *id_text = NULL;
    if (draft.activity.id.data == NULL) {
        id_text = arena_allocate(reader->arena, UUID_TEXT_BYTES);
        if (id_text == NULL) {
            return STATUS_NO_MEMORY;
        }
    }
    record_activities_complete(reader->loop->api->config.recorder, reader->now_ns, &draft, id_text);
    *out_activity = draft.activity;
    return STATUS_OK;
}

void api_item_count_rejected(const struct api_item_reader *reader, size_t activities)
{
    if (!reader->dry_run) {
        record_activities_count(reader->loop->api->config.recorder, activities, 0, activities);
    }
}

/* "userId: is required": the first fault in one sentence, for clients that show nothing else. */
struct http_problem api_item_problem(enum status status, const struct rejection *rejection,
                                     char detail[API_ITEM_DETAIL_BYTES])
{
    ASSERT(rejection->count > 0);
    const struct rejection_fault *fault = &rejection->faults[0];
    const char *pointer = fault->pointer[0] == '/' ? fault->pointer + 1 : fault->pointer;
    snprintf(detail, API_ITEM_DETAIL_BYTES, "%s%s%s", pointer, pointer[0] == '\0' ? "" : ": ",
             fault->detail);
    struct http_problem problem =
        api_problem_make(status == STATUS_TOO_LARGE ? API_PROBLEM_ACTIVITY_TOO_LARGE
                                                    : api_access_problem_of(rejection->kind),
                         detail);
    problem.rejection = rejection;
    return problem;
}

struct str api_item_problem_json(const struct api_item_reader *reader, enum status status,
                                 const struct rejection *rejection)
{
    char detail[API_ITEM_DETAIL_BYTES];
    struct http_problem problem = api_item_problem(status, rejection, detail);
    struct buffer *json = &reader->loop->answer;
    buffer_clear(json);
    http_problem_append(&problem, json);
    if (json->failed != STATUS_OK) {
        return (struct str){0};
    }
    return arena_copy_str(reader->arena, buffer_str(json));
}
