/*
 * GET of what was in the event log and could not be stored, a page of it.
 */
#include "application/list_refusals.h"
#include "interfaces/api/api_job.h"
#include "interfaces/api/api_query_string.h"

enum { CURSOR_TEXT_BYTES_MAX = 1024 };

struct refused_job {
    struct api_job job;
    const struct list_refusals *lister;
    struct list_refusals_question question;
};

static void render(struct api_job *job, const struct list_refusals_answer *answer)
{
    const struct refusal_page *page = &answer->page;
    buffer_append_format(&job->text, "{\"status\":\"success\",\"results\":%zu,\"data\":[",
                         page->count);
    for (size_t i = 0; i < page->count; i++) {
        if (i > 0) {
            buffer_append_char(&job->text, ',');
        }
        list_refusals_append_json(&job->text, &page->entries[i]);
    }
    buffer_append_literal(&job->text, "],\"nextCursor\":");
    if (answer->next_cursor.len == 0) {
        buffer_append_literal(&job->text, "null}");
        return;
    }
    buffer_append_format(&job->text, "\"%.*s\"}", STR_FORMAT(buffer_str(&answer->next_cursor)));
    buffer_append_format(&job->link, "<%.*s?", STR_FORMAT(job->path));
    api_query_with_cursor(job->query, buffer_str(&answer->next_cursor), &job->link);
    buffer_append_literal(&job->link, ">; rel=\"next\"");
}

static void ask(struct api_job *job)
{
    struct refused_job *refused = CONTAINER_OF(job, struct refused_job, job);
    struct list_refusals_answer answer = {0};
    buffer_init(&answer.next_cursor, CURSOR_TEXT_BYTES_MAX);
    job->status =
        list_refusals_page(refused->lister, &refused->question, &job->arena, &answer, &job->err);
    if (job->status == STATUS_OK) {
        render(job, &answer);
    }
    buffer_deinit(&answer.next_cursor);
}

void api_refused(const struct api_call *call)
{
    static const struct api_job_kind kind = {.bytes = sizeof(struct refused_job),
                                             .ask = ask,
                                             .words = &api_question_words,
                                             .is_tagged = true};
    struct api_job *job = api_job_new(call, &kind);
    struct error err;
    if (job == NULL) {
        return;
    }
    struct refused_job *refused = CONTAINER_OF(job, struct refused_job, job);
    refused->lister = call->api->config.refusals;
    enum status status =
        api_refused_question_read(job->query, &job->arena, &refused->question, &err);
    api_job_start(call, job, status, &err);
}
