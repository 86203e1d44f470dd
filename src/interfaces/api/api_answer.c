#include "interfaces/api/api_private.h"
#include "interfaces/api/api_query_string.h"

#include <stdio.h>

enum { RETRY_AFTER_S_MAX = 3600 };

void api_answer_text(struct http_exchange *exchange, struct str content_type, struct str text,
                     struct str link)
{
    struct http_header header = {STR("Link"), link};
    http_exchange_respond(exchange, &(struct http_response){
                                        .status = 200,
                                        .content_type = content_type,
                                        .body = text,
                                        .headers = &header,
                                        .header_count = link.data == NULL ? 0 : 1,
                                    });
}

void api_answer_json(struct http_exchange *exchange, int status, struct str json)
{
    http_exchange_respond(exchange, &(struct http_response){
                                        .status = status,
                                        .content_type = STR("application/json"),
                                        .body = json,
                                    });
}

static const struct http_problem problems[STATUS_COUNT] = {
    [STATUS_INVALID] = {.status = 400, .type = "invalid-request", .title = "The request is wrong"},
    [STATUS_NOT_FOUND] = {.status = 404, .type = "not-found", .title = "There is no such activity"},
    [STATUS_DUPLICATE] = {.status = 409, .type = "duplicate", .title = "It is there already"},
    [STATUS_TOO_LARGE] = {.status = 413, .type = "too-large", .title = "This is too large"},
    [STATUS_BUSY] = {.status = 503,
                     .type = "busy",
                     .title = "The service has more work than it takes at once",
                     .retry_after_s = 1},
    [STATUS_UNAVAILABLE] = {.status = 503,
                            .type = "unavailable",
                            .title = "The service cannot do this now",
                            .retry_after_s = 5},
    [STATUS_TIMED_OUT] = {.status = 503,
                          .type = "timed-out",
                          .title = "This took longer than it may",
                          .retry_after_s = 5},
    [STATUS_NO_SPACE] = {.status = 507,
                         .type = "no-space",
                         .title = "There is no space left for activities",
                         .retry_after_s = 30},
    [STATUS_CORRUPT] = {.status = 500,
                        .type = "corrupt",
                        .title = "Stored data is damaged; an operator must look"},
    [STATUS_NO_MEMORY] = {.status = 503,
                          .type = "no-memory",
                          .title = "The service has no memory for this now",
                          .retry_after_s = 1},
};

struct http_problem api_problem_of(enum status status, const char *detail)
{
    struct http_problem problem = problems[status];
    problem.detail = detail;
    return problem;
}

void api_answer_problem(struct http_exchange *exchange, enum status status, const char *detail)
{
    struct http_problem problem = api_problem_of(status, detail);
    http_problem_respond(exchange, &problem, NULL);
}

void api_answer_not_appended(const struct api *api, struct http_exchange *exchange,
                             enum status status, const char *detail)
{
    struct http_problem problem = api_problem_of(status, detail);
    struct event_log_state log;
    event_log_describe(api->config.log, &log);
    unsigned measured_s = log.spill.retry_after_s;
    if (problem.status == 503 && measured_s > 0) {
        problem.retry_after_s = measured_s < RETRY_AFTER_S_MAX ? measured_s : RETRY_AFTER_S_MAX;
    }
    http_problem_respond(exchange, &problem, NULL);
}

void api_answer_bad_parameter(struct http_exchange *exchange, const char *detail)
{
    http_problem_respond(exchange,
                         &(struct http_problem){
                             .status = 400,
                             .type = "invalid-parameter",
                             .title = "A parameter of the query string is wrong",
                             .detail = detail,
                         },
                         NULL);
}

static bool is_known(struct str name, const char *known)
{
    struct str names = str_from(known);
    while (names.data != NULL) {
        if (str_equal(str_split(&names, ','), name)) {
            return true;
        }
    }
    return false;
}

bool api_refuses_parameters(const struct api_call *call, const char *known)
{
    struct str query = call->request->query;
    while (query.data != NULL) {
        struct str pair = str_split(&query, '&');
        struct str name = str_split(&pair, '=');
        if (name.len > 0 && !is_known(name, known)) {
            char detail[160];
            snprintf(detail, sizeof detail, "the parameter %.*s is not known here",
                     STR_FORMAT(api_query_shown(name)));
            api_answer_bad_parameter(call->exchange, detail);
            return true;
        }
    }
    return false;
}
