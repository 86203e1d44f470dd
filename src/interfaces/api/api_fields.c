#include "interfaces/api/api_fields.h"

#include "base/assert.h"
#include "base/macros.h"
#include "interfaces/http/http_request_line.h"

static const struct field {
    struct str name;
    bool is_of_all;
    bool is_prefix;    /* any name that begins so */
    bool is_for_pages; /* browsers ask whether a page may send it; of the rest they send some
                          themselves, and let a page send others without asking */
} fields_known[API_FIELD_COUNT] = {
    [API_FIELD_ACCESS_CONTROL_REQUEST_HEADERS] = {{"Access-Control-Request-Headers", 30},
                                                  .is_of_all = true},
    [API_FIELD_ACCESS_CONTROL_REQUEST_METHOD] = {{"Access-Control-Request-Method", 29},
                                                 .is_of_all = true},
    [API_FIELD_AUTHORIZATION] = {{"Authorization", 13}, .is_of_all = true, .is_for_pages = true},
    [API_FIELD_HOST] = {{"Host", 4}, .is_of_all = true},
    [API_FIELD_ORIGIN] = {{"Origin", 6}, .is_of_all = true},
    [API_FIELD_TRACEPARENT] = {{"traceparent", 11}, .is_of_all = true, .is_for_pages = true},
    [API_FIELD_TRACESTATE] = {{"tracestate", 10}, .is_of_all = true, .is_for_pages = true},
    [API_FIELD_X_FORWARDED_FOR] = {{"X-Forwarded-For", 15}, .is_of_all = true},
    [API_FIELD_X_REQUEST_ID] = {{"X-Request-Id", 12}, .is_of_all = true, .is_for_pages = true},
    [API_FIELD_ACCEPT] = {.name = {"Accept", 6}},
    [API_FIELD_ACCEPT_ENCODING] = {.name = {"Accept-Encoding", 15}},
    [API_FIELD_CE] = {{"ce-", 3}, .is_prefix = true, .is_for_pages = true},
    [API_FIELD_CONTENT_ENCODING] = {{"Content-Encoding", 16}, .is_for_pages = true},
    [API_FIELD_CONTENT_TYPE] = {{"Content-Type", 12}, .is_for_pages = true},
    [API_FIELD_IDEMPOTENCY_KEY] = {{"Idempotency-Key", 15}, .is_for_pages = true},
    [API_FIELD_IF_NONE_MATCH] = {{"If-None-Match", 13}, .is_for_pages = true},
    [API_FIELD_LAST_EVENT_ID] = {{"Last-Event-ID", 13}, .is_for_pages = true},
};

/* Browsers add it, and nobody reads it here. */
static const struct str passed_over[] = {{"cache-control", 13}};

struct str api_field_name(enum api_field field)
{
    return fields_known[field].name;
}

bool api_field_is_of_all(enum api_field field)
{
    return fields_known[field].is_of_all;
}

static bool is_named(const struct field *field, struct str name)
{
    if (!field->is_prefix) {
        return name.len == field->name.len && str_equal_ignoring_case(name, field->name);
    }
    return name.len > field->name.len &&
           str_equal_ignoring_case((struct str){name.data, field->name.len}, field->name);
}

enum api_field api_field_find(struct str name)
{
    enum api_field field = 0;
    while (field < API_FIELD_COUNT && !is_named(&fields_known[field], name)) {
        field++;
    }
    return field;
}

bool api_field_is_for_pages(struct str name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(passed_over); i++) {
        if (str_equal_ignoring_case(name, passed_over[i])) {
            return true;
        }
    }
    enum api_field field = api_field_find(name);
    return field != API_FIELD_COUNT && fields_known[field].is_for_pages &&
           http_token_is_valid(name);
}

/* --- reading --- */

/* What nobody declared is in no document either: the operation lacks it in api_routes.c. */
static const struct field *find_declared(const struct api_fields *fields, enum api_field field)
{
    ASSERT(api_field_is_of_all(field) || (fields->declared & API_FIELD_BIT(field)) != 0);
    return &fields_known[field];
}

const struct http_header *api_fields_next(const struct api_fields *fields, enum api_field field,
                                          size_t *at)
{
    const struct field *wanted = find_declared(fields, field);
    while (*at < fields->request->header_count) {
        const struct http_header *header = &fields->request->headers[(*at)++];
        if (is_named(wanted, header->name)) {
            return header;
        }
    }
    return NULL;
}

const struct http_header *api_fields_previous(const struct api_fields *fields, enum api_field field,
                                              size_t *at)
{
    const struct field *wanted = find_declared(fields, field);
    while (*at > 0) {
        const struct http_header *header = &fields->request->headers[--*at];
        if (is_named(wanted, header->name)) {
            return header;
        }
    }
    return NULL;
}

struct str api_fields_first(const struct api_fields *fields, enum api_field field)
{
    size_t at = 0;
    const struct http_header *header = api_fields_next(fields, field, &at);
    return header == NULL ? (struct str){0} : header->value;
}

struct str api_fields_only(const struct api_fields *fields, enum api_field field, size_t *out_count)
{
    const struct http_header *header;
    struct str value = {0};
    size_t at = 0;
    for (*out_count = 0; (header = api_fields_next(fields, field, &at)) != NULL; ++*out_count) {
        value = *out_count == 0 ? header->value : (struct str){0};
    }
    return value;
}
