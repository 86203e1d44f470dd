/*
 * DELETE of a user: the user id is read on the loop, erased on a pool thread (a store writes to
 * disk), and answered on the loop. A client that leaves meanwhile takes nothing back.
 *
 * The user stands in the path, percent-encoded, or in the query string: proxies decode a "%2F" in a
 * path, and a user id may hold a "/".
 */
#include "base/json_text.h"
#include "base/timestamp.h"
#include "interfaces/api/api_private.h"
#include "interfaces/api/api_query_string.h"

#include <stdio.h>
#include <stdlib.h>

enum { ERASE_ANSWER_BYTES_MAX = 32 * 1024, ERASE_DETAIL_BYTES = 256 };

struct erase_job {
    struct erase_user *eraser;
    char user_id[USER_ID_BYTES_MAX];
    size_t user_id_len;
    struct erasure erasure;
    enum status status;
    struct error err;
};

static struct str user_of(const struct erase_job *job)
{
    return (struct str){job->user_id, job->user_id_len};
}

static void answer_no_memory(struct http_exchange *exchange)
{
    api_answer_problem(exchange, STATUS_NO_MEMORY,
                       "there is no memory for this request now; nobody was erased, send it again "
                       "later");
}

/* --- the answer --- */

static void append_out_of_reach(struct buffer *json, const struct erasure *erasure)
{
    buffer_append_literal(json, ",\"outOfReach\":[");
    for (size_t i = 0; i < erasure->out_of_reach_count; i++) {
        const struct out_of_reach *where = &erasure->out_of_reach[i];
        buffer_append_str(json, i == 0 ? STR("{\"what\":") : STR(",{\"what\":"));
        json_text_append_string(json, str_from(where->what));
        buffer_append_literal(json, ",\"detail\":");
        json_text_append_string(json, str_from(where->detail));
        buffer_append_char(json, '}');
    }
    buffer_append_char(json, ']');
}

static void render(const struct erase_job *job, struct buffer *json)
{
    const struct erasure *erasure = &job->erasure;
    char erased_at[TIMESTAMP_TEXT_BYTES];
    timestamp_format(erasure->erased_at_ms, erased_at);
    buffer_append_literal(json, "{\"status\":\"success\",\"userId\":");
    json_text_append_string(json, user_of(job));
    buffer_append_format(json, ",\"erasedAt\":\"%.*s\",\"erased\":%llu", TIMESTAMP_TEXT_BYTES,
                         erased_at, (unsigned long long)erasure->erased);
    buffer_append_literal(json, ",\"receipt\":{\"store\":");
    json_text_append_string(json, str_from(erasure->store));
    buffer_append_format(json, ",\"durable\":%s}", erasure->durable ? "true" : "false");
    append_out_of_reach(json, erasure);
    buffer_append_char(json, '}');
}

static void answer_erased(struct http_exchange *exchange, const struct erase_job *job)
{
    struct buffer json;
    buffer_init(&json, ERASE_ANSWER_BYTES_MAX);
    render(job, &json);
    if (json.failed == STATUS_OK) {
        api_answer_json(exchange, 200, buffer_str(&json));
    } else {
        api_answer_problem(exchange, STATUS_NO_MEMORY,
                           "the user is erased, but there is no memory for the receipt; send the "
                           "request again");
    }
    buffer_deinit(&json);
}

static void erase(void *data)
{
    struct erase_job *job = data;
    job->status = erase_user_run(job->eraser, user_of(job), &job->erasure, &job->err);
}

static void answer_job(struct http_exchange *exchange, void *data)
{
    struct erase_job *job = data;
    if (exchange != NULL && job->status == STATUS_OK) {
        answer_erased(exchange, job);
    } else if (exchange != NULL) {
        char detail[ERASE_DETAIL_BYTES];
        snprintf(detail, sizeof detail, "%s; nothing is promised, send the request again",
                 job->err.message);
        api_answer_problem(exchange, job->status, detail);
    }
    free(job);
}

/* --- the request --- */

static void refuse_user(struct http_exchange *exchange, const char *detail)
{
    http_problem_respond(exchange,
                         &(struct http_problem){
                             .status = 400,
                             .type = "invalid-user",
                             .title = "No such user can be erased",
                             .detail = detail,
                         },
                         NULL);
}

/* As for an activity that is posted. */
static bool accepts_user(const struct api_call *call, struct str user_id)
{
    struct rejection rejection;
    char detail[REJECTION_DETAIL_BYTES + sizeof "userId: "];
    rejection_init(&rejection);
    if (activity_rules_check_user_id(call->api->config.rules, user_id, &rejection)) {
        return true;
    }
    snprintf(detail, sizeof detail, "userId: %s", rejection.faults[0].detail);
    refuse_user(call->exchange, detail);
    return false;
}

static void submit(const struct api_call *call, struct str user_id)
{
    if (!accepts_user(call, user_id)) {
        return;
    }
    struct erase_job *job = malloc(sizeof *job);
    enum status status = STATUS_NO_MEMORY;
    if (job != NULL) {
        job->eraser = call->api->config.eraser;
        memcpy(job->user_id, user_id.data, user_id.len);
        job->user_id_len = user_id.len;
        status = http_exchange_offload(call->exchange, erase, answer_job, job);
    }
    if (status == STATUS_OK) {
        return;
    }
    free(job);
    if (status == STATUS_NO_MEMORY) {
        answer_no_memory(call->exchange);
    } else {
        api_answer_problem(call->exchange, status,
                           "more questions are under way than are answered at once; nobody was "
                           "erased, send it again later");
    }
}

static void decode_and_submit(const struct api_call *call, struct str raw, bool plus_is_space)
{
    struct str user_id;
    enum status status =
        api_percent_decode(raw, plus_is_space, http_exchange_arena(call->exchange), &user_id);
    if (status == STATUS_OK) {
        submit(call, user_id);
    } else if (status == STATUS_NO_MEMORY) {
        answer_no_memory(call->exchange);
    } else {
        refuse_user(call->exchange, "userId: must be percent-encoded UTF-8 without NUL");
    }
}

void api_erase_user(const struct api_call *call)
{
    if (!api_refuses_parameters(call, "")) {
        decode_and_submit(call, call->rest, false);
    }
}

void api_erase_user_of_query(const struct api_call *call)
{
    if (api_refuses_parameters(call, "userId")) {
        return;
    }
    struct str query = call->request->query;
    struct str user_id = {0};
    size_t count = 0;
    while (query.data != NULL) {
        struct str pair = str_split(&query, '&');
        if (pair.len > 0) {
            struct str name = str_split(&pair, '=');
            user_id = name.len > 0 ? pair : (struct str){0};
            count++;
        }
    }
    if (count == 1 && user_id.data != NULL) {
        decode_and_submit(call, user_id, true);
    } else {
        api_answer_bad_parameter(call->exchange,
                                 "name one user to erase: DELETE /api/v1/users?userId=...");
    }
}
