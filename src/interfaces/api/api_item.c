#include "interfaces/api/api_item.h"

#include "base/assert.h"

#include <stdio.h>

enum status api_item_read(const struct api_item_reader *reader, char *text, size_t len,
                          struct activity *out_activity, struct rejection *rejection)
{
    struct api_loop *loop = reader->loop;
    struct activity_draft draft;
    struct activity_json_text json = {
        .data = text,
        .len = len,
        .now_ms = (int64_t)(reader->now_ns / NANOSECONDS_PER_MILLISECOND),
        .arena = reader->arena,
    };
    enum status status = activity_json_read(&loop->reader, &json, &draft, rejection);
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
    record_activities_complete(loop->api->config.recorder, reader->now_ns, &draft, id_text);
    *out_activity = draft.activity;
    return STATUS_OK;
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
    return (struct http_problem){
        .status = status == STATUS_TOO_LARGE ? 413 : 400,
        .type = status == STATUS_TOO_LARGE ? "activity-too-large" : "invalid-activity",
        .title = "The activity cannot be accepted",
        .detail = detail,
        .rejection = rejection,
    };
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
