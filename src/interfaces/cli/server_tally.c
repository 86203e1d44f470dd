#include "interfaces/cli/server_tally.h"

#include "application/activity_json_answer.h"
#include "application/count_activities.h"

#include <stdio.h>

static void append_parameters(struct buffer *target, const struct folder_question *question)
{
    char text[24];
    uint64_t limit = question->limit < COUNT_LIMIT_MAX ? question->limit : COUNT_LIMIT_MAX;
    int len = snprintf(text, sizeof text, "%llu", (unsigned long long)limit);
    server_append_parameter(target, STR("by"), question->by_text);
    server_append_parameter(target, STR("limit"), (struct str){text, (size_t)len});
    if (question->interval_text.data != NULL) {
        server_append_parameter(target, STR("interval"), question->interval_text);
    }
    server_append_filter(target, question);
}

/* A stretch of time comes as its text, and is shown as that. */
static enum status read_group(const struct yyjson_val *value, struct arena *arena,
                              struct activity_group *out_group, struct error *err)
{
    struct str key = activity_json_answer_text(value, "key");
    uint64_t count;
    if (key.data == NULL || !activity_json_answer_number(value, "count", &count) || count == 0) {
        return error_set(err, STATUS_INVALID, 0, "the answer has a group without key or count");
    }
    struct str name = arena_copy_str(arena, key);
    if (name.data == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for so many groups");
    }
    *out_group = (struct activity_group){.name = name, .count = count};
    return STATUS_OK;
}

static enum status read_groups(const struct activity_json_answer *answer, struct arena *arena,
                               struct activity_tally *out_tally, struct error *err)
{
    struct activity_json_answer_list list;
    enum status status = activity_json_answer_list(answer, "data", &list, err);
    if (status != STATUS_OK) {
        return status;
    }
    struct activity_tally tally = {.more = activity_json_answer_is_true(answer->root, "more")};
    tally.groups = arena_allocate(arena, list.left * sizeof *tally.groups + 1);
    if (tally.groups == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for so many groups");
    }
    struct yyjson_val *value;
    while (status == STATUS_OK && (value = activity_json_answer_next(&list)) != NULL) {
        status = read_group(value, arena, &tally.groups[tally.count++], err);
    }
    *out_tally = tally;
    return status;
}

enum status server_tally(const struct lookup *lookup, struct arena *arena,
                         struct activity_tally *out_tally, struct error *err)
{
    struct activity_json_answer answer = {0};
    struct server_exchange exchange;
    server_exchange_init(&exchange, "GET", "/api/v1/stats");
    append_parameters(&exchange.target, lookup->question);
    enum status status = server_ask(lookup->access->server, lookup->link, &exchange, err);
    if (status == STATUS_OK) {
        status = activity_json_answer_read(buffer_str(&exchange.body), arena, &answer, err);
    }
    if (status == STATUS_OK) {
        status = read_groups(&answer, arena, out_tally, err);
    }
    activity_json_answer_deinit(&answer);
    server_exchange_deinit(&exchange);
    return status;
}
