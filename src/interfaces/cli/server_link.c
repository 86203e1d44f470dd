#include "interfaces/cli/server_link.h"

#include "application/activity_json_answer.h"
#include "interfaces/cli/cli.h"
#include "interfaces/cli/cli_output.h"

#include <string.h>

enum {
    TARGET_BYTES_MAX = 1 << 20,
    ANSWER_BYTES_MAX = 256 << 20,
    DETAIL_WIDTH = 132, /* what a message has room for, and with a hint behind it */
    DETAIL_WIDTH_HINTED = 80
};

/* Targets ----------------------------------------------------------------------------------- */

/* RFC 3986 section 2.3: what needs no code anywhere. */
static bool is_unreserved(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != '\0' && strchr("-._~", c) != NULL);
}

static void append_encoded(struct buffer *target, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (is_unreserved(text.data[i])) {
            buffer_append_char(target, text.data[i]);
        } else {
            buffer_append_format(target, "%%%02X", (unsigned)(unsigned char)text.data[i]);
        }
    }
}

void server_append_parameter(struct buffer *target, struct str name, struct str value)
{
    bool first = target->len == 0 || memchr(target->data, '?', target->len) == NULL;
    buffer_append_char(target, first ? '?' : '&');
    append_encoded(target, name);
    buffer_append_char(target, '=');
    append_encoded(target, value);
}

void server_append_segment(struct buffer *target, struct str segment)
{
    buffer_append_char(target, '/');
    append_encoded(target, segment);
}

static void append_list(struct buffer *target, struct str name, const struct name_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        server_append_parameter(target, name, list->items[i]);
    }
}

static void append_metadata(struct buffer *target, struct str front, struct str text)
{
    struct str path = str_split(&text, '=');
    struct buffer name;
    buffer_init(&name, front.len + path.len + 1);
    buffer_append_str(&name, front);
    buffer_append_str(&name, path);
    target->failed = name.failed == STATUS_OK ? target->failed : name.failed;
    server_append_parameter(target, buffer_str(&name), text);
    buffer_deinit(&name);
}

static void append_conditions(struct buffer *target, struct str front,
                              const struct folder_conditions *conditions)
{
    for (size_t i = 0; i < conditions->text_count; i++) {
        append_metadata(target, front, conditions->texts[i]);
    }
}

void server_append_filter(struct buffer *target, const struct folder_question *question)
{
    const struct activity_filter *filter = &question->filter;
    const struct activity_exclusions *excluded = &filter->excluded;
    append_list(target, STR("userId"), &filter->user_ids);
    append_list(target, STR("action"), &filter->actions);
    append_conditions(target, STR("metadata."), &question->metadata);
    append_list(target, STR("not.userId"), &excluded->user_ids);
    append_list(target, STR("not.action"), &excluded->actions);
    append_conditions(target, STR("not.metadata."), &question->excluded_metadata);
    if (question->from_text.data != NULL) {
        server_append_parameter(target, STR("from"), question->from_text);
    }
    if (question->to_text.data != NULL) {
        server_append_parameter(target, STR("to"), question->to_text);
    }
}

/* Answers ----------------------------------------------------------------------------------- */

enum status server_refusal(long code, struct str body, struct error *err)
{
    char detail[ANSWER_DETAIL_BYTES];
    const char *hint = code == 401 ? "; name a file that holds a key by --key-file" : "";
    enum status status = STATUS_UNAVAILABLE;
    if (code == 400) {
        status = STATUS_INVALID;
    } else if (code == 404) {
        status = STATUS_NOT_FOUND;
    } else if (code == 408 || code == 429 || code >= 500) {
        status = STATUS_BUSY;
    }
    activity_json_answer_detail(body, detail);
    int room = hint[0] == '\0' ? DETAIL_WIDTH : DETAIL_WIDTH_HINTED;
    return error_set(err, status, 0, "the server answers %ld%s%.*s%s", code,
                     detail[0] == '\0' ? "" : ": ", room, detail, hint);
}

static enum status keep(void *context, long code, struct str piece, struct error *err)
{
    struct buffer *body = context;
    (void)code;
    buffer_append_str(body, piece);
    return body->failed == STATUS_OK
               ? STATUS_OK
               : error_set(err, body->failed, 0, "there is no memory for the server's answer");
}

void server_exchange_init(struct server_exchange *exchange, const char *method, const char *path)
{
    exchange->method = method;
    buffer_init(&exchange->target, TARGET_BYTES_MAX);
    buffer_init(&exchange->body, ANSWER_BYTES_MAX);
    server_exchange_restart(exchange, path);
}

void server_exchange_deinit(struct server_exchange *exchange)
{
    buffer_deinit(&exchange->target);
    buffer_deinit(&exchange->body);
}

void server_exchange_restart(struct server_exchange *exchange, const char *path)
{
    buffer_clear(&exchange->target);
    buffer_clear(&exchange->body);
    buffer_append_str(&exchange->target, str_from(path));
}

enum status server_ask(const struct server_access *access, struct server_link *link,
                       struct server_exchange *exchange, struct error *err)
{
    const struct server_hearer hearer = {.take = keep, .context = &exchange->body};
    long code = 0;
    buffer_append_char(&exchange->target, '\0');
    if (exchange->target.failed != STATUS_OK) {
        return error_set(err, exchange->target.failed, 0, "there is no memory for a question");
    }
    const struct server_request request = {.method = exchange->method,
                                           .target = exchange->target.data};
    enum status status = access->ask(link, &request, &hearer, &code, err);
    return status == STATUS_OK && code / 100 != 2
               ? server_refusal(code, buffer_str(&exchange->body), err)
               : status;
}

int server_tell_failure(const struct error *err)
{
    cli_tell("%s", err->message);
    return EXIT_FAILED;
}
