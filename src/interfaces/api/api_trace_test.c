/* Guards the spans of requests where the way is not straight: a log that does not take what it is
 * given, a client that leaves before its answer, no memory; and what is carried on where nobody
 * collects spans. */
#include "base/failing_memory.h"
#include "interfaces/api/api_answered.h"
#include "interfaces/api/api_bed.h"
#include "interfaces/api/api_private.h"
#include "interfaces/api/api_trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

#define PARENT "00-12345678901234567890123456789012-1234567890123456-01"

enum { SPANS_MAX = 8 };

/* Spans in the order of their ends; their texts are copied as far as tests look at them. */
static struct kept {
    struct span span;
    char name[64];
    char error_type[32];
    bool has_durability;
    int64_t status; /* of the answer; -1: none is told */
} kept[SPANS_MAX];
static size_t kept_count;

static void keep(struct span_sink *sink, const struct span *span)
{
    (void)sink;
    assert_true(kept_count < SPANS_MAX);
    struct kept *one = &kept[kept_count++];
    *one = (struct kept){.span = *span, .status = -1};
    memcpy(one->name, span->name.data, span->name.len);
    for (size_t i = 0; i < span->attribute_count; i++) {
        const struct span_attribute *attribute = &span->attributes[i];
        if (str_equal(attribute->key, STR("error.type"))) {
            memcpy(one->error_type, attribute->text.data, attribute->text.len);
        } else if (str_equal(attribute->key, STR("http.response.status_code"))) {
            one->status = attribute->number;
        }
        one->has_durability =
            one->has_durability || str_equal(attribute->key, STR("usertrail.durability"));
    }
}

static void leave(struct span_sink *sink)
{
    (void)sink;
}

static const struct span_sink_operations keeping = {.add = keep, .free = leave};
static struct span_sink sink = {&keeping};
static const struct tracer tracer = {.sink = &sink,
                                     .clock = &clock_system,
                                     .random = &random_system,
                                     .sampler = {true, TRACE_ROOT_ALL, 1},
                                     .event_log = {"double", 6},
                                     .store = {"double", 6}};

static int set_up(void **state)
{
    int failed = bed_setup(state);
    struct api_bed *bed = *state;
    bed->api->config.tracer = &tracer;
    kept_count = 0;
    return failed;
}

static void post(struct api_bed *bed)
{
    bed_request(bed, HTTP_METHOD_POST, "/logs");
    bed_add_header(bed, STR("traceparent"), PARENT);
    bed_set_body(bed, BED_ONE);
    bed_run(bed);
}

static void expect_in_trace(const struct kept *one, const char *name, const uint8_t *parent)
{
    assert_string_equal(one->name, name);
    assert_int_equal(one->span.context.trace_id[0], 0x12);
    assert_memory_equal(one->span.parent_id, parent, SPAN_ID_BYTES);
    assert_true(one->span.begun_ns <= one->span.ended_ns);
}

static const uint8_t caller[SPAN_ID_BYTES] = {0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34, 0x56};

/* The log still works for it, and nobody says any more what became of that. */
static void a_client_that_leaves_ends_both_spans(void **state)
{
    struct api_bed *bed = *state;
    post(bed);
    assert_int_equal(kept_count, 0);
    api_answered(bed->api, &bed->exchange, 0);
    assert_int_equal(kept_count, 2);
    expect_in_trace(&kept[0], "commit", kept[1].span.context.span_id);
    assert_false(kept[0].span.failed);
    assert_false(kept[0].has_durability);
    expect_in_trace(&kept[1], "POST /logs", caller);
    assert_int_equal(kept[1].status, -1);
    bed_complete(bed, STATUS_OK, 1, false);
    assert_int_equal(kept_count, 2);
}

static void what_the_log_does_not_take_has_failed(void **state)
{
    struct api_bed *bed = *state;
    bed->append_answer = STATUS_BUSY;
    post(bed);
    api_answered(bed->api, &bed->exchange, bed->exchange.status);
    assert_int_equal(kept_count, 2);
    expect_in_trace(&kept[0], "commit", kept[1].span.context.span_id);
    assert_true(kept[0].span.failed);
    assert_string_equal(kept[0].error_type, "busy");
    assert_true(kept[1].span.failed);
    assert_string_equal(kept[1].error_type, "503");
    bed->append_answer = STATUS_OK;
}

static void what_does_not_become_durable_has_failed(void **state)
{
    struct api_bed *bed = *state;
    post(bed);
    bed_complete(bed, STATUS_UNAVAILABLE, 1, true);
    assert_int_equal(kept_count, 1);
    assert_true(kept[0].span.failed);
    assert_string_equal(kept[0].error_type, "unavailable");
}

static void what_became_durable_says_how(void **state)
{
    struct api_bed *bed = *state;
    struct trace_context carried;
    post(bed);
    assert_true(trace_context_unpack(bed->appended[0].trace, &carried));
    bed_complete(bed, STATUS_OK, 1, true);
    assert_int_equal(kept_count, 1);
    assert_true(kept[0].has_durability);
    assert_memory_equal(carried.span_id, kept[0].span.context.span_id, SPAN_ID_BYTES);
}

/* It has the span of its request and no other. */
static void what_is_only_tried_appends_nothing(void **state)
{
    struct api_bed *bed = *state;
    bed_request(bed, HTTP_METHOD_POST, "/logs?dry_run=1");
    bed_add_header(bed, STR("traceparent"), PARENT);
    bed_set_body(bed, BED_ONE);
    bed_run(bed);
    api_answered(bed->api, &bed->exchange, bed->exchange.status);
    assert_int_equal(kept_count, 1);
    expect_in_trace(&kept[0], "POST /logs", caller);
}

/* As it came, and only where it leads to others. */
static void a_context_is_carried_without_a_collector(void **state)
{
    struct api_bed *bed = *state;
    struct trace_context carried;
    bed->api->config.tracer = NULL;
    post(bed);
    assert_int_equal(bed->appended[0].trace.len, 0);
    bed_complete(bed, STATUS_OK, 1, true);
    bed->api->config.carries_traces = true;
    post(bed);
    assert_true(trace_context_unpack(bed->appended[0].trace, &carried));
    assert_memory_equal(carried.span_id, caller, SPAN_ID_BYTES);
    bed_complete(bed, STATUS_OK, 1, true);
    bed_post(bed, "/logs", BED_ONE); /* which is part of none */
    assert_int_equal(bed->appended[0].trace.len, 0);
    bed_complete(bed, STATUS_OK, 1, true);
    assert_int_equal(kept_count, 0);
}

/* Whichever allocation fails: the request is taken, or answered 503. */
static void a_lack_of_memory_costs_the_trace_at_most(void **state)
{
    struct api_bed *bed = *state;
    unsigned long works = 0;
    bool failed;
    do {
        kept_count = 0;
        failing_memory_arm(works++);
        post(bed);
        failed = failing_memory_disarm();
        assert_true(bed->exchange.answers == 0 || bed->exchange.status == 503);
        if (bed->exchange.answers == 0) {
            bed_complete(bed, STATUS_OK, 1, true);
        }
        assert_true(kept_count <= 1);
    } while (failed);
    assert_int_equal(bed->exchange.status, 202);
    assert_int_equal(kept_count, 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_client_that_leaves_ends_both_spans, set_up, bed_teardown),
        cmocka_unit_test_setup_teardown(what_the_log_does_not_take_has_failed, set_up,
                                        bed_teardown),
        cmocka_unit_test_setup_teardown(what_does_not_become_durable_has_failed, set_up,
                                        bed_teardown),
        cmocka_unit_test_setup_teardown(what_became_durable_says_how, set_up, bed_teardown),
        cmocka_unit_test_setup_teardown(what_is_only_tried_appends_nothing, set_up, bed_teardown),
        cmocka_unit_test_setup_teardown(a_context_is_carried_without_a_collector, set_up,
                                        bed_teardown),
        cmocka_unit_test_setup_teardown(a_lack_of_memory_costs_the_trace_at_most, set_up,
                                        bed_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
