#include "interfaces/api/api_link.h"

#include "base/json_text.h"
#include "base/json_walk.h"
#include "base/timestamp.h"
#include "interfaces/api/api_query_string.h"

enum { SECONDS_DEFAULT = 60 * 60, ANSWER_BYTES_MAX = 16 * 1024 };

/* --- the body --- */

static bool take(struct str *rest, char c)
{
    json_walk_space(rest);
    return json_walk_char(rest, c);
}

/* What follows the bracket of {"expiresIn": seconds}, up to the one that closes it. */
static bool take_seconds(struct str *rest, unsigned long long *out_seconds)
{
    struct str name;
    struct str number;
    json_walk_space(rest);
    if (!json_walk_string(rest, &name) || !json_walk_string_is(name, STR("expiresIn")) ||
        !take(rest, ':')) {
        return false;
    }
    json_walk_space(rest);
    if (!json_walk_word(rest, &number)) {
        return false;
    }
    return str_parse_u64(json_walk_trim(number), VIEWER_LINK_SECONDS_MAX, out_seconds) &&
           *out_seconds > 0 && take(rest, '}');
}

bool api_link_read_seconds(struct str body, uint64_t *out_seconds)
{
    struct str rest = body;
    unsigned long long seconds = SECONDS_DEFAULT;
    json_walk_space(&rest);
    if (rest.len > 0) {
        bool fine = take(&rest, '{') && (take(&rest, '}') || take_seconds(&rest, &seconds));
        json_walk_space(&rest);
        if (!fine || rest.len > 0) {
            return false;
        }
    }
    *out_seconds = seconds;
    return true;
}

/* --- the answer --- */

static void answer_no_memory(const struct api_call *call)
{
    api_answer_problem(call->exchange, STATUS_NO_MEMORY,
                       "there is no memory for this request now; send it again later");
}

static enum status render(const struct api_call *call, const struct viewer_link *link,
                          struct buffer *json)
{
    char expires_at[TIMESTAMP_TEXT_BYTES];
    timestamp_format(link->expires_at_s * (int64_t)MILLISECONDS_PER_SECOND, expires_at);
    buffer_append_literal(json, "{\"status\":\"success\",\"userId\":");
    json_text_append_string(json, link->user_id);
    buffer_append_format(json, ",\"expiresAt\":\"%.*s\",\"token\":\"", TIMESTAMP_TEXT_BYTES,
                         expires_at);
    size_t begin = json->len;
    enum status status = viewer_links_issue(call->api->config.access.control->links,
                                            http_exchange_ticket(call->exchange).loop, link, json);
    if (status != STATUS_OK) {
        return status;
    }
    struct str token = {json->data + begin, json->len - begin};
    buffer_append_literal(json, "\",\"activities\":\"/api/v1/activities?token=");
    if (buffer_reserve(json, token.len) == STATUS_OK) {
        token.data = json->data + begin; /* it may have moved */
        buffer_append_str(json, token);
    }
    buffer_append_literal(json, "\"}");
    return json->failed;
}

static void answer_link(const struct api_call *call, struct str user_id, uint64_t seconds)
{
    struct viewer_link link = {
        .user_id = user_id,
        .expires_at_s = clock_wall_ms(call->api->config.clock) / (int64_t)MILLISECONDS_PER_SECOND +
                        (int64_t)seconds,
    };
    struct buffer json;
    buffer_init(&json, ANSWER_BYTES_MAX);
    if (render(call, &link, &json) == STATUS_OK) {
        http_exchange_put_field(call->exchange, STR("Cache-Control"), STR("no-store"));
        api_answer_json(call->exchange, 201, buffer_str(&json));
    } else {
        answer_no_memory(call);
    }
    buffer_deinit(&json);
}

/* --- the request --- */

static bool is_user(const struct api_call *call, struct str user_id)
{
    struct rejection rejection;
    rejection_init(&rejection);
    return activity_rules_check_user_id(call->api->config.rules, user_id, &rejection);
}

static enum status read_user(const struct api_call *call, struct str *out_user)
{
    enum status status =
        api_percent_decode(call->rest, false, http_exchange_arena(call->exchange), out_user);
    return status == STATUS_OK && !is_user(call, *out_user) ? STATUS_INVALID : status;
}

void api_link_begin(const struct api_call *call)
{
    http_exchange_set_body_bytes_max(call->exchange, API_LINK_BODY_BYTES_MAX);
}

void api_link_post(const struct api_call *call)
{
    const struct access_control *control = call->api->config.access.control;
    struct str body = {call->request->body, call->request->body_len};
    struct str user_id;
    uint64_t seconds;
    if (control == NULL || control->links == NULL) {
        api_answer_problem_type(call->exchange, API_PROBLEM_NO_LINKS,
                                "without keys everybody may read everything; start the service "
                                "with --keys-file");
        return;
    }
    enum status status = read_user(call, &user_id);
    if (status == STATUS_NO_MEMORY) {
        answer_no_memory(call);
    } else if (status != STATUS_OK) {
        api_answer_problem_type(call->exchange, API_PROBLEM_INVALID_LINK,
                                "no activity can have this user; percent-encode the id");
    } else if (!api_link_read_seconds(body, &seconds)) {
        api_answer_problem_type(call->exchange, API_PROBLEM_INVALID_LINK,
                                "the body must be {\"expiresIn\": SECONDS}, from 1 to 2592000");
    } else if (api_access_covers(call, user_id)) {
        answer_link(call, user_id, seconds);
    }
}
