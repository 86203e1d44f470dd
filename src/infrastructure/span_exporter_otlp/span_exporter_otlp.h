#pragma once
/*
 * Sends spans to a collector over OTLP/HTTP in JSON, in batches and from a thread of its own, as
 * the batching processor of OpenTelemetry does
 * (https://opentelemetry.io/docs/specs/otel/trace/sdk/#batching-processor). A collector that is
 * away, slow or full costs spans, which are counted, and nothing else: no more of them wait than
 * may, and a stop waits for a moment only.
 *
 * Adding: any thread. All else: one.
 */
#include "application/span_sink.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/logger.h"
#include "base/metric_text.h"
#include "base/random.h"

enum { SPAN_EXPORTER_STOP_MS_MAX = 2000 }; /* for what waits when it is freed */

struct span_exporter_otlp_config {
    const char *url;     /* the whole address; copied, as all texts here */
    const char *headers; /* "key=value,…": secrets; "": none */
    const char *ca_file; /* NULL: whom the system trusts */
    bool compresses;
    unsigned timeout_ms;  /* of one POST */
    unsigned export_ms;   /* of one batch, with all attempts */
    unsigned schedule_ms; /* how long a span waits for others at most */
    size_t queue_spans_max;
    size_t batch_spans_max;          /* 1 to queue_spans_max */
    const char *service_name;        /* "": as the attributes say */
    const char *resource_attributes; /* "key=value,…"; "": none */
    const char *version;
    const struct random *random; /* borrowed, as the next one */
    const struct logger *logger;
};

/* Whether it could be made, without doing it. INVALID. */
MUST_USE enum status span_exporter_otlp_check(const struct span_exporter_otlp_config *config,
                                              struct error *err);

/* INVALID, as above; NO_MEMORY, UNAVAILABLE: no thread could be had. */
MUST_USE enum status span_exporter_otlp_new(const struct span_exporter_otlp_config *config,
                                            struct span_sink **out_sink, struct error *err);

/* What became of spans; NULL: there is no exporter, and nothing became of any. */
void span_exporter_otlp_tell_metrics(const struct span_sink *sink, struct metric_text *text);
