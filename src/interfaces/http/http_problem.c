#include "interfaces/http/http_problem.h"

#include "base/json_text.h"
#include "interfaces/http/http_exchange.h"

#include <stdio.h>

enum {
    PROBLEM_BYTES_MAX = 64 * 1024, /* all faults with every byte escaped fit; members come on top */
    PROBLEM_FIELDS_MAX = 2,
};

static void append_member(struct buffer *json, const char *name, const char *value)
{
    buffer_append_char(json, ',');
    json_text_append_string(json, str_from(name));
    buffer_append_char(json, ':');
    json_text_append_string(json, str_from(value));
}

static void append_faults(struct buffer *json, const struct rejection *rejection)
{
    buffer_append_literal(json, ",\"errors\":[");
    for (size_t i = 0; i < rejection->count; i++) {
        buffer_append_str(json, i == 0 ? STR("{\"pointer\":") : STR(",{\"pointer\":"));
        json_text_append_string(json, str_from(rejection->faults[i].pointer));
        append_member(json, "detail", rejection->faults[i].detail);
        buffer_append_char(json, '}');
    }
    buffer_append_char(json, ']');
}

void http_problem_append(const struct http_problem *problem, struct buffer *out_json)
{
    buffer_append_literal(out_json, "{\"type\":\"/problems/");
    buffer_append_str(out_json, str_from(problem->type));
    buffer_append_char(out_json, '"');
    append_member(out_json, "title", problem->title);
    buffer_append_literal(out_json, ",\"status\":");
    buffer_append_i64(out_json, problem->status);
    append_member(out_json, "detail", problem->detail);
    append_member(out_json, "message", problem->detail);
    if (problem->rejection != NULL && problem->rejection->count > 0) {
        append_faults(out_json, problem->rejection);
    }
    if (problem->members.len > 0) {
        buffer_append_char(out_json, ',');
        buffer_append_str(out_json, problem->members);
    }
    buffer_append_char(out_json, '}');
}

void http_problem_respond(struct http_exchange *exchange, const struct http_problem *problem,
                          const char *allow)
{
    struct http_header headers[PROBLEM_FIELDS_MAX];
    char retry_after[16];
    size_t count = 0;
    if (problem->retry_after_s > 0) {
        int len = snprintf(retry_after, sizeof retry_after, "%u", problem->retry_after_s);
        headers[count] = (struct http_header){STR("Retry-After"), {retry_after, (size_t)len}};
        count++;
    }
    if (allow != NULL) {
        headers[count] = (struct http_header){STR("Allow"), str_from(allow)};
        count++;
    }
    struct buffer json;
    buffer_init(&json, PROBLEM_BYTES_MAX + problem->members.len);
    http_problem_append(problem, &json);
    struct http_response response = {.status = problem->status,
                                     .headers = headers,
                                     .header_count = count,
                                     .close = problem->close};
    if (json.failed == STATUS_OK) {
        response.content_type = STR("application/problem+json");
        response.body = buffer_str(&json);
    }
    http_exchange_respond(exchange, &response);
    buffer_deinit(&json);
}
