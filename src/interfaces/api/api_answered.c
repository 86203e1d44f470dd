#include "interfaces/api/api_answered.h"

#include "interfaces/api/api_private.h"
#include "interfaces/api/api_trace.h"

/* What is said of a fault of the service; 503 and 507 pass by themselves. */
enum { SERVER_FAULT = 500 };

/* "/api/v1/users/{id}/links": what somebody named stays out. */
static struct str route_of(const struct http_request *request, char out_text[HTTP_ROUTE_BYTES])
{
    struct str id;
    const struct api_route *route = api_route_find(request->path, &id);
    if (route == NULL) {
        return STR("none");
    }
    return api_route_name(api_route_number(route), out_text);
}

static void log_answer(const struct api *api, const struct http_exchange *exchange, int status,
                       enum log_level level)
{
    const struct http_request *request = http_exchange_request(exchange);
    bool is_known = request->method != HTTP_METHOD_OTHER;
    char route[HTTP_ROUTE_BYTES];
    char trace_text[2 * TRACE_ID_BYTES];
    struct str trace_id = api_trace_id(exchange, trace_text);
    const struct log_field fields[] = {
        log_text("requestId", http_exchange_name(exchange)),
        log_text("method", is_known ? http_method_name(request->method) : STR("other")),
        log_text("route", route_of(request, route)),
        log_number("status", status),
        log_number("ms", (int64_t)http_exchange_age_ms(exchange)),
        log_text("trace_id", trace_id), /* the last one, for requests that are part of none */
    };
    log_write(api->config.logger, level,
              status == 0 ? "a client left before its answer" : "request answered", fields,
              ARRAY_LENGTH(fields) - (trace_id.data == NULL));
}

void api_answered(void *context, const struct http_exchange *exchange, int status)
{
    const struct api *api = context;
    enum log_level level = status == SERVER_FAULT ? LOG_ERROR : LOG_DEBUG;
    if (log_is_on(api->config.logger, level)) {
        log_answer(api, exchange, status, level);
    }
    api_trace_end(exchange, status);
}
