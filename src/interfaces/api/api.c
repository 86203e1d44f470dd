#include "interfaces/api/api.h"

#include "base/assert.h"
#include "interfaces/api/api_answered.h"
#include "interfaces/api/api_host.h"
#include "interfaces/api/api_lines.h"
#include "interfaces/api/api_origin.h"
#include "interfaces/api/api_private.h"
#include "interfaces/api/api_query_string.h"
#include "interfaces/api/api_trace.h"

#include <stdio.h>
#include <stdlib.h>

enum status api_new(const struct api_config *config, struct api **out_api, struct error *err)
{
    CLEANUP(api_free) struct api *api = calloc(1, sizeof *api);
    if (api == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for the API");
    }
    api->config = *config;
    atomic_init(&api->draining, false);
    atomic_init(&api->store_rests_until_ms, 0);
    api->loops = calloc(config->loops, sizeof *api->loops);
    if (api->loops == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for the API's loops");
    }
    for (unsigned i = 0; i < config->loops; i++) {
        struct api_loop *loop = &api->loops[i];
        loop->api = api;
        loop->listener.completed = api_record_completed;
        loop->lines_listener.completed = api_lines_completed;
        api_request_names_init(&loop->names, config->random);
        buffer_init(&loop->answer, API_ANSWER_BYTES_MAX);
        enum status status =
            activity_json_reader_init(&loop->reader, config->rules, config->activity_bytes_max);
        if (status != STATUS_OK) {
            return error_set(err, status, 0, "there is no memory for the API's JSON readers");
        }
    }
    *out_api = TAKE(api);
    return STATUS_OK;
}

void api_free(struct api *api)
{
    if (api == NULL) {
        return;
    }
    for (unsigned i = 0; api->loops != NULL && i < api->config.loops; i++) {
        activity_json_reader_deinit(&api->loops[i].reader);
        buffer_deinit(&api->loops[i].answer);
    }
    free(api->loops);
    free(api);
}

void api_set_server(struct api *api, struct http_server *server)
{
    api->server = server;
}

void api_begin_drain(struct api *api)
{
    atomic_store(&api->draining, true);
}

static void answer_not_found(const struct api_call *call)
{
    api_answer_problem_type(
        call->exchange, API_PROBLEM_NO_SUCH_ROUTE,
        call->api->config.probes_only
            ? "this is a worker, which answers /livez, /readyz, /health and /metrics only; send "
              "activities and questions to an API server"
            : "activities are at /api/v1/activities, counts of them at /api/v1/stats, the state of "
              "this service at /health, all of it described at /openapi.json and /docs");
}

static void answer_method_not_allowed(struct http_exchange *exchange, const char *allow)
{
    char detail[128];
    snprintf(detail, sizeof detail, "this path answers %s", allow);
    struct http_problem problem = api_problem_make(API_PROBLEM_METHOD_NOT_ALLOWED, detail);
    http_problem_respond(exchange, &problem, allow);
}

/* A set with readers is read by its handler, which says more of what is wrong. */
static bool refuses_query(const struct api_call *call, const struct api_parameter_set *set)
{
    bool read_by_handler = set != NULL && api_parameter_at(set, 0)->read != NULL;
    return !read_by_handler && api_refuses_parameters(call, set);
}

/* Nothing is done for this method here: says what is done. */
static void answer_other_method(const struct api_call *call, const struct api_route *route)
{
    char allow[API_ALLOW_BYTES];
    if (call->request->method == HTTP_METHOD_OPTIONS) {
        api_origin_answer_options(call, api_route_allow(route, allow));
    } else {
        answer_method_not_allowed(call->exchange, api_route_allow(route, allow));
    }
}

/* Finds the route and what it does; false when another answer is due (and was given). */
static bool choose(struct api_call *call)
{
    char allow[API_ALLOW_BYTES];
    if (str_equal(call->request->path, STR("*"))) {
        api_origin_answer_options(call, api_route_allow(NULL, allow));
        return false;
    }
    const struct api_route *route = api_route_find(call->request->path, &call->rest);
    if (route == NULL || (call->api->config.probes_only && !route->is_probe)) {
        answer_not_found(call);
        return false;
    }
    http_exchange_set_route(call->exchange, api_route_number(route));
    call->operation = api_route_operation(route, call->request->method);
    if (call->operation == NULL) {
        answer_other_method(call, route);
    }
    return call->operation != NULL;
}

static void begin(void *context, struct http_exchange *exchange)
{
    struct api_call call = {
        .api = context, .exchange = exchange, .request = http_exchange_request(exchange)};
    api_request_name(&call);
    api_trace_begin(&call);
    api_origin_put_fields(&call);
    if (api_host_admits(&call) && choose(&call) && api_access_admits(&call) &&
        call.operation->begin != NULL) {
        call.operation->begin(&call);
    }
}

static void handle(void *context, struct http_exchange *exchange)
{
    struct http_request without_token;
    struct api_call call = {
        .api = context, .exchange = exchange, .request = http_exchange_request(exchange)};
    const struct api_route *route = api_route_find(call.request->path, &call.rest);
    ASSERT(route != NULL);
    call.operation = api_route_operation(route, call.request->method);
    ASSERT(call.operation != NULL);
    if (api_access_recall(&call, &without_token) &&
        !refuses_query(&call, call.operation->parameters)) {
        call.operation->handle(&call);
    }
}

struct http_handler api_handler(struct api *api)
{
    return (struct http_handler){.begin = begin,
                                 .handle = handle,
                                 .answered = api_answered,
                                 .context = api,
                                 .route_count = api_route_count() + 1,
                                 .name_route = api_route_name};
}
