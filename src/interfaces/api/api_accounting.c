/*
 * GET of the sums: as JSON for people and programs, and as lines for Prometheus, which every role
 * answers.
 */
#include "application/accounting.h"
#include "interfaces/api/api_job.h"

struct accounting_job {
    struct api_job job;
    const struct accounting *accounting;
    const struct api_reloads *reloads;
};

static void ask(struct api_job *job,
                void append(struct buffer *buffer, const struct accounting_sums *sums))
{
    struct accounting_sums sums;
    job->status = accounting_take(CONTAINER_OF(job, struct accounting_job, job)->accounting, &sums,
                                  &job->err);
    if (job->status == STATUS_OK) {
        append(&job->text, &sums);
        accounting_sums_deinit(&sums);
    }
}

static void ask_for_json(struct api_job *job)
{
    ask(job, accounting_append_json);
}

static void ask_for_metrics(struct api_job *job)
{
    job->content_type = STR("text/plain; version=0.0.4; charset=utf-8");
    ask(job, accounting_append_metrics);
    if (job->status == STATUS_OK) {
        api_reloads_append_metrics(CONTAINER_OF(job, struct accounting_job, job)->reloads,
                                   &job->text);
    }
}

static void answer(const struct api_call *call, const struct api_job_kind *kind)
{
    struct api_job *job = api_job_new(call, kind);
    if (job != NULL) {
        struct accounting_job *sums = CONTAINER_OF(job, struct accounting_job, job);
        sums->accounting = call->api->config.accounting;
        sums->reloads = call->api->config.reloads;
        api_job_start(call, job, STATUS_OK, NULL);
    }
}

void api_accounting(const struct api_call *call)
{
    static const struct api_job_kind kind = {
        .bytes = sizeof(struct accounting_job), .ask = ask_for_json, .words = &api_question_words};
    answer(call, &kind);
}

void api_metrics(const struct api_call *call)
{
    static const struct api_job_kind kind = {.bytes = sizeof(struct accounting_job),
                                             .ask = ask_for_metrics,
                                             .words = &api_question_words};
    answer(call, &kind);
}
