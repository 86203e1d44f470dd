#pragma once
/*
 * Traces of a service: whether there are any, where its spans go, and what they say of log and
 * store. Main's thread.
 */
#include "application/tracer.h"
#include "infrastructure/config/settings.h"

struct service;

struct service_traces {
    struct span_sink *sink; /* NULL: nobody collects spans */
    struct tracer tracer;
};

/* INVALID, where spans are wanted: an address, a list, a share or the value of a variable OTEL_*
 * that cannot be meant. */
MUST_USE enum status service_check_traces(const struct settings *settings, struct error *err);

/* From the settings, if they name a collector. INVALID, NO_MEMORY, UNAVAILABLE. */
MUST_USE enum status service_open_traces(struct service *service, struct error *err);

/* NULL: there are none. */
const struct tracer *service_tracer(const struct service *service);

/* Nobody may make spans any more. Takes one that was not opened, too. */
void service_close_traces(struct service_traces *traces);
