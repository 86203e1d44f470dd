/*
 * GET of a checkpoint: the text itself, for a file that is kept elsewhere.
 */
#include "interfaces/api/api_job.h"

struct checkpoint_job {
    struct api_job job;
    struct checkpoint_source *source;
};

static void ask(struct api_job *job)
{
    struct checkpoint_source *source = CONTAINER_OF(job, struct checkpoint_job, job)->source;
    job->content_type = STR("text/plain; charset=utf-8");
    job->status = source->sign(source, &job->text, &job->err);
}

void api_checkpoint(const struct api_call *call)
{
    static const struct api_job_kind kind = {
        .bytes = sizeof(struct checkpoint_job), .ask = ask, .words = &api_question_words};
    struct checkpoint_source *source = call->api->config.checkpoints;
    if (source == NULL) {
        api_answer_problem_type(call->exchange, API_PROBLEM_NO_CHECKPOINTS,
                                call->api->config.receipts == NULL
                                    ? "start the service with --checkpoint-key-file"
                                    : "only the local store has a chain; here the key signs "
                                      "receipts of erasures");
        return;
    }
    struct api_job *job = api_job_new(call, &kind);
    if (job != NULL) {
        CONTAINER_OF(job, struct checkpoint_job, job)->source = source;
        api_job_start(call, job, STATUS_OK, NULL);
    }
}
