#include "interfaces/api/api_media.h"

#include "interfaces/api/api_cloud_event.h"
#include "interfaces/api/api_lines.h"
#include "interfaces/api/api_origin.h"
#include "interfaces/api/api_record.h"

#include <stdio.h>

struct media {
    struct str type; /* without parameters */
    api_call_function *post;
    api_call_function *begin; /* NULL: the body is gathered */
};

/* In the order in which a client is told of them; the first is also that of a body without a type.
 */
static const struct media medias[] = {
    {{"application/json", 16}, api_record_post, NULL},
    {{"application/x-ndjson", 20}, api_lines_post, api_lines_begin},
    {{"application/cloudevents+json", 28}, api_record_post_event, NULL},
    {{"application/cloudevents-batch+json", 34}, api_record_post_events, NULL},
    {{"text/plain", 10}, api_record_post, NULL}, /* what navigator.sendBeacon says of a text */
};

/* An event whose attributes are in the header; its body may be of any type. */
static const struct media binary_event = {{"any type", 8}, api_record_post_binary_event, NULL};

struct str api_media_type_at(size_t index)
{
    return index < ARRAY_LENGTH(medias) ? medias[index].type : (struct str){0};
}

/* A charset must be UTF-8, the only one JSON has. Other parameters mean nothing here. */
static bool is_utf8(struct str parameters)
{
    while (parameters.data != NULL) {
        struct str value = str_trim(str_split(&parameters, ';'));
        struct str name = str_trim(str_split(&value, '='));
        bool charset = str_equal_ignoring_case(name, STR("charset"));
        if (charset && !str_equal_ignoring_case(value, STR("utf-8")) &&
            !str_equal_ignoring_case(value, STR("\"utf-8\""))) {
            return false;
        }
    }
    return true;
}

/* An event that says by its type that it is one whole is so, whatever else the header has. */
static bool is_binary_event(const struct api_fields *fields, struct str type)
{
    const struct str whole = STR("application/cloudevents");
    struct str front = {type.data, whole.len};
    return (type.len < whole.len || !str_equal_ignoring_case(front, whole)) &&
           api_cloud_event_is_binary(fields);
}

/* NULL: nobody reads it. */
static const struct media *find(const struct api_call *call)
{
    const struct api_fields fields = api_call_fields(call);
    struct str rest = api_fields_first(&fields, API_FIELD_CONTENT_TYPE);
    bool typed = rest.data != NULL;
    struct str type = typed ? str_trim(str_split(&rest, ';')) : rest;
    if (is_binary_event(&fields, type)) {
        return &binary_event;
    }
    if (!typed) {
        return &medias[0];
    }
    for (size_t i = 0; i < ARRAY_LENGTH(medias); i++) {
        if (str_equal_ignoring_case(type, medias[i].type)) {
            return is_utf8(rest) ? &medias[i] : NULL;
        }
    }
    return NULL;
}

bool api_media_is_simple(const struct api_call *call)
{
    struct str rest = api_call_field(call, API_FIELD_CONTENT_TYPE);
    return rest.data == NULL ||
           str_equal_ignoring_case(str_trim(str_split(&rest, ';')), STR("text/plain"));
}

static void refuse(const struct api_call *call, const char *detail)
{
    api_answer_problem_type(call->exchange, API_PROBLEM_UNSUPPORTED_MEDIA_TYPE, detail);
}

static void refuse_type(const struct api_call *call)
{
    char detail[256] = "send JSON in UTF-8 with one of the headers Content-Type: ";
    for (size_t i = 0; i < ARRAY_LENGTH(medias); i++) {
        size_t used = strlen(detail);
        snprintf(detail + used, sizeof detail - used, "%s%.*s", i == 0 ? "" : ", ",
                 STR_FORMAT(medias[i].type));
    }
    refuse(call, detail);
}

static void refuse_missing(const struct api_call *call)
{
    api_answer_problem_type(call->exchange, API_PROBLEM_LENGTH_REQUIRED,
                            "send the activity as JSON with a Content-Length header");
}

/* NULL: the request was answered. */
static const struct media *choose(const struct api_call *call)
{
    const struct media *media = find(call);
    if (!call->request->has_body && media != &binary_event) {
        refuse_missing(call);
        return NULL;
    }
    if (media == NULL) {
        refuse_type(call);
    }
    return media;
}

/* False when the request was answered. */
static bool begin_decoding(const struct api_call *call, enum http_coding coding)
{
    enum status status = coding == HTTP_CODING_IDENTITY
                             ? STATUS_OK
                             : http_exchange_decode_body(call->exchange, coding);
    if (status != STATUS_OK) {
        api_answer_problem(call->exchange, status,
                           "there is no memory to decode this body now; send it again later");
    }
    return status == STATUS_OK;
}

/* Several fields mean a list, as one with commas does: codings that were put on one another. */
static enum http_coding coding_of(const struct api_call *call)
{
    size_t count;
    const struct api_fields fields = api_call_fields(call);
    struct str value = api_fields_only(&fields, API_FIELD_CONTENT_ENCODING, &count);
    return count > 1 ? HTTP_CODING_COUNT : http_coding_read(value);
}

void api_media_begin(const struct api_call *call)
{
    const struct media *media = api_origin_admits_body(call) ? choose(call) : NULL;
    enum http_coding coding = coding_of(call);
    if (media == NULL) {
        return;
    }
    if (coding == HTTP_CODING_COUNT) {
        refuse(call,
               "send the body without Content-Encoding, or with one of " HTTP_CODINGS_ACCEPTED);
        return;
    }
    if (!begin_decoding(call, coding)) {
        return;
    }
    if (media->begin != NULL) {
        media->begin(call);
    } else {
        http_exchange_set_body_bytes_max(call->exchange, call->api->config.batch_bytes_max);
    }
}

void api_media_post(const struct api_call *call)
{
    find(call)->post(call);
}
