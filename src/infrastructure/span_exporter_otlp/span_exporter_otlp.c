#include "infrastructure/span_exporter_otlp/span_exporter_otlp.h"

#include "base/assert.h"
#include "base/backoff.h"
#include "base/condition.h"
#include "base/thread.h"
#include "base/uuid.h"
#include "infrastructure/span_exporter_otlp/otlp_json.h"
#include "infrastructure/span_exporter_otlp/otlp_list.h"
#include "infrastructure/span_exporter_otlp/otlp_sender.h"
#include "infrastructure/span_exporter_otlp/span_queue.h"

#include <stdlib.h>
#include <string.h>

enum {
    BODY_BYTES = 4 << 20, /* a batch takes no further span beyond this */
    BODY_BYTES_MAX = BODY_BYTES + 2 * SPAN_TEXT_BYTES_MAX,
    RETRY_MS_MIN = 500,
    RETRY_MS_MAX = 5000
};

/* What became of spans, as metrics name it. */
enum outcome {
    OUTCOME_EXPORTED,
    OUTCOME_QUEUE_FULL,
    OUTCOME_NO_MEMORY,
    OUTCOME_REJECTED, /* by the collector */
    OUTCOME_GIVEN_UP, /* it could not be reached for so long, or until the stop */
    OUTCOME_COUNT
};

struct span_exporter {
    struct span_sink sink;
    unsigned export_ms;
    unsigned schedule_ms;
    size_t batch_spans_max;
    const struct random *random;
    const struct logger *logger;
    struct otlp_sender *sender;
    struct span_queue queue;
    struct buffer head; /* of every body */
    struct buffer body;
    pthread_t thread;
    bool runs;
    bool failing;               /* as the lines of the log told last; the thread's */
    _Atomic uint64_t end_at_ns; /* of the monotonic clock; UINT64_MAX: not stopped */
    _Atomic uint64_t outcomes[OUTCOME_COUNT];
    _Atomic uint64_t failures; /* POSTs that were not taken */
};

static struct span_exporter *exporter_of(struct span_sink *sink)
{
    return CONTAINER_OF(sink, struct span_exporter, sink);
}

static uint64_t now_ns(void)
{
    return clock_monotonic_ns(&clock_system);
}

static void count(struct span_exporter *exporter, enum outcome outcome, uint64_t spans)
{
    atomic_fetch_add_explicit(&exporter->outcomes[outcome], spans, memory_order_relaxed);
}

/* The thread ------------------------------------------------------------------------------- */

static void tell_failure(struct span_exporter *exporter, const struct error *why)
{
    atomic_fetch_add_explicit(&exporter->failures, 1, memory_order_relaxed);
    if (!exporter->failing) {
        log_error(exporter->logger, "spans cannot be exported; what does not wait is dropped", why);
    }
    exporter->failing = true;
}

static void tell_success(struct span_exporter *exporter)
{
    if (exporter->failing) {
        log_write(exporter->logger, LOG_INFO, "spans are exported again", LOG_NO_FIELDS);
    }
    exporter->failing = false;
}

/* Whether there is time for another attempt behind the pause, which is over when this returns. */
static bool pause_before_retry(struct span_exporter *exporter, unsigned failures,
                               const struct otlp_answer *answer, uint64_t deadline_ns)
{
    uint64_t pause_ms = backoff_ms(exporter->random, RETRY_MS_MIN, RETRY_MS_MAX, failures);
    pause_ms = pause_ms > answer->retry_after_ms ? pause_ms : answer->retry_after_ms;
    if (now_ns() + pause_ms * NANOSECONDS_PER_MILLISECOND >= deadline_ns) {
        return false;
    }
    struct timespec until = condition_deadline(pause_ms);
    return span_queue_pause(&exporter->queue, &until);
}

static uint64_t deadline_of(const struct span_exporter *exporter)
{
    uint64_t own_ns = now_ns() + exporter->export_ms * (uint64_t)NANOSECONDS_PER_MILLISECOND;
    uint64_t end_ns = atomic_load(&exporter->end_at_ns);
    return own_ns < end_ns ? own_ns : end_ns;
}

/* Until it is taken, or never will be, or it took too long. */
static void export_body(struct span_exporter *exporter, size_t spans)
{
    struct otlp_answer answer;
    uint64_t deadline_ns = deadline_of(exporter);
    unsigned failures = 0;
    bool again = now_ns() < deadline_ns;
    answer.outcome = OTLP_LATER;
    while (again) {
        otlp_sender_post(exporter->sender, buffer_str(&exporter->body), deadline_ns, &answer);
        if (answer.outcome != OTLP_TAKEN) {
            tell_failure(exporter, &answer.why);
        }
        again = answer.outcome == OTLP_LATER &&
                pause_before_retry(exporter, failures++, &answer, deadline_ns);
    }
    if (answer.outcome != OTLP_TAKEN) {
        count(exporter, answer.outcome == OTLP_LATER ? OUTCOME_GIVEN_UP : OUTCOME_REJECTED, spans);
        return;
    }
    uint64_t rejected = answer.rejected < spans ? answer.rejected : spans;
    count(exporter, OUTCOME_REJECTED, rejected);
    count(exporter, OUTCOME_EXPORTED, spans - rejected);
    tell_success(exporter);
}

/* False: nothing waited. */
static bool export_batch(struct span_exporter *exporter)
{
    struct buffer *body = &exporter->body;
    buffer_clear(body);
    buffer_append_str(body, buffer_str(&exporter->head));
    size_t spans = span_queue_take(&exporter->queue, exporter->batch_spans_max, BODY_BYTES, body);
    otlp_json_end(body);
    if (spans == 0) {
        return false;
    }
    if (body->failed != STATUS_OK) {
        count(exporter, OUTCOME_NO_MEMORY, spans);
    } else {
        export_body(exporter, spans);
    }
    return true;
}

static void *run(void *context)
{
    struct span_exporter *exporter = context;
    bool goes_on = true;
    pthread_setname_np(pthread_self(), "span-exporter");
    while (goes_on) {
        struct timespec until = condition_deadline(exporter->schedule_ms);
        goes_on = span_queue_await(&exporter->queue, &until);
        while (export_batch(exporter) && !goes_on) {
        }
    }
    return NULL;
}

static enum status start(struct span_exporter *exporter, struct error *err)
{
    int failed = thread_start(&exporter->thread, run, exporter);
    exporter->runs = failed == 0;
    return failed == 0 ? STATUS_OK
                       : error_set_system(err, failed,
                                          "the thread that exports spans cannot be "
                                          "made");
}

/* The port --------------------------------------------------------------------------------- */

static void exporter_add(struct span_sink *sink, const struct span *span)
{
    struct span_exporter *exporter = exporter_of(sink);
    enum status status = span_queue_add(&exporter->queue, span);
    if (status != STATUS_OK) {
        count(exporter,
              status == STATUS_BUSY          ? OUTCOME_QUEUE_FULL
              : status == STATUS_UNAVAILABLE ? OUTCOME_GIVEN_UP
                                             : OUTCOME_NO_MEMORY,
              1);
    }
}

static void exporter_free(struct span_sink *sink)
{
    struct span_exporter *exporter = exporter_of(sink);
    if (exporter->runs) {
        uint64_t end_ns =
            now_ns() + SPAN_EXPORTER_STOP_MS_MAX * (uint64_t)NANOSECONDS_PER_MILLISECOND;
        atomic_store(&exporter->end_at_ns, end_ns);
        otlp_sender_end_at(exporter->sender, end_ns);
        span_queue_stop(&exporter->queue);
        pthread_join(exporter->thread, NULL);
    }
    span_queue_deinit(&exporter->queue);
    otlp_sender_free(exporter->sender);
    buffer_deinit(&exporter->head);
    buffer_deinit(&exporter->body);
    free(exporter);
}

static const struct span_sink_operations exporter_operations = {
    .add = exporter_add,
    .free = exporter_free,
};

/* Making ----------------------------------------------------------------------------------- */

enum status span_exporter_otlp_check(const struct span_exporter_otlp_config *config,
                                     struct error *err)
{
    enum status status = otlp_sender_check(config->url, config->ca_file, err);
    status = status == STATUS_OK ? otlp_list_check_fields("the headers for the collector of spans",
                                                          str_from(config->headers), err)
                                 : status;
    return status == STATUS_OK ? otlp_list_check("the resource attributes of spans",
                                                 str_from(config->resource_attributes), err)
                               : status;
}

/* Every process is an instance of its own. */
static enum status make_head(struct span_exporter *exporter,
                             const struct span_exporter_otlp_config *config, struct error *err)
{
    char instance[UUID_TEXT_BYTES];
    uuid_format(uuid_make_random(config->random), instance);
    otlp_json_begin(&exporter->head, &(struct otlp_resource){
                                         .service_name = str_from(config->service_name),
                                         .attributes = str_from(config->resource_attributes),
                                         .instance = {instance, sizeof instance},
                                         .version = str_from(config->version),
                                     });
    return exporter->head.failed == STATUS_OK
               ? STATUS_OK
               : error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to export spans");
}

static enum status make_sender(struct span_exporter *exporter,
                               const struct span_exporter_otlp_config *config, struct error *err)
{
    return otlp_sender_new(&(struct otlp_sender_config){.url = config->url,
                                                        .headers = config->headers,
                                                        .ca_file = config->ca_file,
                                                        .compresses = config->compresses,
                                                        .timeout_ms = config->timeout_ms},
                           &exporter->sender, err);
}

enum status span_exporter_otlp_new(const struct span_exporter_otlp_config *config,
                                   struct span_sink **out_sink, struct error *err)
{
    enum status status = span_exporter_otlp_check(config, err);
    struct span_exporter *exporter = status == STATUS_OK ? calloc(1, sizeof *exporter) : NULL;
    if (status != STATUS_OK) {
        return status;
    }
    if (exporter == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to export spans");
    }
    ASSERT(config->batch_spans_max >= 1 && config->batch_spans_max <= config->queue_spans_max);
    exporter->sink.operations = &exporter_operations;
    exporter->export_ms = config->export_ms;
    exporter->schedule_ms = config->schedule_ms;
    exporter->batch_spans_max = config->batch_spans_max;
    exporter->random = config->random;
    exporter->logger = config->logger;
    atomic_init(&exporter->end_at_ns, UINT64_MAX);
    buffer_init(&exporter->head, BODY_BYTES);
    buffer_init(&exporter->body, BODY_BYTES_MAX);
    span_queue_init(&exporter->queue, config->queue_spans_max, config->batch_spans_max);
    status = make_head(exporter, config, err);
    status = status == STATUS_OK ? make_sender(exporter, config, err) : status;
    status = status == STATUS_OK ? start(exporter, err) : status;
    if (status != STATUS_OK) {
        exporter_free(&exporter->sink);
        return status;
    }
    *out_sink = &exporter->sink;
    return STATUS_OK;
}

/* Metrics ---------------------------------------------------------------------------------- */

void span_exporter_otlp_tell_metrics(const struct span_sink *sink, struct metric_text *text)
{
    static const struct metric spans = {"usertrail_trace_spans_total", METRIC_COUNTER,
                                        "Spans of traces, by what became of them."};
    static const struct metric failures = {"usertrail_trace_export_failures_total", METRIC_COUNTER,
                                           "Attempts to export spans that were not taken."};
    static const struct metric waiting = {"usertrail_trace_spans_waiting", METRIC_GAUGE,
                                          "Spans that wait to be exported."};
    static const char *const names[OUTCOME_COUNT] = {
        [OUTCOME_EXPORTED] = "exported",   [OUTCOME_QUEUE_FULL] = "queue_full",
        [OUTCOME_NO_MEMORY] = "no_memory", [OUTCOME_REJECTED] = "rejected",
        [OUTCOME_GIVEN_UP] = "given_up",
    };
    const struct span_exporter *exporter =
        sink == NULL ? NULL : CONTAINER_OF(sink, const struct span_exporter, sink);
    metric_begin(text, &spans);
    for (size_t i = 0; i < OUTCOME_COUNT; i++) {
        metric_add(text, METRIC_LABELS({"outcome", str_from(names[i])}),
                   exporter == NULL ? 0 : atomic_load(&exporter->outcomes[i]));
    }
    metric_tell(text, &failures, exporter == NULL ? 0 : atomic_load(&exporter->failures));
    metric_tell(text, &waiting, exporter == NULL ? 0 : atomic_load(&exporter->queue.count));
}
