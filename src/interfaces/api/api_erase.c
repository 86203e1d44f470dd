/*
 * DELETE of a user. A client that leaves meanwhile takes nothing back.
 *
 * The user stands in the path, percent-encoded, or in the query string: proxies decode a "%2F" in a
 * path, and a user id may hold a "/".
 */
#include "base/json_text.h"
#include "base/timestamp.h"
#include "interfaces/api/api_job.h"
#include "interfaces/api/api_query_string.h"

#include <stdio.h>

struct erase_job {
    struct api_job job;
    struct erase_user *eraser;
    struct live_tail *live;
    struct str user_id;
};

static const struct api_job_words erase_words = {
    .no_memory = "there is no memory for this request now; nobody was erased, send it again later",
    .busy = "more questions are under way than are answered at once; nobody was erased, send it "
            "again later",
    .lost = "the user is erased, but there is no memory for the receipt; send the request again",
};

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

/* As `usertrail verify --receipt` reads it; see erasure_receipt.h. */
static void append_chain(struct buffer *json, const struct erasure *erasure)
{
    const struct erasure_record *record = &erasure->record;
    char store_id[UUID_TEXT_BYTES];
    if (!erasure->recorded) {
        buffer_append_literal(json, ",\"chain\":null");
        return;
    }
    uuid_format(record->store_id, store_id);
    buffer_append_format(json, ",\"chain\":{\"storeId\":\"%.*s\",\"record\":%llu,\"hash\":\"",
                         UUID_TEXT_BYTES, store_id, (unsigned long long)record->number);
    buffer_append_hex(json, record->hash, sizeof record->hash);
    buffer_append_format(json, "\",\"sealed\":%llu}", (unsigned long long)record->sealed);
}

static void render(struct str user_id, const struct erasure *erasure, struct buffer *json)
{
    char erased_at[TIMESTAMP_TEXT_BYTES];
    timestamp_format(erasure->erased_at_ms, erased_at);
    buffer_append_literal(json, "{\"status\":\"success\",\"userId\":");
    json_text_append_string(json, user_id);
    buffer_append_format(json, ",\"erasedAt\":\"%.*s\",\"erased\":%llu,\"refused\":%llu",
                         TIMESTAMP_TEXT_BYTES, erased_at, (unsigned long long)erasure->erased,
                         (unsigned long long)erasure->refused);
    buffer_append_literal(json, ",\"receipt\":{\"store\":");
    json_text_append_string(json, str_from(erasure->store));
    buffer_append_format(json, ",\"durable\":%s", erasure->durable ? "true" : "false");
    append_chain(json, erasure);
    buffer_append_char(json, '}');
    append_out_of_reach(json, erasure);
    buffer_append_char(json, '}');
}

static void ask(struct api_job *job)
{
    struct erase_job *erase = CONTAINER_OF(job, struct erase_job, job);
    struct erasure erasure;
    struct error err;
    job->status = erase_user_run(erase->eraser, erase->user_id, &erasure, &err);
    if (job->status == STATUS_OK && erase->live != NULL) {
        live_tail_forget(erase->live, erase->user_id, erasure.erased_at_ms);
    }
    if (job->status == STATUS_OK) {
        render(erase->user_id, &erasure, &job->text);
    } else {
        error_set(&job->err, job->status, err.cause,
                  "nothing is promised, send the request again: %s", err.message);
    }
}

/* --- the request --- */

static void refuse_user(struct http_exchange *exchange, const char *detail)
{
    api_answer_problem_type(exchange, API_PROBLEM_INVALID_USER, detail);
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

static void erase_raw(const struct api_call *call, struct str raw, bool plus_is_space)
{
    static const struct api_job_kind kind = {
        .bytes = sizeof(struct erase_job), .ask = ask, .words = &erase_words};
    CLEANUP(api_job_free) struct api_job *job = api_job_new(call, &kind);
    if (job == NULL) {
        return;
    }
    struct erase_job *erase = CONTAINER_OF(job, struct erase_job, job);
    erase->eraser = call->api->config.eraser;
    erase->live = call->api->config.live;
    enum status status = api_percent_decode(raw, plus_is_space, &job->arena, &erase->user_id);
    if (status == STATUS_INVALID) {
        refuse_user(call->exchange, "userId: must be percent-encoded UTF-8 without NUL");
    } else if (status != STATUS_OK ||
               (accepts_user(call, erase->user_id) && api_access_covers(call, erase->user_id))) {
        api_job_start(call, TAKE(job), status, NULL);
    }
}

void api_erase_user(const struct api_call *call)
{
    erase_raw(call, call->rest, false);
}

void api_erase_user_of_query(const struct api_call *call)
{
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
        erase_raw(call, user_id, true);
    } else {
        api_answer_bad_parameter(call->exchange,
                                 "name one user to erase: DELETE /api/v1/users?userId=...");
    }
}
