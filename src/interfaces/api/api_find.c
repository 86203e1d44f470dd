/*
 * GET of activities: a page of them, or one by its id.
 */
#include "interfaces/api/api_job.h"
#include "interfaces/api/api_query_string.h"

enum { CURSOR_BYTES_MAX = 64 * 1024 };

/* --- a page --- */

struct list_job {
    struct api_job job;
    const struct find_activities *finder;
    struct api_question question;
};

/* Behind the members that every page has. */
static void render_end(struct list_job *list, const struct find_activities_answer *answer)
{
    struct buffer *text = &list->job.text;
    if (list->question.find.counts) {
        buffer_append_literal(text, ",\"count\":");
        buffer_append_u64(text, answer->count);
    }
    buffer_append_char(text, '}');
}

static void render_page(struct list_job *list, const struct find_activities_answer *answer)
{
    struct api_job *job = &list->job;
    const struct activity_page *page = &answer->page;
    const struct find_activities_question *question = &list->question.find;
    buffer_append_format(&job->text,
                         "{\"status\":\"success\",\"results\":%zu,\"page\":", page->count);
    if (question->cursor.data != NULL) {
        buffer_append_literal(&job->text, "null");
    } else {
        buffer_append_u64(&job->text, question->page == 0 ? 1 : question->page);
    }
    buffer_append_literal(&job->text, ",\"data\":[");
    for (size_t i = 0; i < page->count; i++) {
        if (i > 0) {
            buffer_append_char(&job->text, ',');
        }
        activity_json_append(&job->text, &page->rows[i]);
    }
    buffer_append_literal(&job->text, "],\"nextCursor\":");
    if (answer->next_cursor.len == 0) {
        buffer_append_literal(&job->text, "null");
        render_end(list, answer);
        return;
    }
    buffer_append_format(&job->text, "\"%.*s\"", STR_FORMAT(buffer_str(&answer->next_cursor)));
    render_end(list, answer);
    buffer_append_format(&job->link, "<%.*s?", STR_FORMAT(job->path));
    api_query_with_cursor(job->query, buffer_str(&answer->next_cursor), &job->link);
    buffer_append_literal(&job->link, ">; rel=\"next\"");
}

static void ask_page(struct api_job *job)
{
    struct list_job *list = CONTAINER_OF(job, struct list_job, job);
    struct find_activities_answer answer = {0};
    list->question.find.asked_ns = job->asked_ns;
    buffer_init(&answer.next_cursor, CURSOR_BYTES_MAX);
    job->status =
        find_activities_page(list->finder, &list->question.find, &job->arena, &answer, &job->err);
    if (job->status == STATUS_OK) {
        render_page(list, &answer);
    }
    buffer_deinit(&answer.next_cursor);
}

struct api_job *api_find_list_new(const struct api_call *call)
{
    static const struct api_job_kind kind = {.bytes = sizeof(struct list_job),
                                             .ask = ask_page,
                                             .words = &api_question_words,
                                             .is_tagged = true};
    struct api_job *job = api_job_new(call, &kind);
    if (job != NULL) {
        CONTAINER_OF(job, struct list_job, job)->finder = call->api->config.finder;
    }
    return job;
}

enum status api_find_list_read(struct api_job *job, const struct str *user_id, struct error *err)
{
    struct api_question *question = &CONTAINER_OF(job, struct list_job, job)->question;
    enum status status =
        api_timeline_question_read(job->query, user_id, &job->arena, question, err);
    job->after = question->after;
    return status;
}

void api_find_list_start(const struct api_call *call, struct api_job *job, enum status read,
                         const struct error *err)
{
    struct api_question *question = &CONTAINER_OF(job, struct list_job, job)->question;
    if (read == STATUS_OK &&
        !api_access_narrows(call, &question->find.filter, question->texts.user_ids, &job->arena)) {
        api_job_free(job);
        return;
    }
    api_job_start(call, job, read, err);
}

void api_find_list(const struct api_call *call)
{
    struct api_job *job = api_find_list_new(call);
    struct error err;
    if (job == NULL) {
        return;
    }
    struct api_question *question = &CONTAINER_OF(job, struct list_job, job)->question;
    enum status status = api_question_read(job->query, &job->arena, question, &err);
    job->after = question->after;
    api_find_list_start(call, job, status, &err);
}

/* --- one --- */

struct one_job {
    struct api_job job;
    const struct find_activities *finder;
    struct str id;
    struct access_grant grant; /* of who asks */
};

#define NO_SUCH_ID "there is no activity with this id"

static void ask_one(struct api_job *job)
{
    struct one_job *one = CONTAINER_OF(job, struct one_job, job);
    struct activity activity;
    job->status = find_activities_one(one->finder, one->id, &job->arena, &activity, &job->err);
    if (job->status == STATUS_OK && !access_grant_covers_user(&one->grant, activity.user_id)) {
        job->status = error_set(&job->err, STATUS_NOT_FOUND, 0, NO_SUCH_ID);
    } else if (job->status == STATUS_OK) {
        activity_json_append(&job->text, &activity);
    }
}

void api_find_one(const struct api_call *call)
{
    static const struct api_job_kind kind = {.bytes = sizeof(struct one_job),
                                             .ask = ask_one,
                                             .words = &api_question_words,
                                             .is_tagged = true};
    CLEANUP(api_job_free) struct api_job *job = api_job_new(call, &kind);
    struct error err;
    if (job == NULL) {
        return;
    }
    struct one_job *one = CONTAINER_OF(job, struct one_job, job);
    one->finder = call->api->config.finder;
    enum status status = api_one_question_read(job->query, &job->arena, &job->after, &err);
    if (status != STATUS_OK) {
        api_job_start(call, TAKE(job), status, &err);
        return;
    }
    status = api_percent_decode(call->rest, false, &job->arena, &one->id);
    if (status == STATUS_OK && !access_grant_copy(&job->arena, &call->caller->grant, &one->grant)) {
        status = STATUS_NO_MEMORY;
    }
    bool can_be_id = status == STATUS_OK && one->id.len > 0 && one->id.len <= ACTIVITY_ID_BYTES_MAX;
    if (status != STATUS_NO_MEMORY && !can_be_id) {
        api_answer_problem(call->exchange, STATUS_NOT_FOUND, NO_SUCH_ID);
    } else {
        api_job_start(call, TAKE(job), status, NULL);
    }
}
