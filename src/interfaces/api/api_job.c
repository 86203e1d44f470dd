#include "interfaces/api/api_job.h"

#include <stdlib.h>

enum {
    JOB_ARENA_BYTES_MAX = 32 * 1024 * 1024, /* one request: its texts and its answer's rows */
    JOB_LINK_BYTES_MAX = 64 * 1024
};

const struct api_job_words api_question_words = {
    .no_memory = "there is no memory for this request now; ask again later",
    .busy = "more questions are under way than are answered at once; ask again later",
    .lost = "there is no memory for this answer now; ask again later, or for less",
};

void api_job_free(struct api_job *job)
{
    if (job == NULL) {
        return;
    }
    buffer_deinit(&job->text);
    buffer_deinit(&job->link);
    arena_deinit(&job->arena);
    memory_budget_release(job->budget, job->charged);
    free(job);
}

static struct api_job *make(const struct api_call *call, const struct api_job_kind *kind)
{
    CLEANUP(api_job_free) struct api_job *job = calloc(1, kind->bytes);
    if (job == NULL) {
        return NULL;
    }
    job->kind = kind;
    job->operation = call->operation;
    job->problem = API_PROBLEM_COUNT;
    job->api = call->api;
    job->content_type = STR("application/json");
    job->budget = http_exchange_answer_memory(call->exchange);
    arena_init_shared(&job->arena, JOB_ARENA_BYTES_MAX, job->budget);
    buffer_init(&job->text, API_ANSWER_BYTES_MAX);
    buffer_init(&job->link, JOB_LINK_BYTES_MAX);
    job->path = arena_copy_str(&job->arena, call->request->path);
    job->query = call->request->query.data == NULL
                     ? (struct str){0}
                     : arena_copy_str(&job->arena, call->request->query);
    bool complete =
        job->path.data != NULL && (job->query.data != NULL || call->request->query.data == NULL);
    return complete ? TAKE(job) : NULL;
}

struct api_job *api_job_new(const struct api_call *call, const struct api_job_kind *kind)
{
    struct api_job *job = make(call, kind);
    if (job == NULL) {
        api_answer_problem(call->exchange, STATUS_NO_MEMORY, kind->words->no_memory);
    }
    return job;
}

/* --- on the pool thread --- */

static void lose_answer(struct api_job *job, enum status status)
{
    buffer_deinit(&job->text);
    job->status = error_set(&job->err, status, 0, "%s", job->kind->words->lost);
}

/* An answer may wait long for its loop, and behind it for its client: it keeps nothing but its
 * text, and that has its share of the memory for answers. While it is rendered it has not, so as
 * many are beyond the bound as there are pool threads. */
static void finish_rendering(struct api_job *job)
{
    size_t bytes = job->text.capacity;
    arena_deinit(&job->arena);
    if (job->status != STATUS_OK) {
        buffer_deinit(&job->text);
    } else if (job->text.failed != STATUS_OK || job->link.failed != STATUS_OK) {
        lose_answer(job, STATUS_NO_MEMORY);
    } else if (!memory_budget_charge(job->budget, bytes)) {
        lose_answer(job, STATUS_BUSY);
    } else {
        job->charged = bytes;
        if (job->kind->is_tagged) {
            api_tag_make(job);
        }
    }
}

static void run(void *data)
{
    struct api_job *job = data;
    job->kind->ask(job);
    finish_rendering(job);
}

/* --- back on the loop --- */

static void answer(struct http_exchange *exchange, void *data)
{
    CLEANUP(api_job_free) struct api_job *job = data;
    if (exchange == NULL) {
        return;
    }
    if (job->status == STATUS_OK && job->kind->is_tagged) {
        api_tag_answer(exchange, job);
    } else if (job->status == STATUS_OK) {
        struct str link = job->link.len == 0 ? (struct str){0} : buffer_str(&job->link);
        api_answer_text(exchange, job->content_type, buffer_str(&job->text), link);
    } else if (job->problem != API_PROBLEM_COUNT) {
        api_answer_problem_type(exchange, job->problem, job->err.message);
    } else if (job->status == STATUS_INVALID || job->status == STATUS_TOO_LARGE) {
        /* What does not fit is a parameter: the request itself is small. */
        api_answer_bad_parameter(exchange, job->err.message);
    } else {
        api_answer_problem(exchange, job->status, job->err.message);
    }
}

void api_job_offload(struct http_exchange *exchange, struct api_job *job)
{
    job->asked_ns = clock_monotonic_ns(job->api->config.clock);
    enum status status = http_exchange_offload(exchange, run, answer, job);
    if (status != STATUS_OK) {
        const struct api_job_words *words = job->kind->words;
        api_job_free(job);
        api_answer_problem(exchange, status,
                           status == STATUS_NO_MEMORY ? words->no_memory : words->busy);
    }
}

void api_job_start(const struct api_call *call, struct api_job *job, enum status read,
                   const struct error *err)
{
    if (read == STATUS_OK && job->after.data != NULL) {
        api_job_await(call, job);
        return;
    }
    if (read == STATUS_OK) {
        api_job_offload(call->exchange, job);
        return;
    }
    if (read == STATUS_INVALID) {
        api_answer_bad_parameter(call->exchange, err->message);
    } else {
        api_answer_problem(call->exchange, read, job->kind->words->no_memory);
    }
    api_job_free(job);
}
