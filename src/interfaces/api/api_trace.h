#pragma once
/*
 * The trace that a request is part of: what its header says of it (traceparent, tracestate), the
 * spans of the request and of what it had appended, and what its activities carry on through the
 * log. Where nobody collects spans, a context that came is carried on as it is, if the log leads to
 * others at all; where it does not, nothing is looked at. Loop thread only.
 *
 *     caller ---> request ---> commit, or publish      one for each append
 *                                 ^
 *                                 '--- carried by the activities, for the worker's span to link to
 */
#include "application/tracer.h"
#include "domain/activity.h"
#include "interfaces/http/http_exchange.h"

struct api;
struct api_call;

/* When the header is known, with the request's name. */
void api_trace_begin(const struct api_call *call);

/* Activities are about to be handed to the log: gives them the context that they carry, which is
 * borrowed from the exchange and changes when the next append begins. */
void api_trace_begin_append(struct http_exchange *exchange, struct activity *activities,
                            size_t count);

/* The log has spoken, or did not take them: `at_ns` is when, by the monotonic clock. */
void api_trace_end_append(struct http_exchange *exchange, enum status status, struct str durability,
                          uint64_t at_ns);

/* The request is over; as in struct http_handler. */
void api_trace_end(const struct http_exchange *exchange, int status);

/* For lines of the log: the trace id in `text`; {NULL, 0}: there is none. */
struct str api_trace_id(const struct http_exchange *exchange, char text[2 * TRACE_ID_BYTES]);
