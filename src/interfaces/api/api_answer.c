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

void api_answer_problem(struct http_exchange *exchange, enum status status, const char *detail)
{
    struct http_problem problem = api_problem_of(status, detail);
    http_problem_respond(exchange, &problem, NULL);
}

void api_answer_problem_type(struct http_exchange *exchange, enum api_problem which,
                             const char *detail)
{
    struct http_problem problem = api_problem_make(which, detail);
    http_problem_respond(exchange, &problem, NULL);
}

struct http_problem api_problem_not_appended(const struct api *api, enum status status,
                                             const char *detail)
{
    struct http_problem problem = api_problem_of(status, detail);
    struct event_log_state log;
    event_log_describe(api->config.log, &log);
    if (problem.retry_after_s > 0 && log.retry_after_s > 0) {
        problem.retry_after_s =
            log.retry_after_s < RETRY_AFTER_S_MAX ? log.retry_after_s : RETRY_AFTER_S_MAX;
    }
    return problem;
}

void api_answer_not_appended(const struct api *api, struct http_exchange *exchange,
                             enum status status, const char *detail)
{
    struct http_problem problem = api_problem_not_appended(api, status, detail);
    http_problem_respond(exchange, &problem, NULL);
}

void api_answer_bad_parameter(struct http_exchange *exchange, const char *detail)
{
    api_answer_problem_type(exchange, API_PROBLEM_INVALID_PARAMETER, detail);
}

static bool is_known(struct str name, const struct api_parameter_set *set)
{
    const struct api_parameter *parameter;
    for (size_t i = 0; set != NULL && (parameter = api_parameter_at(set, i)) != NULL; i++) {
        if (str_equal(parameter->name, name)) {
            return true;
        }
    }
    return false;
}

bool api_refuses_parameters(const struct api_call *call, const struct api_parameter_set *set)
{
    struct str query = call->request->query;
    while (query.data != NULL) {
        struct str pair = str_split(&query, '&');
        struct str name = str_split(&pair, '=');
        if (name.len > 0 && !is_known(name, set)) {
            char detail[160];
            snprintf(detail, sizeof detail, "the parameter %.*s is not known here",
                     STR_FORMAT(api_query_shown(name)));
            api_answer_bad_parameter(call->exchange, detail);
            return true;
        }
    }
    return false;
}
