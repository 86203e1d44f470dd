/*
 * GET of what one user did: in short, and as a list. The user stands in the path, percent-encoded,
 * or in the query string: proxies decode a "%2F" in a path, and a user id may hold a "/".
 */
#include "base/json_text.h"
#include "base/timestamp.h"
#include "interfaces/api/api_job.h"
#include "interfaces/api/api_query_string.h"

enum { CURSOR_TEXT_BYTES_MAX = 1024 };

struct summary_job {
    struct api_job job;
    const struct summarize_user *summarizer;
    struct api_user_question question;
};

/* --- the answer --- */

static void append_time(struct buffer *json, struct str name, int64_t time_ms)
{
    char text[TIMESTAMP_TEXT_BYTES];
    timestamp_format(time_ms, text);
    buffer_append_format(json, "\"%.*s\":\"%.*s\"", STR_FORMAT(name), TIMESTAMP_TEXT_BYTES, text);
}

static void append_actions(struct buffer *json, const struct activity_tally *actions)
{
    buffer_append_literal(json, ",\"actions\":[");
    for (size_t i = 0; i < actions->count; i++) {
        if (i > 0) {
            buffer_append_char(json, ',');
        }
        count_activities_append_json(json, &actions->groups[i]);
    }
    buffer_append_format(json, "],\"moreActions\":%s", actions->more ? "true" : "false");
}

static void append_sessions(struct api_job *job, const struct user_summary *summary)
{
    struct buffer *json = &job->text;
    buffer_append_format(json, ",\"sessions\":{\"count\":%llu,\"gapMinutes\":%d,\"data\":[",
                         (unsigned long long)summary->session_count, SUMMARY_SESSION_GAP_MINUTES);
    for (size_t i = 0; i < summary->sessions_shown; i++) {
        const struct user_session *session = &summary->sessions[i];
        buffer_append_str(json, i > 0 ? STR(",{") : STR("{"));
        append_time(json, STR("begin"), session->begin_ms);
        buffer_append_char(json, ',');
        append_time(json, STR("end"), session->end_ms);
        buffer_append_literal(json, ",\"activities\":");
        buffer_append_u64(json, session->activities);
        buffer_append_char(json, '}');
    }
    buffer_append_literal(json, "],\"nextCursor\":");
    if (summary->next_cursor.len == 0) {
        buffer_append_literal(json, "null}");
        return;
    }
    struct str cursor = buffer_str(&summary->next_cursor);
    buffer_append_format(json, "\"%.*s\"}", STR_FORMAT(cursor));
    buffer_append_format(&job->link, "<%.*s?", STR_FORMAT(job->path));
    api_query_with_cursor(job->query, cursor, &job->link);
    buffer_append_literal(&job->link, ">; rel=\"next\"");
}

static void render(struct api_job *job, struct str user_id, const struct user_summary *summary)
{
    struct buffer *json = &job->text;
    buffer_append_literal(json, "{\"status\":\"success\",\"userId\":");
    json_text_append_string(json, user_id);
    buffer_append_char(json, ',');
    append_time(json, STR("firstSeen"), summary->first_seen_ms);
    buffer_append_char(json, ',');
    append_time(json, STR("lastSeen"), summary->last_seen_ms);
    buffer_append_literal(json, ",\"activities\":");
    buffer_append_u64(json, summary->activities);
    append_actions(json, &summary->actions);
    append_sessions(job, summary);
    buffer_append_char(json, '}');
}

static void ask_summary(struct api_job *job)
{
    struct summary_job *asked = CONTAINER_OF(job, struct summary_job, job);
    struct summarize_user_question *question = &asked->question.summary;
    struct user_summary summary;
    buffer_init(&summary.next_cursor, CURSOR_TEXT_BYTES_MAX);
    question->asked_ns = job->asked_ns;
    job->status = summarize_user_run(asked->summarizer, question, &job->arena, &summary, &job->err);
    if (job->status == STATUS_OK) {
        render(job, question->user_id, &summary);
    } else if (job->status == STATUS_NOT_FOUND) {
        job->problem = API_PROBLEM_NO_SUCH_USER;
    }
    buffer_deinit(&summary.next_cursor);
}

/* --- the request --- */

static void answer_no_such_user(const struct api_call *call)
{
    api_answer_problem_type(call->exchange, API_PROBLEM_NO_SUCH_USER,
                            "there are no activities of this user");
}

/* The user of the path. INVALID: no activity can have that one. */
static enum status read_user(const struct api_call *call, struct arena *arena, struct str *out_user)
{
    enum status status = api_percent_decode(call->rest, false, arena, out_user);
    return status == STATUS_OK && out_user->len == 0 ? STATUS_INVALID : status;
}

static void summarize(const struct api_call *call, bool by_query)
{
    static const struct api_job_kind kind = {.bytes = sizeof(struct summary_job),
                                             .ask = ask_summary,
                                             .words = &api_question_words,
                                             .is_tagged = true};
    CLEANUP(api_job_free) struct api_job *job = api_job_new(call, &kind);
    struct error err;
    if (job == NULL) {
        return;
    }
    struct summary_job *asked = CONTAINER_OF(job, struct summary_job, job);
    struct api_user_question *question = &asked->question;
    asked->summarizer = call->api->config.summarizer;
    enum status status = api_user_question_read(job->query, by_query, &job->arena, question, &err);
    job->after = question->after;
    if (status == STATUS_OK && !by_query) {
        status = read_user(call, &job->arena, &question->summary.user_id);
        if (status == STATUS_INVALID) {
            answer_no_such_user(call);
            return;
        }
    }
    if (status == STATUS_OK && !api_access_covers(call, question->summary.user_id)) {
        return;
    }
    api_job_start(call, TAKE(job), status, &err);
}

void api_user(const struct api_call *call)
{
    summarize(call, false);
}

void api_user_of_query(const struct api_call *call)
{
    summarize(call, true);
}

/* --- the list --- */

void api_timeline(const struct api_call *call)
{
    CLEANUP(api_job_free) struct api_job *job = api_find_list_new(call);
    struct error err;
    struct str user_id;
    if (job == NULL) {
        return;
    }
    enum status status = read_user(call, &job->arena, &user_id);
    if (status == STATUS_INVALID) {
        answer_no_such_user(call);
        return;
    }
    if (status == STATUS_OK) {
        status = api_find_list_read(job, &user_id, &err);
    }
    api_find_list_start(call, TAKE(job), status, &err);
}

void api_timeline_of_query(const struct api_call *call)
{
    struct api_job *job = api_find_list_new(call);
    struct error err;
    if (job != NULL) {
        enum status status = api_find_list_read(job, NULL, &err);
        api_find_list_start(call, job, status, &err);
    }
}
