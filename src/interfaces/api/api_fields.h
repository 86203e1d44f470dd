#pragma once
/*
 * The fields of a request's header that mean something here. What an operation reads it declares
 * (api_private.h), and the document at /openapi.json is held to that; so no file of this folder
 * looks into a header but through here, where a field that was not declared is not given out. Any
 * thread.
 */
#include "interfaces/http/http_message.h"

enum api_field {
    /* Of who asks, of the page that does, what the request is called and which trace it is a part
       of: they are read for every operation. */
    API_FIELD_ACCESS_CONTROL_REQUEST_HEADERS,
    API_FIELD_ACCESS_CONTROL_REQUEST_METHOD,
    API_FIELD_AUTHORIZATION,
    API_FIELD_HOST,
    API_FIELD_ORIGIN,
    API_FIELD_TRACEPARENT,
    API_FIELD_TRACESTATE,
    API_FIELD_X_FORWARDED_FOR,
    API_FIELD_X_REQUEST_ID,
    /* Of an operation. */
    API_FIELD_ACCEPT,
    API_FIELD_ACCEPT_ENCODING,
    API_FIELD_CE, /* all that begin so: attributes of a CloudEvent */
    API_FIELD_CONTENT_ENCODING,
    API_FIELD_CONTENT_TYPE,
    API_FIELD_IDEMPOTENCY_KEY,
    API_FIELD_IF_NONE_MATCH,
    API_FIELD_LAST_EVENT_ID,
    API_FIELD_COUNT
};

/* For sets of fields. */
#define API_FIELD_BIT(field) (1U << (unsigned)(field))

/* What may be read of a request. */
struct api_fields {
    const struct http_request *request;
    unsigned declared; /* the set of those of its operation; 0 where there is none (yet) */
};

/* As it is written, "Idempotency-Key"; that of API_FIELD_CE is "ce-". Static. */
struct str api_field_name(enum api_field field);

/* Whether it is read whatever the operation. */
bool api_field_is_of_all(enum api_field field);

/* By its name, in whatever case; API_FIELD_COUNT: nobody reads it. */
enum api_field api_field_find(struct str name);

/* Whether a page of another origin may send a field of this name: it is one of those above that
 * browsers ask about, or one that nobody minds. */
bool api_field_is_for_pages(struct str name);

/* Every function below asserts that the operation declares the field. */

/* The value of the first, {NULL, 0} when there is none. */
struct str api_fields_first(const struct api_fields *fields, enum api_field field);

/* The value where the request has it once, otherwise {NULL, 0}; *out_count: how many it has. */
struct str api_fields_only(const struct api_fields *fields, enum api_field field,
                           size_t *out_count);

/* The next one from *at on, which begins with 0 and goes on behind it; NULL behind the last. */
const struct http_header *api_fields_next(const struct api_fields *fields, enum api_field field,
                                          size_t *at);

/* The same towards the first; *at begins with request->header_count. */
const struct http_header *api_fields_previous(const struct api_fields *fields, enum api_field field,
                                              size_t *at);
