/*
 * GET of counts in groups.
 */
#include "base/json_text.h"
#include "interfaces/api/api_job.h"
#include "interfaces/api/api_query_string.h"

struct stats_job {
    struct api_job job;
    const struct count_activities *counter;
    struct api_stats_question question;
};

static void render(struct buffer *json, const struct count_grouping *grouping,
                   const struct activity_tally *tally)
{
    buffer_append_literal(json, "{\"status\":\"success\",\"by\":");
    json_text_append_string(json, grouping->text);
    buffer_append_literal(json, ",\"data\":[");
    for (size_t i = 0; i < tally->count; i++) {
        if (i > 0) {
            buffer_append_char(json, ',');
        }
        count_activities_append_json(json, &tally->groups[i]);
    }
    buffer_append_format(json, "],\"more\":%s}", tally->more ? "true" : "false");
}

static void ask(struct api_job *job)
{
    struct stats_job *stats = CONTAINER_OF(job, struct stats_job, job);
    struct count_activities_question *question = &stats->question.count;
    struct activity_tally tally;
    question->asked_ns = job->asked_ns;
    job->status =
        count_activities_in_groups(stats->counter, question, &job->arena, &tally, &job->err);
    if (job->status == STATUS_OK) {
        render(&job->text, &question->grouping, &tally);
    }
}

void api_stats(const struct api_call *call)
{
    static const struct api_job_kind kind = {.bytes = sizeof(struct stats_job),
                                             .ask = ask,
                                             .words = &api_question_words,
                                             .is_tagged = true};
    struct api_job *job = api_job_new(call, &kind);
    struct error err;
    if (job == NULL) {
        return;
    }
    struct stats_job *stats = CONTAINER_OF(job, struct stats_job, job);
    stats->counter = call->api->config.counter;
    enum status status = api_stats_question_read(job->query, &job->arena, &stats->question, &err);
    job->after = stats->question.after;
    if (status == STATUS_OK && !api_access_narrows(call, &stats->question.count.filter,
                                                   stats->question.texts.user_ids, &job->arena)) {
        api_job_free(job);
        return;
    }
    api_job_start(call, job, status, &err);
}
