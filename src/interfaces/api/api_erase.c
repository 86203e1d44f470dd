/*
 * DELETE of a user. A client that leaves meanwhile takes nothing back.
 *
 * The user stands in the path, percent-encoded, or in the query string: proxies decode a "%2F" in a
 * path, and a user id may hold a "/".
 */
#include "application/erasure_statement.h"
#include "base/base64url.h"
#include "base/json_text.h"
#include "interfaces/api/api_job.h"
#include "interfaces/api/api_query_string.h"

#include <stdio.h>

struct erase_job {
    struct api_job job;
    struct erase_user *eraser;
    struct live_tail *live;
    const struct receipt_signer *signer; /* NULL: the receipt goes unsigned */
    const struct clock *clock;
    struct str user_id;
};

static const struct api_job_words erase_words = {
    .no_memory = "there is no memory for this request now; nobody was erased, send it again later",
    .busy = "more questions are under way than are answered at once; nobody was erased, send it "
            "again later",
    .lost = "the user is erased, but there is no memory for the receipt; send the request again",
};

/* --- the answer --- */

static void append_member(struct buffer *json, const char *name, struct str value)
{
    buffer_append_format(json, ",\"%s\":", name);
    json_text_append_string(json, value);
}

static void append_out_of_reach(struct buffer *json, const struct erasure_statement *statement)
{
    buffer_append_literal(json, ",\"outOfReach\":[");
    for (size_t i = 0; i < statement->place_count; i++) {
        const struct statement_place *place = &statement->places[i];
        buffer_append_str(json, i == 0 ? STR("{\"what\":") : STR(",{\"what\":"));
        json_text_append_string(json, place->what);
        append_member(json, "detail", place->detail);
        buffer_append_char(json, '}');
    }
    buffer_append_char(json, ']');
}

static void append_chain(struct buffer *json, const struct erasure_statement *statement)
{
    if (!statement->recorded) {
        buffer_append_literal(json, ",\"chain\":null");
        return;
    }
    buffer_append_literal(json, ",\"chain\":{\"storeId\":");
    json_text_append_string(json, statement->store_id);
    buffer_append_format(json, ",\"record\":%llu", (unsigned long long)statement->record);
    append_member(json, "hash", statement->hash);
    buffer_append_format(json, ",\"sealed\":%llu}", (unsigned long long)statement->sealed);
}

/* Without the end of the object. As `usertrail verify --receipt` reads it; see erasure_receipt.h
 * and erasure_statement.h, which signs these members. */
static void render(const struct erasure_statement *statement, struct buffer *json)
{
    buffer_append_literal(json, "{\"status\":\"success\"");
    append_member(json, "userId", statement->user_id);
    append_member(json, "erasedAt", statement->erased_at);
    buffer_append_format(json, ",\"erased\":%llu,\"refused\":%llu",
                         (unsigned long long)statement->erased,
                         (unsigned long long)statement->refused);
    buffer_append_literal(json, ",\"receipt\":{\"store\":");
    json_text_append_string(json, statement->store);
    buffer_append_format(json, ",\"durable\":%s", statement->durable ? "true" : "false");
    append_chain(json, statement);
    buffer_append_char(json, '}');
    append_out_of_reach(json, statement);
}

static enum status append_signature(struct buffer *json, const struct erasure_statement *statement,
                                    const struct receipt_signer *signer)
{
    uint8_t signature[RECEIPT_SIGNATURE_BYTES];
    struct buffer text;
    buffer_init(&text, STATEMENT_BYTES_MAX);
    erasure_statement_append(statement, &text);
    enum status status = text.failed;
    if (status == STATUS_OK) {
        status = signer->sign(signer, buffer_str(&text), signature);
    }
    if (status == STATUS_OK) {
        append_member(json, "signedAt", statement->signed_at);
        append_member(json, "signed", buffer_str(&text));
        append_member(json, "signedBy", signer->signed_by);
        buffer_append_literal(json, ",\"signature\":\"");
        base64_encode(signature, sizeof signature, json);
        buffer_append_char(json, '"');
    }
    buffer_deinit(&text);
    return status;
}

/* An answer without its signature would look like one of a service without a key, and nobody would
 * send the request again; who does gets one. */
static void answer(struct erase_job *erase, const struct erasure *erasure)
{
    struct api_job *job = &erase->job;
    struct erasure_texts texts;
    struct erasure_statement statement;
    int64_t now_ms = clock_wall_ms(erase->clock);
    erasure_statement_make(erase->user_id, erasure, erase->signer == NULL ? NULL : &now_ms, &texts,
                           &statement);
    render(&statement, &job->text);
    if (erase->signer != NULL) {
        job->status = append_signature(&job->text, &statement, erase->signer);
    }
    buffer_append_char(&job->text, '}');
    if (job->status != STATUS_OK) {
        error_set(
            &job->err, STATUS_NO_MEMORY, 0,
            "the user is erased, but the receipt could not be signed; send the request again");
        job->status = STATUS_NO_MEMORY;
    }
}

static void ask(struct api_job *job)
{
    struct erase_job *erase = CONTAINER_OF(job, struct erase_job, job);
    struct erasure erasure;
    struct error err;
    job->status = erase_user_run(erase->eraser, erase->user_id, &erasure, &err);
    if (erase->live != NULL && erasure.erased_at_ms > 0) {
        live_tail_forget(erase->live, erase->user_id, erasure.erased_at_ms);
    }
    if (job->status != STATUS_OK) {
        error_set(&job->err, job->status, err.cause,
                  "nothing is promised, send the request again: %s", err.message);
        return;
    }
    answer(erase, &erasure);
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
    erase->signer = call->api->config.receipts;
    erase->clock = call->api->config.clock;
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
