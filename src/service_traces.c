/* Makes the exporter of spans out of what OpenTelemetry's variables say. */
#include "service_traces.h"

#include "infrastructure/span_exporter_otlp/span_exporter_otlp.h"
#include "service.h"
#include "usertrail_version.h"

#include <stdlib.h>
#include <string.h>

#define TRACES_PATH "/v1/traces"

enum { URL_BYTES = SETTINGS_TEXT_BYTES + sizeof TRACES_PATH };

static bool is_wanted(const struct settings *settings)
{
    return !settings->otel_sdk_disabled && settings->otel_traces_exporter == TRACES_EXPORTER_OTLP &&
           (settings->otel_endpoint[0] != '\0' || settings->otel_traces_endpoint[0] != '\0');
}

/* The first that is set. */
static const char *either(const char *of_traces, const char *of_all)
{
    return of_traces[0] != '\0' ? of_traces : of_all;
}

/* The address of traces is the whole one, the other is that of all signals. */
static void make_url(const struct settings *settings, char out_url[URL_BYTES])
{
    if (settings->otel_traces_endpoint[0] != '\0') {
        snprintf(out_url, URL_BYTES, "%s", settings->otel_traces_endpoint);
        return;
    }
    size_t len = strlen(settings->otel_endpoint);
    while (len > 0 && settings->otel_endpoint[len - 1] == '/') {
        len--;
    }
    snprintf(out_url, URL_BYTES, "%.*s%s", (int)len, settings->otel_endpoint, TRACES_PATH);
}

static struct span_exporter_otlp_config make_config(const struct settings *settings,
                                                    const char *url)
{
    const char *ca_file = either(settings->otel_traces_certificate, settings->otel_certificate);
    uint64_t compression = settings->otel_traces_compression != COMPRESSION_UNSET
                               ? settings->otel_traces_compression
                               : settings->otel_compression;
    uint64_t timeout_ms = settings->otel_traces_timeout_ms != 0 ? settings->otel_traces_timeout_ms
                                                                : settings->otel_timeout_ms;
    return (struct span_exporter_otlp_config){
        .url = url,
        .headers = either(settings->otel_traces_headers, settings->otel_headers),
        .ca_file = ca_file[0] == '\0' ? NULL : ca_file,
        .compresses = compression == COMPRESSION_GZIP,
        .timeout_ms = (unsigned)timeout_ms,
        .export_ms = (unsigned)settings->otel_export_timeout_ms,
        .schedule_ms = (unsigned)settings->otel_schedule_delay_ms,
        .queue_spans_max = settings->otel_queue_spans,
        .batch_spans_max = settings->otel_batch_spans < settings->otel_queue_spans
                               ? settings->otel_batch_spans
                               : settings->otel_queue_spans,
        .service_name = settings->otel_service_name,
        .resource_attributes = settings->otel_resource_attributes,
        .version = USERTRAIL_VERSION,
        .random = &random_system,
    };
}

static enum status read_sampler(const struct settings *settings, struct trace_sampler *out_sampler,
                                struct error *err)
{
    static const struct trace_sampler samplers[] = {
        [SAMPLER_PARENT_ALL] = {true, TRACE_ROOT_ALL, 1},
        [SAMPLER_PARENT_NONE] = {true, TRACE_ROOT_NONE, 0},
        [SAMPLER_PARENT_RATIO] = {true, TRACE_ROOT_RATIO, 0},
        [SAMPLER_ALL] = {false, TRACE_ROOT_ALL, 1},
        [SAMPLER_NONE] = {false, TRACE_ROOT_NONE, 0},
        [SAMPLER_RATIO] = {false, TRACE_ROOT_RATIO, 0},
    };
    const char *text = settings->otel_traces_sampler_arg;
    char *end = NULL;
    struct trace_sampler sampler = samplers[settings->otel_traces_sampler];
    double ratio = strtod(text, &end);
    if (end == text || *end != '\0' || !(ratio >= 0 && ratio <= 1)) {
        return error_set(err, STATUS_INVALID, 0,
                         "otel-traces-sampler-arg: \"%.40s\" is no share, 0.0 to 1.0", text);
    }
    sampler.ratio = ratio;
    *out_sampler = sampler;
    return STATUS_OK;
}

enum status service_check_traces(const struct settings *settings, struct error *err)
{
    char url[URL_BYTES];
    struct trace_sampler sampler;
    if (!is_wanted(settings)) {
        return STATUS_OK;
    }
    if (settings->otel_fault[0] != '\0') {
        return error_set(err, STATUS_INVALID, 0, "%s", settings->otel_fault);
    }
    make_url(settings, url);
    const struct span_exporter_otlp_config config = make_config(settings, url);
    enum status status = span_exporter_otlp_check(&config, err);
    return status == STATUS_OK ? read_sampler(settings, &sampler, err) : status;
}

/* Workers share a topic by a group where they share a store. */
static struct tracer make_tracer(const struct service *service, struct span_sink *sink)
{
    const struct settings *settings = &service->settings;
    struct tracer tracer = {
        .sink = sink,
        .clock = &clock_system,
        .random = &random_system,
        .event_log = str_from(settings_event_log_name(settings)),
        .store = str_from(settings_store_name(settings)),
    };
    if (settings->event_log == EVENT_LOG_KAFKA) {
        tracer.topic = str_from(settings->kafka_topic);
        tracer.group =
            settings->store == STORE_MONGODB ? str_from(settings->kafka_group) : (struct str){0};
    }
    return tracer;
}

enum status service_open_traces(struct service *service, struct error *err)
{
    char url[URL_BYTES];
    struct trace_sampler sampler;
    struct span_sink *sink = NULL;
    if (!is_wanted(&service->settings)) {
        return STATUS_OK;
    }
    make_url(&service->settings, url);
    struct span_exporter_otlp_config config = make_config(&service->settings, url);
    config.logger = &service->logger;
    enum status status = read_sampler(&service->settings, &sampler, err);
    status = status == STATUS_OK ? span_exporter_otlp_new(&config, &sink, err) : status;
    if (status == STATUS_OK) {
        service->traces.tracer = make_tracer(service, sink);
        service->traces.tracer.sampler = sampler;
        service->traces.sink = sink;
    }
    return status;
}

const struct tracer *service_tracer(const struct service *service)
{
    return service->traces.sink == NULL ? NULL : &service->traces.tracer;
}

void service_close_traces(struct service_traces *traces)
{
    span_sink_free(traces->sink);
    traces->sink = NULL;
}
