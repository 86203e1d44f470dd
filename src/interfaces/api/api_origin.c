#include "interfaces/api/api_origin.h"

#include "interfaces/api/api_media.h"
#include "interfaces/http/http_request_line.h"

/* Longer than browsers keep the answer to OPTIONS anyway; it changes with a restart only. */
#define MAX_AGE_S "7200"

/* Fields of an answer that a page may read besides those that every page may. */
#define EXPOSED "ETag, Link, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id"

/* Lists ------------------------------------------------------------------------------------- */

static const struct scheme {
    struct str front;
    struct str default_port;
} schemes[] = {{{"http://", 7}, {":80", 3}}, {{"https://", 8}, {":443", 4}}};

/* What stands behind the scheme; NULL: it begins with none. */
static const struct scheme *take_scheme(struct str origin, struct str *out_host)
{
    for (size_t i = 0; i < ARRAY_LENGTH(schemes); i++) {
        struct str front = schemes[i].front;
        if (str_starts_with(origin, front)) {
            *out_host = (struct str){origin.data + front.len, origin.len - front.len};
            return &schemes[i];
        }
    }
    return NULL;
}

/* A browser leaves out the port that a scheme has anyway, and writes names in lower case. */
static bool is_origin(struct str text)
{
    struct str host;
    const struct scheme *scheme = take_scheme(text, &host);
    if (scheme == NULL || !http_authority_is_valid(host)) {
        return false;
    }
    struct str port = scheme->default_port;
    bool named =
        host.len >= port.len && memcmp(host.data + host.len - port.len, port.data, port.len) == 0;
    return !named && host.data[host.len - 1] != ':';
}

static bool is_lower_case(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((text.data[i] >= 'A' && text.data[i] <= 'Z') || text.data[i] == '*') {
            return false;
        }
    }
    return true;
}

enum status api_origin_check_list(struct str origins, struct error *err)
{
    while (origins.len > 0) {
        struct str origin = str_trim(str_split(&origins, ','));
        if (!is_origin(origin) || !is_lower_case(origin)) {
            return error_set(err, STATUS_INVALID, 0,
                             "\"%.*s\" is no origin such as https://shop.example: http or https, "
                             "a host in lower case, a port unless it is the usual one",
                             origin.len > 40 ? 40 : (int)origin.len, origin.data);
        }
    }
    return STATUS_OK;
}

/* The Origin of the request as it stands in the list, which lives longer; {NULL, 0}: it has none,
 * or one that is not listed. */
static struct str listed_origin(const struct api_call *call)
{
    struct str sent = api_call_field(call, API_FIELD_ORIGIN);
    struct str origins = call->api->config.cors_origins;
    while (sent.len > 0 && origins.len > 0) {
        struct str origin = str_trim(str_split(&origins, ','));
        if (str_equal(origin, sent)) {
            return origin;
        }
    }
    return (struct str){0};
}

/* Answers ----------------------------------------------------------------------------------- */

/* A beacon comes with credentials, whatever they are, so its answer must allow them; the service
 * itself knows no cookies. */
void api_origin_put_fields(const struct api_call *call)
{
    struct http_exchange *exchange = call->exchange;
    if (call->api->config.cors_origins.len == 0) {
        return;
    }
    http_exchange_put_field(exchange, STR("Vary"), STR("Origin"));
    struct str origin = listed_origin(call);
    if (origin.data != NULL) {
        http_exchange_put_field(exchange, STR("Access-Control-Allow-Origin"), origin);
        http_exchange_put_field(exchange, STR("Access-Control-Allow-Credentials"), STR("true"));
        http_exchange_put_field(exchange, STR("Access-Control-Expose-Headers"), STR(EXPOSED));
    }
}

/* Those of the fields that a page wants to send which it may send. */
static struct str allowed_fields(const struct api_call *call)
{
    struct str wanted = api_call_field(call, API_FIELD_ACCESS_CONTROL_REQUEST_HEADERS);
    struct buffer *list = &api_call_loop(call)->answer;
    buffer_clear(list);
    while (wanted.data != NULL) {
        struct str name = str_trim(str_split(&wanted, ','));
        if (api_field_is_for_pages(name)) {
            buffer_append_str(list, list->len == 0 ? STR("") : STR(", "));
            buffer_append_str(list, name);
        }
    }
    return list->failed == STATUS_OK ? buffer_str(list) : (struct str){0};
}

void api_origin_answer_options(const struct api_call *call, const char *allow)
{
    struct http_header fields[4] = {{STR("Allow"), str_from(allow)}};
    size_t count = 1;
    bool asked = api_call_field(call, API_FIELD_ACCESS_CONTROL_REQUEST_METHOD).data != NULL;
    if (asked && listed_origin(call).data != NULL) {
        struct str wanted = allowed_fields(call);
        fields[count++] =
            (struct http_header){STR("Access-Control-Allow-Methods"), str_from(allow)};
        fields[count++] = (struct http_header){STR("Access-Control-Max-Age"), STR(MAX_AGE_S)};
        if (wanted.len > 0) {
            fields[count++] = (struct http_header){STR("Access-Control-Allow-Headers"), wanted};
        }
    }
    http_exchange_respond(
        call->exchange,
        &(struct http_response){.status = 204, .headers = fields, .header_count = count});
}

/* What stands behind the scheme is what the page's own requests have as their Host. A name that was
 * made to lead here does not get so far (api_host.h). */
static bool is_own(const struct api_call *call, struct str origin)
{
    struct str own = api_call_field(call, API_FIELD_HOST);
    struct str host;
    return own.data != NULL && take_scheme(origin, &host) != NULL &&
           str_equal_ignoring_case(host, own);
}

bool api_origin_admits_post(const struct api_call *call)
{
    struct str origin = api_call_field(call, API_FIELD_ORIGIN);
    if (origin.data == NULL || listed_origin(call).data != NULL || is_own(call, origin)) {
        return true;
    }
    api_answer_problem_type(call->exchange, API_PROBLEM_ORIGIN_NOT_ALLOWED,
                            "this is taken from pages of this service and of origins that are "
                            "listed by --cors-origins only; other programs send no Origin");
    return false;
}

/* Before other bodies a browser asks, and is told no by what the answer lacks. */
bool api_origin_admits_body(const struct api_call *call)
{
    bool has_origin = api_call_field(call, API_FIELD_ORIGIN).data != NULL;
    if (!has_origin || !api_media_is_simple(call) || listed_origin(call).data != NULL) {
        return true;
    }
    api_answer_problem_type(
        call->exchange, API_PROBLEM_ORIGIN_NOT_ALLOWED,
        "a body of text/plain, or without a Content-Type, is taken from pages of "
        "origins that are listed by --cors-origins only; other programs send no "
        "Origin, or Content-Type: application/json");
    return false;
}
