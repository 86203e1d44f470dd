/*
 * What a key may do is decided by application/access_control.h; here it is read out of a request
 * and told to a client.
 */
#include "interfaces/api/api_access.h"

#include "base/assert.h"
#include "base/counter.h"
#include "domain/denied_actions.h"
#include "interfaces/api/api_credential.h"
#include "interfaces/api/api_limits.h"
#include "interfaces/api/api_private.h"
#include "interfaces/api/api_query_string.h"

#include <stdio.h>

enum {
    DETAIL_BYTES = 192,
    USER_SHOWN_BYTES = 48,
    GRANT_BYTES_MAX = 1024 * 1024 /* its users' names, for a moment */
};

static const struct api_caller anybody = {
    .grant = {.scopes = ACCESS_WRITE | ACCESS_READ | ACCESS_ADMIN | ACCESS_ERASE}};

static const struct api_access_config *config_of(const struct api_call *call)
{
    return &call->api->config.access;
}

static unsigned loop_of(const struct api_call *call)
{
    return http_exchange_ticket(call->exchange).loop;
}

static struct api_access_counters *counters_of(const struct api_call *call)
{
    return &api_call_loop(call)->access;
}

static uint64_t read_counter(const _Atomic uint64_t *counter)
{
    return counter == NULL ? 0 : counter_read(counter);
}

static uint64_t count_reloads(const struct api_access_config *config)
{
    return read_counter(config->reloads) + read_counter(config->failed_reloads);
}

/* --- refusals --- */

static bool refuse_no_memory(const struct api_call *call)
{
    api_answer_problem(call->exchange, STATUS_NO_MEMORY,
                       "there is no memory for this request now; send it again later");
    return false;
}

static void put_schemes(struct http_exchange *exchange)
{
    http_exchange_put_field(
        exchange, STR("WWW-Authenticate"),
        STR("Bearer realm=\"usertrail\", Basic realm=\"usertrail\", charset=\"UTF-8\""));
}

static bool refuse_unauthorized(const struct api_call *call, bool shows_something)
{
    counter_add(&counters_of(call)->unauthorized, 1);
    put_schemes(call->exchange);
    api_answer_problem_type(call->exchange, API_PROBLEM_UNAUTHORIZED,
                            shows_something
                                ? "nobody here has this key, or its time is over; look whether all "
                                  "of it was sent"
                                : "send a key as Authorization: Bearer KEY");
    return false;
}

static bool refuse_forbidden(const struct api_call *call, const char *detail)
{
    counter_add(&counters_of(call)->forbidden, 1);
    api_answer_problem_type(call->exchange, API_PROBLEM_FORBIDDEN, detail);
    return false;
}

static bool refuse_user(const struct api_call *call, struct str user_id)
{
    char detail[DETAIL_BYTES];
    size_t shown = user_id.len < USER_SHOWN_BYTES ? user_id.len : USER_SHOWN_BYTES;
    snprintf(detail, sizeof detail, "this key is limited to users, and \"%.*s\" is none of them",
             STR_FORMAT(api_query_shown((struct str){user_id.data, shown})));
    return refuse_forbidden(call, detail);
}

static bool refuse(const struct api_call *call, enum access_verdict verdict, unsigned scopes)
{
    char detail[DETAIL_BYTES];
    char names[ACCESS_SCOPES_TEXT_BYTES];
    switch (verdict) {
    case ACCESS_LACKS_SCOPE:
        access_scopes_format(scopes, names);
        snprintf(detail, sizeof detail, "this needs a key with the scope %s, which this one lacks",
                 scopes == 0 ? "of nobody" : names);
        return refuse_forbidden(call, detail);
    case ACCESS_LIMITED_TO_USERS:
        return refuse_forbidden(call,
                                "this key is limited to users, and this is about all of them");
    default:
        return refuse_forbidden(call, "a link for a viewer lets its user's activities be read, and "
                                      "nothing else");
    }
}

/* --- before the body is read --- */

static struct access_need need_of(const struct api_operation *operation)
{
    return (struct access_need){.scopes = operation->needs,
                                .limits_users = operation->limits_users,
                                .is_for_viewers = operation->is_for_viewers};
}

/* What is shown; a field before a token in the query, which only viewers may have there. */
static bool find_credential(const struct api_call *call, struct api_caller *caller,
                            char scratch[API_CREDENTIAL_BYTES_MAX], struct str *out_text)
{
    size_t count;
    struct api_fields fields = api_call_fields(call);
    struct str field = api_fields_only(&fields, API_FIELD_AUTHORIZATION, &count);
    if (count > 0) {
        return api_credential_read(field, scratch, out_text);
    }
    struct str token = api_credential_token(call->request->query);
    caller->shows_token = str_starts_with(token, STR(VIEWER_LINK_PREFIX));
    *out_text = token;
    return caller->shows_token;
}

static bool identify(const struct api_call *call, struct api_caller *caller)
{
    char scratch[API_CREDENTIAL_BYTES_MAX];
    struct access_credential credential = {.now_ms = clock_wall_ms(call->api->config.clock),
                                           .reader = loop_of(call)};
    bool shows_something = find_credential(call, caller, scratch, &credential.text);
    enum status status = STATUS_NOT_FOUND;
    caller->reloads = count_reloads(config_of(call));
    if (shows_something) {
        status = access_control_identify(config_of(call)->control, &credential,
                                         http_exchange_arena(call->exchange), &caller->grant);
    }
    struct access_need need = need_of(call->operation);
    enum access_verdict verdict = access_control_decide(&caller->grant, &need);
    if (status == STATUS_OK && verdict == ACCESS_GRANTED) {
        return true;
    }
    api_limits_tell(call->exchange, caller);
    if (status == STATUS_OK) {
        return refuse(call, verdict, need.scopes & ~caller->grant.scopes);
    }
    return status == STATUS_NOT_FOUND ? refuse_unauthorized(call, shows_something)
                                      : refuse_no_memory(call);
}

bool api_access_take_pass(const struct api_call *call, struct arena *arena,
                          struct api_pass *out_pass)
{
    char scratch[API_CREDENTIAL_BYTES_MAX];
    struct api_caller shown = *call->caller;
    struct str credential;
    *out_pass = (struct api_pass){.operation = call->operation, .reloads = call->caller->reloads};
    if (config_of(call)->control == NULL) {
        return true;
    }
    bool found = find_credential(call, &shown, scratch, &credential);
    ASSERT(found);
    out_pass->credential = arena_copy_str(arena, credential);
    return out_pass->credential.data != NULL &&
                   access_grant_copy(arena, &call->caller->grant, &out_pass->grant)
               ? true
               : refuse_no_memory(call);
}

static bool is_admitted(const struct api_loop *loop, const struct api_pass *pass,
                        struct arena *arena)
{
    const struct api *api = loop->api;
    const struct access_credential credential = {.text = pass->credential,
                                                 .now_ms = clock_wall_ms(api->config.clock),
                                                 .reader = (unsigned)(loop - api->loops)};
    const struct access_need need = need_of(pass->operation);
    struct access_grant grant;
    return access_control_identify(api->config.access.control, &credential, arena, &grant) ==
               STATUS_OK &&
           access_control_decide(&grant, &need) == ACCESS_GRANTED &&
           access_grant_has_same_users(&grant, &pass->grant);
}

bool api_access_still_admits(const struct api_loop *loop, struct api_pass *pass)
{
    uint64_t reloads = count_reloads(&loop->api->config.access);
    if (pass->credential.data == NULL || pass->reloads == reloads) {
        return true;
    }
    struct arena arena;
    arena_init(&arena, GRANT_BYTES_MAX);
    bool admitted = is_admitted(loop, pass, &arena);
    arena_deinit(&arena);
    pass->reloads = reloads;
    return admitted;
}

bool api_access_admits_more(struct api_loop *loop, struct http_exchange *exchange,
                            struct api_pass *pass, struct http_problem *out_problem)
{
    if (api_access_still_admits(loop, pass)) {
        return true;
    }
    counter_add(&loop->access.unauthorized, 1);
    if (exchange != NULL) {
        put_schemes(exchange);
    }
    *out_problem = api_problem_make(API_PROBLEM_UNAUTHORIZED,
                                    "this key was taken away, or is another's now, while the "
                                    "request was under way; what is told here was done before");
    return false;
}

static bool has_limits(const struct api_access_config *config)
{
    return rate_limiter_is_on(config->key_limiter) || rate_limiter_is_on(config->address_limiter);
}

static bool lets_in(const struct api_call *call, struct api_caller *caller)
{
    const struct api_access_config *config = config_of(call);
    bool limits_address = rate_limiter_is_on(config->address_limiter); /* may change any time */
    bool limits_key = rate_limiter_is_on(config->key_limiter);
    uint64_t now_ns =
        limits_address || limits_key ? clock_monotonic_ns(call->api->config.clock) : 0;
    if (limits_address && !api_limits_enter_address(call, caller, now_ns)) {
        return false;
    }
    if (config->control == NULL) {
        return true;
    }
    return identify(call, caller) && (!limits_key || api_limits_enter_key(call, caller, now_ns));
}

bool api_access_admits(struct api_call *call)
{
    const struct api_access_config *config = config_of(call);
    call->caller = &anybody;
    if (call->operation->is_open || (config->control == NULL && !has_limits(config))) {
        return true;
    }
    struct api_caller *caller = arena_allocate(http_exchange_arena(call->exchange), sizeof *caller);
    if (caller == NULL) {
        return refuse_no_memory(call);
    }
    *caller = anybody;
    if (!lets_in(call, caller)) {
        return false;
    }
    api_limits_tell(call->exchange, caller);
    http_exchange_set_caller(call->exchange, caller);
    call->caller = caller;
    return true;
}

bool api_access_recall(struct api_call *call, struct http_request *room)
{
    const struct api_caller *caller = http_exchange_caller(call->exchange);
    call->caller = caller == NULL ? &anybody : caller;
    if (!call->caller->shows_token) {
        return true;
    }
    *room = *call->request;
    call->request = room;
    return api_credential_without_token(room->query, http_exchange_arena(call->exchange),
                                        &room->query)
               ? true
               : refuse_no_memory(call);
}

/* --- what depends on users and actions --- */

static bool is_denied(const struct api_loop *loop, struct str action)
{
    struct shared_snapshot *shared = loop->api->config.access.denied_actions;
    unsigned reader = (unsigned)(loop - loop->api->loops);
    if (shared == NULL) {
        return false;
    }
    const struct denied_actions *denied = shared_snapshot_hold(shared, reader);
    bool matches = denied != NULL && denied_actions_match(denied, action);
    shared_snapshot_release(shared, reader);
    return matches;
}

enum status api_access_check_activity(const struct api_loop *loop, const struct api_caller *caller,
                                      const struct activity *activity, struct rejection *rejection)
{
    if (!access_grant_covers_user(&caller->grant, activity->user_id)) {
        rejection->kind = REJECTION_USER_DENIED;
        rejection_add(rejection, "/userId", "is none of the users that this key is limited to");
        return STATUS_INVALID;
    }
    if (is_denied(loop, activity->action)) {
        rejection->kind = REJECTION_ACTION_DENIED;
        rejection_add(rejection, "/action", "is not recorded here, by a rule of this service");
        return STATUS_INVALID;
    }
    return STATUS_OK;
}

enum api_problem api_access_problem_of(enum rejection_kind kind)
{
    static const enum api_problem problems[] = {
        [REJECTION_INVALID] = API_PROBLEM_INVALID_ACTIVITY,
        [REJECTION_USER_DENIED] = API_PROBLEM_USER_DENIED,
        [REJECTION_ACTION_DENIED] = API_PROBLEM_ACTION_DENIED,
    };
    return problems[kind];
}

bool api_access_narrows(const struct api_call *call, struct activity_filter *filter,
                        struct str *user_ids, struct arena *arena)
{
    struct access_grant grant;
    struct str refused;
    if (call->caller->grant.user_count == 0) {
        return true;
    }
    if (!access_grant_copy(arena, &call->caller->grant, &grant)) {
        return refuse_no_memory(call);
    }
    ASSERT(filter->user_ids.items == user_ids);
    return access_grant_narrow(&grant, user_ids, &filter->user_ids.count, &refused)
               ? true
               : refuse_user(call, refused);
}

bool api_access_covers(const struct api_call *call, struct str user_id)
{
    return access_grant_covers_user(&call->caller->grant, user_id) ? true
                                                                   : refuse_user(call, user_id);
}

/* --- what it says of itself --- */

static void append_number(struct buffer *json, const char *name, uint64_t number)
{
    buffer_append_format(json, ",\"%s\":%llu", name, (unsigned long long)number);
}

void api_access_append_health(const struct api *api, struct buffer *json)
{
    const struct api_access_config *config = &api->config.access;
    uint64_t unauthorized = 0;
    uint64_t forbidden = 0;
    uint64_t limited = 0;
    if (config->reloads == NULL ||
        (config->control == NULL && config->denied_actions == NULL && !has_limits(config))) {
        return;
    }
    for (unsigned i = 0; i < api->config.loops; i++) {
        const struct api_access_counters *counters = &api->loops[i].access;
        unauthorized += read_counter(&counters->unauthorized);
        forbidden += read_counter(&counters->forbidden);
        limited += read_counter(&counters->limited);
    }
    buffer_append_format(json, ",\"access\":{\"keys\":%llu",
                         (unsigned long long)read_counter(config->keys));
    append_number(json, "unauthorized", unauthorized);
    append_number(json, "forbidden", forbidden);
    append_number(json, "limited", limited);
    append_number(json, "reloads", read_counter(config->reloads));
    append_number(json, "failedReloads", read_counter(config->failed_reloads));
    buffer_append_char(json, '}');
}
