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

static void answer_nobody_signs(struct http_exchange *exchange)
{
    http_problem_respond(exchange,
                         &(struct http_problem){
                             .status = 404,
                             .type = "no-checkpoints",
                             .title = "Nobody signs checkpoints here",
                             .detail = "start the service with --checkpoint-key-file",
                         },
                         NULL);
}

void api_checkpoint(const struct api_call *call)
{
    static const struct api_job_kind kind = {sizeof(struct checkpoint_job), ask,
                                             &api_question_words};
    struct checkpoint_source *source = call->api->config.checkpoints;
    if (api_refuses_parameters(call, "")) {
        return;
    }
    if (source == NULL) {
        answer_nobody_signs(call->exchange);
        return;
    }
    struct api_job *job = api_job_new(call, &kind);
    if (job != NULL) {
        CONTAINER_OF(job, struct checkpoint_job, job)->source = source;
        api_job_start(call, job, STATUS_OK, NULL);
    }
}
