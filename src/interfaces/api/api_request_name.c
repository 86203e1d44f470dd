#include "interfaces/api/api_request_name.h"

#include "base/digits.h"
#include "interfaces/api/api_private.h"
#include "interfaces/api/api_trace.h"

enum {
    COUNT_DIGITS_MAX = 20,
    SERVER_FAULT = 500, /* what is said of a fault of the service; 503 and 507 pass by themselves */
};

_Static_assert(REQUEST_NAMES_FRONT_BYTES + 1 + COUNT_DIGITS_MAX <= HTTP_SCRATCH_BYTES,
               "a name that is made here fits");

void api_request_names_init(struct api_request_names *names, const struct random *random)
{
    uint8_t bytes[REQUEST_NAMES_FRONT_BYTES / 2];
    random_fill(random, bytes, sizeof bytes);
    digits_write_bytes(bytes, sizeof bytes, names->front);
    names->count = 0;
}

static bool is_of_name(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != '\0' && strchr("-._:+/=@", c) != NULL);
}

bool api_request_name_is_valid(struct str name)
{
    size_t at = 0;
    while (at < name.len && is_of_name(name.data[at])) {
        at++;
    }
    return name.len > 0 && name.len <= REQUEST_NAME_BYTES_MAX && at == name.len;
}

/* Without printf: every request takes one. */
static struct str make_name(struct api_request_names *names, char *text)
{
    char digits[COUNT_DIGITS_MAX];
    size_t used = COUNT_DIGITS_MAX;
    uint64_t left = ++names->count;
    for (; left > 0; left /= 10) {
        digits[--used] = (char)('0' + left % 10);
    }
    memcpy(text, names->front, REQUEST_NAMES_FRONT_BYTES);
    text[REQUEST_NAMES_FRONT_BYTES] = '-';
    memcpy(text + REQUEST_NAMES_FRONT_BYTES + 1, digits + used, COUNT_DIGITS_MAX - used);
    return (struct str){text, REQUEST_NAMES_FRONT_BYTES + 1 + COUNT_DIGITS_MAX - used};
}

void api_request_name(const struct api_call *call)
{
    struct api_fields fields = api_call_fields(call);
    size_t count;
    struct str name = api_fields_only(&fields, API_FIELD_X_REQUEST_ID, &count);
    if (!api_request_name_is_valid(name)) {
        name = make_name(&api_call_loop(call)->names, http_exchange_scratch(call->exchange));
    }
    http_exchange_set_name(call->exchange, name);
}

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

struct str api_request_method(enum http_method method)
{
    static const char *const names[] = {
        [HTTP_METHOD_GET] = "GET",       [HTTP_METHOD_HEAD] = "HEAD",
        [HTTP_METHOD_POST] = "POST",     [HTTP_METHOD_OPTIONS] = "OPTIONS",
        [HTTP_METHOD_DELETE] = "DELETE", [HTTP_METHOD_PUT] = "PUT",
        [HTTP_METHOD_PATCH] = "PATCH",   [HTTP_METHOD_OTHER] = "other"};
    return str_from(names[method]);
}

static void log_answer(const struct api *api, const struct http_exchange *exchange, int status,
                       enum log_level level)
{
    const struct http_request *request = http_exchange_request(exchange);
    char route[HTTP_ROUTE_BYTES];
    char trace_text[2 * TRACE_ID_BYTES];
    struct str trace_id = api_trace_id(exchange, trace_text);
    const struct log_field fields[] = {
        log_text("requestId", http_exchange_name(exchange)),
        log_text("method", api_request_method(request->method)),
        log_text("route", route_of(request, route)),
        log_number("status", status),
        log_number("ms", (int64_t)http_exchange_age_ms(exchange)),
        log_text("trace_id", trace_id), /* the last one, for requests that are part of none */
    };
    log_write(api->config.logger, level,
              status == 0 ? "a client left before its answer" : "request answered", fields,
              ARRAY_LENGTH(fields) - (trace_id.data == NULL));
}

void api_request_answered(void *context, const struct http_exchange *exchange, int status)
{
    const struct api *api = context;
    enum log_level level = status == SERVER_FAULT ? LOG_ERROR : LOG_DEBUG;
    if (log_is_on(api->config.logger, level)) {
        log_answer(api, exchange, status, level);
    }
    api_trace_end(exchange, status);
}
