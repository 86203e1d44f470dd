#include "interfaces/cli/server_rows.h"

#include "application/activity_json_answer.h"

#include <stdio.h>

enum { PAGE_ROWS_MAX = 1000, CURSOR_BYTES_MAX = 4096, ARENA_BYTES_MAX = 512 << 20 };

#define ROWS_PATH "/api/v1/activities"

/* What is asked page by page. */
struct walk {
    const struct server_access *access;
    struct server_link *link;
    const struct folder_question *question;
    struct server_exchange exchange;
    struct buffer cursor; /* of the next page; empty: the first */
    struct arena arena;
    bool ended;
};

static void walk_init(struct walk *walk, const struct server_access *access,
                      struct server_link *link, const struct folder_question *question)
{
    *walk = (struct walk){.access = access, .link = link, .question = question};
    server_exchange_init(&walk->exchange, "GET", "");
    buffer_init(&walk->cursor, CURSOR_BYTES_MAX);
    arena_init(&walk->arena, ARENA_BYTES_MAX);
}

static void walk_deinit(struct walk *walk)
{
    server_exchange_deinit(&walk->exchange);
    buffer_deinit(&walk->cursor);
    arena_deinit(&walk->arena);
}

static void append_number(struct buffer *target, struct str name, uint64_t number)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%llu", (unsigned long long)number);
    server_append_parameter(target, name, (struct str){text, (size_t)len});
}

static enum status ask_page(struct walk *walk, uint64_t limit, struct error *err)
{
    struct buffer *target = &walk->exchange.target;
    server_exchange_restart(&walk->exchange, ROWS_PATH);
    append_number(target, STR("limit"), limit);
    if (walk->question->order == ORDER_OLDEST_FIRST) {
        server_append_parameter(target, STR("order"), STR("asc"));
    }
    if (walk->question->count) {
        server_append_parameter(target, STR("count"), STR("true"));
    }
    if (walk->question->after.len > 0) {
        server_append_parameter(target, STR("after"), walk->question->after);
    }
    if (walk->cursor.len > 0) {
        server_append_parameter(target, STR("cursor"), buffer_str(&walk->cursor));
    }
    server_append_filter(target, walk->question);
    return server_ask(walk->access, walk->link, &walk->exchange, err);
}

static enum status visit_rows(struct walk *walk, const struct activity_json_answer *answer,
                              const struct folder_visitor *visitor, uint64_t *left,
                              struct error *err)
{
    struct activity_json_answer_list list;
    struct yyjson_val *value;
    enum status status = activity_json_answer_list(answer, "data", &list, err);
    while (status == STATUS_OK && *left > 0 && (value = activity_json_answer_next(&list)) != NULL) {
        struct activity activity;
        status = activity_json_answer_row(answer, value, &activity, err);
        status = status == STATUS_OK ? visitor->visit(visitor->context, &activity, err) : status;
        *left -= 1;
    }
    struct str cursor = activity_json_answer_text(answer->root, "nextCursor");
    walk->ended = cursor.len == 0 || str_equal(cursor, buffer_str(&walk->cursor));
    buffer_clear(&walk->cursor);
    buffer_append_str(&walk->cursor, cursor);
    return status == STATUS_OK && walk->cursor.failed != STATUS_OK
               ? error_set(err, STATUS_INVALID, 0, "the server's answer has no cursor of its kind")
               : status;
}

static enum status visit_page(struct walk *walk, const struct folder_visitor *visitor,
                              uint64_t *left, struct error *err)
{
    struct activity_json_answer answer = {0};
    uint64_t limit = *left < PAGE_ROWS_MAX ? *left : PAGE_ROWS_MAX;
    arena_reset(&walk->arena);
    enum status status = ask_page(walk, limit, err);
    if (status == STATUS_OK) {
        status =
            activity_json_answer_read(buffer_str(&walk->exchange.body), &walk->arena, &answer, err);
    }
    if (status == STATUS_OK) {
        status = visit_rows(walk, &answer, visitor, left, err);
    }
    activity_json_answer_deinit(&answer);
    return status;
}

enum status server_walk_rows(const struct server_access *access, struct server_link *link,
                             const struct folder_question *question,
                             const struct folder_visitor *visitor, struct error *err)
{
    struct walk walk;
    uint64_t left = question->limit;
    enum status status = STATUS_OK;
    walk_init(&walk, access, link, question);
    while (status == STATUS_OK && !walk.ended && left > 0) {
        status = visit_page(&walk, visitor, &left, err);
    }
    if (status == STATUS_OK && visitor->more != NULL) {
        *visitor->more = !walk.ended;
    }
    walk_deinit(&walk);
    return status;
}

enum status server_count_rows(const struct server_access *access, struct server_link *link,
                              const struct folder_question *question, uint64_t *out_count,
                              struct error *err)
{
    struct walk walk;
    struct activity_json_answer answer = {0};
    walk_init(&walk, access, link, question);
    enum status status = ask_page(&walk, 1, err);
    if (status == STATUS_OK) {
        status =
            activity_json_answer_read(buffer_str(&walk.exchange.body), &walk.arena, &answer, err);
    }
    if (status == STATUS_OK && !activity_json_answer_number(answer.root, "count", out_count)) {
        status = error_set(err, STATUS_INVALID, 0, "the server's answer has no count");
    }
    activity_json_answer_deinit(&answer);
    walk_deinit(&walk);
    return status;
}
