/* Guards that a lack of memory makes no exporter or costs spans, which are counted, and nothing
 * else. */
#include "base/failing_memory.h"
#include "base/macros.h"
#include "infrastructure/span_exporter_otlp/otlp_sender.h"
#include "infrastructure/span_exporter_otlp/span_exporter_otlp.h"
#include "support/quiet_logger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TEXT_BYTES_MAX = 1 << 20, NEVER_MS = 3600 * 1000 };

/* Nobody listens there, and nothing is sent before the stop. */
static const struct span_exporter_otlp_config config = {
    .url = "http://127.0.0.1:9/v1/traces",
    .headers = "a=b",
    .compresses = true,
    .timeout_ms = 1,
    .export_ms = 1,
    .schedule_ms = NEVER_MS,
    .queue_spans_max = 100,
    .batch_spans_max = 100,
    .service_name = "shop",
    .resource_attributes = "zone=a",
    .version = "1",
    .random = &random_system,
};

static struct span_sink *make(void)
{
    struct span_exporter_otlp_config wanted = config;
    struct span_sink *sink = NULL;
    struct error err;
    wanted.logger = quiet_logger();
    enum status status = span_exporter_otlp_new(&wanted, &sink, &err);
    assert_true(status == STATUS_OK ? sink != NULL : sink == NULL);
    assert_true(status == STATUS_OK || (status == STATUS_NO_MEMORY && err.status == status));
    return sink;
}

static bool tells(const struct span_sink *sink, const char *line)
{
    struct buffer text;
    struct metric_text metrics = {.buffer = &text};
    failing_memory_spare_this_thread(true);
    buffer_init(&text, TEXT_BYTES_MAX);
    span_exporter_otlp_tell_metrics(sink, &metrics);
    buffer_append_char(&text, '\0');
    assert_int_equal(text.failed, STATUS_OK);
    bool found = strstr(text.data, line) != NULL;
    buffer_deinit(&text);
    failing_memory_spare_this_thread(false);
    return found;
}

static void add(struct span_sink *sink)
{
    struct span span = {.kind = SPAN_INTERNAL, .name = STR("x"), .context.flags = 1};
    span.context.trace_id[0] = 1;
    span.context.span_id[0] = 1;
    span_sink_add(sink, &span);
}

/* Whichever allocation fails, none is made and nothing is left behind. */
static void it_is_made_or_not(void **state)
{
    (void)state;
    unsigned long works = 0;
    bool failed;
    do {
        failing_memory_arm(works++);
        struct span_sink *sink = make();
        failed = failing_memory_disarm();
        assert_true(failed == (sink == NULL));
        if (sink != NULL) {
            span_sink_free(sink);
        }
    } while (failed);
    assert_true(works > 3);
}

static void a_span_without_memory_is_counted(void **state)
{
    (void)state;
    struct span_sink *sink = make();
    assert_non_null(sink);
    failing_memory_arm(0);
    add(sink);
    assert_true(failing_memory_disarm());
    add(sink);
    assert_true(tells(sink, "usertrail_trace_spans_total{outcome=\"no_memory\"} 1\n"));
    assert_true(tells(sink, "usertrail_trace_spans_waiting 1\n"));
    span_sink_free(sink);
}

/* The body, or what it is packed into: the sender says so, and the next one may be sent. */
static void a_sender_without_memory_says_so(void **state)
{
    (void)state;
    struct otlp_sender *sender = NULL;
    struct otlp_answer answer;
    struct error err;
    const struct otlp_sender_config wanted = {
        .url = config.url, .headers = "", .compresses = true, .timeout_ms = 1000};
    assert_int_equal(otlp_sender_new(&wanted, &sender, &err), STATUS_OK);
    failing_memory_arm(0);
    otlp_sender_post(sender, STR("{}"), UINT64_MAX, &answer);
    assert_true(failing_memory_disarm());
    assert_int_equal(answer.outcome, OTLP_REJECTED);
    assert_int_equal(answer.why.status, STATUS_NO_MEMORY);
    otlp_sender_post(sender, STR("{}"), UINT64_MAX, &answer);
    assert_int_equal(answer.outcome, OTLP_LATER); /* nobody listens */
    otlp_sender_free(sender);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_made_or_not),
        cmocka_unit_test(a_span_without_memory_is_counted),
        cmocka_unit_test(a_sender_without_memory_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
