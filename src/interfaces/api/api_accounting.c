/* GET of the sums. */
#include "application/accounting.h"
#include "interfaces/api/api_job.h"

struct accounting_job {
    struct api_job job;
    const struct accounting *accounting;
};

static void ask(struct api_job *job)
{
    struct accounting_sums sums;
    job->status = accounting_take(CONTAINER_OF(job, struct accounting_job, job)->accounting, &sums,
                                  &job->err);
    if (job->status == STATUS_OK) {
        accounting_append_json(&job->text, &sums);
        accounting_sums_deinit(&sums);
    }
}

void api_accounting(const struct api_call *call)
{
    static const struct api_job_kind kind = {
        .bytes = sizeof(struct accounting_job), .ask = ask, .words = &api_question_words};
    struct api_job *job = api_job_new(call, &kind);
    if (job != NULL) {
        CONTAINER_OF(job, struct accounting_job, job)->accounting = call->api->config.accounting;
        api_job_start(call, job, STATUS_OK, NULL);
    }
}
