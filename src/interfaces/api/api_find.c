/*
 * GET: a question is read on its loop, asked on a pool thread (a store may have to read from disk),
 * rendered there too, and answered on the loop. What the pool thread works with is the question's
 * own memory, because the client may leave meanwhile.
 */
#include "base/assert.h"
#include "interfaces/api/api_private.h"
#include "interfaces/api/api_query_string.h"

#include <stdlib.h>

enum {
    FIND_ARENA_BYTES_MAX = 32 * 1024 * 1024, /* one question: its texts and its page */
    FIND_LINK_BYTES_MAX = 64 * 1024
};

struct find_job {
    const struct find_activities *finder;
    struct arena arena;
    struct api_question question;
    struct str id;    /* asked for one activity; {NULL, 0}: for a page */
    struct str path;  /* raw, for the Link header */
    struct str query; /* raw, likewise */
    enum status status;
    struct error err;
    struct buffer json;
    struct buffer link;
    struct memory_budget *budget;
    size_t charged; /* to it, for `json` */
};

static void job_free(struct find_job *job)
{
    if (job == NULL) {
        return;
    }
    buffer_deinit(&job->json);
    buffer_deinit(&job->link);
    arena_deinit(&job->arena);
    memory_budget_release(job->budget, job->charged);
    free(job);
}
CLEANUP_FUNCTION(struct find_job *, job_free)

static struct find_job *job_new(const struct api_call *call)
{
    CLEANUP(job_free) struct find_job *job = malloc(sizeof *job);
    if (job == NULL) {
        return NULL;
    }
    job->finder = call->api->config.finder;
    job->id = (struct str){0};
    job->status = STATUS_OK;
    job->budget = http_exchange_answer_memory(call->exchange);
    job->charged = 0;
    arena_init_shared(&job->arena, FIND_ARENA_BYTES_MAX, job->budget);
    buffer_init(&job->json, API_ANSWER_BYTES_MAX);
    buffer_init(&job->link, FIND_LINK_BYTES_MAX);
    job->path = arena_copy_str(&job->arena, call->request->path);
    job->query = call->request->query.data == NULL
                     ? (struct str){0}
                     : arena_copy_str(&job->arena, call->request->query);
    bool complete =
        job->path.data != NULL && (job->query.data != NULL || call->request->query.data == NULL);
    return complete ? TAKE(job) : NULL;
}

static void answer_no_memory(struct http_exchange *exchange)
{
    api_answer_problem(exchange, STATUS_NO_MEMORY,
                       "there is no memory for this request now; ask "
                       "again later");
}

/* --- on the pool thread --- */

static void render_page(struct find_job *job, const struct find_activities_answer *answer)
{
    const struct activity_page *page = &answer->page;
    const struct find_activities_question *question = &job->question.find;
    buffer_append_format(&job->json,
                         "{\"status\":\"success\",\"results\":%zu,\"page\":", page->count);
    if (question->cursor.data != NULL) {
        buffer_append_literal(&job->json, "null");
    } else {
        buffer_append_u64(&job->json, question->page == 0 ? 1 : question->page);
    }
    buffer_append_literal(&job->json, ",\"data\":[");
    for (size_t i = 0; i < page->count; i++) {
        if (i > 0) {
            buffer_append_char(&job->json, ',');
        }
        activity_json_append(&job->json, &page->rows[i]);
    }
    buffer_append_literal(&job->json, "],\"nextCursor\":");
    if (answer->next_cursor.len == 0) {
        buffer_append_literal(&job->json, "null}");
        return;
    }
    buffer_append_format(&job->json, "\"%.*s\"}", STR_FORMAT(buffer_str(&answer->next_cursor)));
    buffer_append_format(&job->link, "<%.*s?", STR_FORMAT(job->path));
    api_query_with_cursor(job->query, buffer_str(&answer->next_cursor), &job->link);
    buffer_append_literal(&job->link, ">; rel=\"next\"");
}

/* An answer may wait long for its loop, and behind it for its client: it keeps nothing but its
 * text, and that has its share of the memory for answers. While it is rendered it has not, so as
 * many are beyond the bound as there are pool threads. */
static void finish_rendering(struct find_job *job)
{
    arena_deinit(&job->arena);
    if (job->status == STATUS_OK &&
        (job->json.failed != STATUS_OK || job->link.failed != STATUS_OK)) {
        job->status = error_set(&job->err, STATUS_NO_MEMORY, 0,
                                "there is no memory for this answer now; ask for fewer rows");
    }
    size_t bytes = job->json.capacity;
    if (job->status == STATUS_OK && !memory_budget_charge(job->budget, bytes)) {
        job->status = error_set(&job->err, STATUS_BUSY, 0,
                                "the memory for answers is in use; ask again later, or for less");
    }
    if (job->status == STATUS_OK) {
        job->charged = bytes;
    } else {
        buffer_deinit(&job->json);
    }
}

static void find_page(void *data)
{
    struct find_job *job = data;
    struct find_activities_answer answer = {0};
    buffer_init(&answer.next_cursor, FIND_LINK_BYTES_MAX);
    job->status =
        find_activities_page(job->finder, &job->question.find, &job->arena, &answer, &job->err);
    if (job->status == STATUS_OK) {
        render_page(job, &answer);
    }
    finish_rendering(job);
    buffer_deinit(&answer.next_cursor);
}

static void find_one(void *data)
{
    struct find_job *job = data;
    struct activity activity;
    job->status = find_activities_one(job->finder, job->id, &job->arena, &activity, &job->err);
    if (job->status == STATUS_OK) {
        activity_json_append(&job->json, &activity);
    }
    finish_rendering(job);
}

/* --- back on the loop --- */

static void answer_job(struct http_exchange *exchange, void *data)
{
    CLEANUP(job_free) struct find_job *job = data;
    if (exchange == NULL) {
        return;
    }
    if (job->status == STATUS_OK) {
        struct str link = job->link.len == 0 ? (struct str){0} : buffer_str(&job->link);
        api_answer_json(exchange, 200, buffer_str(&job->json), link);
    } else if (job->status == STATUS_INVALID || job->status == STATUS_TOO_LARGE) {
        /* What does not fit is a parameter: the request itself is small. */
        api_answer_bad_parameter(exchange, job->err.message);
    } else {
        api_answer_problem(exchange, job->status, job->err.message);
    }
}

static void offload(struct http_exchange *exchange, http_work_function *work, struct find_job *job)
{
    enum status status = http_exchange_offload(exchange, work, answer_job, job);
    if (status != STATUS_OK) {
        job_free(job);
        api_answer_problem(exchange, status,
                           "more questions are under way than are answered at once; ask again "
                           "later");
    }
}

void api_find_list(const struct api_call *call)
{
    CLEANUP(job_free) struct find_job *job = job_new(call);
    struct error err;
    if (job == NULL) {
        answer_no_memory(call->exchange);
        return;
    }
    enum status status = api_question_read(job->query, &job->arena, &job->question, &err);
    if (status == STATUS_INVALID) {
        api_answer_bad_parameter(call->exchange, err.message);
    } else if (status != STATUS_OK) {
        answer_no_memory(call->exchange);
    } else {
        offload(call->exchange, find_page, TAKE(job));
    }
}

void api_find_one(const struct api_call *call)
{
    if (api_refuses_parameters(call, "")) {
        return;
    }
    CLEANUP(job_free) struct find_job *job = job_new(call);
    if (job == NULL) {
        answer_no_memory(call->exchange);
        return;
    }
    enum status status = api_percent_decode(call->rest, false, &job->arena, &job->id);
    if (status == STATUS_NO_MEMORY) {
        answer_no_memory(call->exchange);
    } else if (status != STATUS_OK || job->id.len == 0 || job->id.len > ACTIVITY_ID_BYTES_MAX) {
        api_answer_problem(call->exchange, STATUS_NOT_FOUND, "there is no activity with this id");
    } else {
        offload(call->exchange, find_one, TAKE(job));
    }
}
