/*
 * Requests that wait until what a receipt names is stored. They hold neither a pool thread nor the
 * loop: what ends the wait is carried to the loop, which sets the job going.
 */
#include "interfaces/api/api_job.h"

static void answer_refused(struct http_exchange *exchange, enum status status, const char *detail)
{
    if (status == STATUS_INVALID) {
        api_answer_bad_parameter(exchange, detail);
    } else {
        api_answer_problem(exchange, status, detail);
    }
}

/* Back on the loop; the client may have left. */
static void go_on(struct http_exchange *exchange, const struct http_completion *completion)
{
    struct api_job *job = completion->data;
    if (exchange != NULL && completion->status == STATUS_OK) {
        api_job_offload(exchange, job);
        return;
    }
    api_job_free(job);
    if (exchange != NULL && completion->status == STATUS_TIMED_OUT) {
        api_answer_problem_type(exchange, API_PROBLEM_NOT_YET_STORED,
                                "it is durable and on its way to the store; ask again, or without "
                                "after for what is stored now");
    } else if (exchange != NULL) {
        answer_refused(exchange, completion->status,
                       "this server ends; ask another one, or again later");
    }
}

/* On whichever thread learned it. */
static void ended(struct stored_wait *wait, enum status status)
{
    struct api_job *job = CONTAINER_OF(wait, struct api_job, wait);
    const struct http_completion completion = {
        .ticket = job->ticket, .run = go_on, .status = status, .data = job};
    http_server_complete(job->api->server, &completion, 1);
}

void api_job_await(const struct api_call *call, struct api_job *job)
{
    struct error err;
    bool stored;
    job->wait.ended = ended;
    job->ticket = http_exchange_ticket(call->exchange);
    enum status status =
        await_stored_begin(call->api->config.waits, job->after, &job->wait, &stored, &err);
    if (status != STATUS_OK) {
        api_job_free(job);
        answer_refused(call->exchange, status, err.message);
    } else if (stored) {
        api_job_offload(call->exchange, job);
    }
}
