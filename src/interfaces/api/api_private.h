#pragma once
/*
 * What the files of this folder share: the API's state, its routes and its ways to answer. Loop
 * thread only, except where a function says otherwise.
 */
#include "interfaces/api/api.h"
#include "interfaces/api/api_fields.h"
#include "interfaces/api/api_problems.h"
#include "interfaces/api/api_request_name.h"

#include <stdatomic.h>

enum { API_ANSWER_BYTES_MAX = 64 * 1024 * 1024 };

struct api_loop {
    struct append_listener listener;       /* of api_record */
    struct append_listener lines_listener; /* of api_lines */
    struct api *api;
    struct activity_json_reader reader;
    struct api_access_counters access;
    struct api_request_names names;
    struct buffer answer; /* where this loop renders answers; used from begin to end of one call */
};

struct api {
    struct api_config config;
    struct http_server *server;
    atomic_bool draining;
    _Atomic uint64_t store_rests_until_ms; /* metrics do not ask it before */
    struct api_loop *loops;                /* config.loops of them */
};

/* Which request this is; lives on the stack while it is handled. */
struct api_call {
    struct api *api;
    struct http_exchange *exchange;
    const struct http_request *request;
    const struct api_operation *operation; /* never NULL in a handler */
    struct str rest; /* the raw path segment behind the route's prefix; {NULL, 0} without one */
    const struct api_caller *caller; /* never NULL in a handler */
};

/* The loop that handles it. */
static inline struct api_loop *api_call_loop(const struct api_call *call)
{
    return &call->api->loops[http_exchange_ticket(call->exchange).loop];
}

struct api_parameter_set;

typedef void api_call_function(const struct api_call *call);

/* What a route does for one method. Everything that differs by the method is here. */
struct api_operation {
    api_call_function *begin; /* the header is complete: says how the body is to come, or answers;
                                 NULL: any body is gathered */
    api_call_function *handle;
    /* What it understands in the query string; NULL: nothing. Who comes with readers is read by
     * its handler, every other query is checked before the handler is called. */
    const struct api_parameter_set *parameters;
    unsigned fields;     /* what it reads of the header, besides what is read for all: a set */
    unsigned needs;      /* the scopes that a key needs; 0: no key is enough */
    bool is_open;        /* nobody needs a key, and no limit counts it */
    bool limits_users;   /* it asks api_access what a key for some users may have */
    bool is_for_viewers; /* the link of a viewer is enough */
};

/* What the operation may read of the request of an exchange, for as long as that is open. NULL: no
 * operation was found, and only what is read for all may be. */
static inline struct api_fields api_operation_fields(const struct api_operation *operation,
                                                     const struct http_exchange *exchange)
{
    return (struct api_fields){.request = http_exchange_request(exchange),
                               .declared = operation == NULL ? 0 : operation->fields};
}

static inline struct api_fields api_call_fields(const struct api_call *call)
{
    return api_operation_fields(call->operation, call->exchange);
}

/* The value of the first field of its kind, {NULL, 0} when there is none. */
static inline struct str api_call_field(const struct api_call *call, enum api_field field)
{
    struct api_fields fields = api_call_fields(call);
    return api_fields_first(&fields, field);
}

struct api_route {
    struct str path;      /* exact, or the prefix of "/{id}" when has_id */
    bool has_id;          /* one more segment follows */
    struct str behind_id; /* with has_id, what follows that: "/resend"; {NULL, 0}: nothing */
    bool is_probe;        /* answered by every role */
    /* By method; NULL: not allowed. HEAD is answered as GET is, and OPTIONS by what is here. */
    const struct api_operation *operations[HTTP_METHOD_OTHER];
};

/* The route of a raw path, NULL when there is none; the id's raw segment goes to *out_rest. */
const struct api_route *api_route_find(struct str path, struct str *out_rest);

/* All routes in their order; NULL behind the last. */
const struct api_route *api_route_at(size_t index);

/* What it is called where its requests are counted: its place among all from 1 on, 0 for NULL. */
unsigned api_route_number(const struct api_route *route);

/* "/api/v1/activities/{id}": the template that its paths are of; static or in `room`. */
struct str api_route_name(unsigned number, char room[HTTP_ROUTE_BYTES]);

/* How many there are. */
unsigned api_route_count(void);

/* What it does for this method, NULL when it does nothing. */
const struct api_operation *api_route_operation(const struct api_route *route,
                                                enum http_method method);

enum { API_ALLOW_BYTES = 48 };

/* "GET, HEAD, POST, OPTIONS" as the route allows; NULL: what any route may. Returns `out_text`. */
const char *api_route_allow(const struct api_route *route, char out_text[API_ALLOW_BYTES]);

/* --- handlers, each answers its call --- */
void api_find_list(const struct api_call *call);
void api_find_one(const struct api_call *call);
void api_export(const struct api_call *call);
void api_stream(const struct api_call *call);
void api_stats(const struct api_call *call);
void api_user(const struct api_call *call);
void api_user_of_query(const struct api_call *call);
void api_timeline(const struct api_call *call);
void api_timeline_of_query(const struct api_call *call);
void api_user_export(const struct api_call *call);
void api_user_export_of_query(const struct api_call *call);
void api_checkpoint(const struct api_call *call);
void api_refused(const struct api_call *call);
void api_resend_begin(const struct api_call *call);
void api_resend_one(const struct api_call *call);
void api_resend_page(const struct api_call *call);
void api_accounting(const struct api_call *call);
void api_metrics(const struct api_call *call);
void api_erase_user(const struct api_call *call);
void api_erase_user_of_query(const struct api_call *call);
void api_openapi(const struct api_call *call);
void api_docs(const struct api_call *call);
void api_docs_file(const struct api_call *call);
void api_dashboard(const struct api_call *call);
void api_dashboard_file(const struct api_call *call);
void api_probe_live(const struct api_call *call);
void api_probe_ready(const struct api_call *call);
void api_probe_health(const struct api_call *call);

/* Results of appends, on the log's thread; part of api_record. */
void api_record_completed(struct append_listener *listener, const struct append_result *results,
                          size_t count);

/* --- answers --- */
/* 200 with a text of any kind; `link` is the Link header, {NULL, 0} for none. */
void api_answer_text(struct http_exchange *exchange, struct str content_type, struct str text,
                     struct str link);

/* 200/202 with a JSON document. */
void api_answer_json(struct http_exchange *exchange, int status, struct str json);

/* What a function says, told to the client by api_problem_of. */
void api_answer_problem(struct http_exchange *exchange, enum status status, const char *detail);

/* One problem of the table. */
void api_answer_problem_type(struct http_exchange *exchange, enum api_problem which,
                             const char *detail);

/* For activities that the log did not take: 503 with the time that the log knows of. */
struct http_problem api_problem_not_appended(const struct api *api, enum status status,
                                             const char *detail);

/* The same, answered. */
void api_answer_not_appended(const struct api *api, struct http_exchange *exchange,
                             enum status status, const char *detail);

/* What an activity is that was rejected: wrong, or not for this caller. */
enum api_problem api_access_problem_of(enum rejection_kind kind);

/* 400 that names a parameter of the query string. */
void api_answer_bad_parameter(struct http_exchange *exchange, const char *detail);

/* Refuses names that are not in the set (NULL: all names); true when the request was answered so.
 */
bool api_refuses_parameters(const struct api_call *call, const struct api_parameter_set *set);
