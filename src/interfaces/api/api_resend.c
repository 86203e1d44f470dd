/*
 * POST of refused activities once more: one by its id, or a page of them. A client that leaves
 * meanwhile takes nothing back.
 */
#include "application/resend_refusals.h"
#include "base/json_text.h"
#include "interfaces/api/api_job.h"
#include "interfaces/api/api_origin.h"
#include "interfaces/api/api_query_string.h"

enum { CURSOR_TEXT_BYTES_MAX = 1024 };

struct resend_job {
    struct api_job job;
    struct resend_refusals *resender;
    struct list_refusals_question question;
    struct str id;
};

static const struct api_job_words resend_words = {
    .no_memory = "there is no memory for this request now; nothing was sent, try again later",
    .busy = "more questions are under way than are answered at once; nothing was sent, try again "
            "later",
    .lost = "it was done, but there is no memory for the answer; GET /api/v1/refused tells what is "
            "left",
};

/* One --------------------------------------------------------------------------------------- */

static void ask_for_one(struct api_job *job)
{
    struct resend_job *resend = CONTAINER_OF(job, struct resend_job, job);
    struct resend_outcome outcome;
    job->status =
        resend_refusals_one(resend->resender, resend->id, &job->arena, &outcome, &job->err);
    if (job->status == STATUS_INVALID) {
        job->problem = API_PROBLEM_CANNOT_RESEND;
    }
    if (job->status != STATUS_OK) {
        return;
    }
    buffer_append_literal(&job->text, "{\"status\":\"success\",\"id\":");
    json_text_append_string(&job->text, resend->id);
    buffer_append_literal(&job->text, ",\"activityId\":");
    json_text_append_string(&job->text, outcome.activity_id);
    buffer_append_format(&job->text, ",\"durability\":\"%s\"}",
                         durability_name(outcome.durability));
}

static struct api_job *make(const struct api_call *call, const struct api_job_kind *kind)
{
    struct api_job *job = api_job_new(call, kind);
    if (job != NULL) {
        CONTAINER_OF(job, struct resend_job, job)->resender = call->api->config.resender;
    }
    return job;
}

void api_resend_begin(const struct api_call *call)
{
    (void)api_origin_admits_post(call); /* it has answered what it does not admit */
}

void api_resend_one(const struct api_call *call)
{
    static const struct api_job_kind kind = {
        .bytes = sizeof(struct resend_job), .ask = ask_for_one, .words = &resend_words};
    struct api_job *job = make(call, &kind);
    if (job == NULL) {
        return;
    }
    struct error err;
    struct str *id = &CONTAINER_OF(job, struct resend_job, job)->id;
    enum status status = api_percent_decode(call->rest, false, &job->arena, id);
    if (status == STATUS_INVALID) {
        status = error_set(&err, status, 0, "the id must be percent-encoded UTF-8 without NUL");
    }
    api_job_start(call, job, status, &err);
}

/* A page ------------------------------------------------------------------------------------ */

static void append_kept(struct buffer *json, const struct resend_outcome *outcome)
{
    buffer_append_literal(json, ",\"kept\":[");
    for (size_t i = 0; i < outcome->kept_count; i++) {
        buffer_append_str(json, i == 0 ? STR("{\"id\":") : STR(",{\"id\":"));
        json_text_append_string(json, outcome->kept[i].id);
        buffer_append_literal(json, ",\"reason\":");
        json_text_append_string(json, outcome->kept[i].reason);
        buffer_append_char(json, '}');
    }
    buffer_append_char(json, ']');
}

static void render(struct resend_job *resend, const struct resend_outcome *outcome)
{
    struct str cursor = buffer_str(&outcome->answer.next_cursor);
    struct buffer *json = &resend->job.text;
    struct refusal_list_state list;
    refusal_list_describe(resend->resender->config.lister->list, &list);
    buffer_append_format(json, "{\"status\":\"success\",\"resent\":%zu", outcome->resent);
    append_kept(json, outcome);
    if (outcome->resent > 0) {
        buffer_append_format(json, ",\"durability\":\"%s\"", durability_name(outcome->durability));
    }
    buffer_append_format(json, ",\"listed\":%llu,\"nextCursor\":", (unsigned long long)list.listed);
    if (cursor.len == 0) {
        buffer_append_literal(json, "null}");
    } else {
        buffer_append_format(json, "\"%.*s\"}", STR_FORMAT(cursor));
    }
}

static void ask_for_page(struct api_job *job)
{
    struct resend_job *resend = CONTAINER_OF(job, struct resend_job, job);
    struct resend_outcome outcome = {0};
    buffer_init(&outcome.answer.next_cursor, CURSOR_TEXT_BYTES_MAX);
    job->status =
        resend_refusals_page(resend->resender, &resend->question, &job->arena, &outcome, &job->err);
    if (job->status == STATUS_OK) {
        render(resend, &outcome);
    }
    buffer_deinit(&outcome.answer.next_cursor);
}

void api_resend_page(const struct api_call *call)
{
    static const struct api_job_kind kind = {
        .bytes = sizeof(struct resend_job), .ask = ask_for_page, .words = &resend_words};
    struct api_job *job = make(call, &kind);
    struct error err;
    if (job == NULL) {
        return;
    }
    struct list_refusals_question *question = &CONTAINER_OF(job, struct resend_job, job)->question;
    enum status status = api_refused_question_read(job->query, &job->arena, question, &err);
    api_job_start(call, job, status, &err);
}
