/* Guards that what waits to be exported is bounded in number and bytes, and that a lack of memory
 * costs a span and nothing else. */
#include "base/condition.h"
#include "base/failing_memory.h"
#include "infrastructure/span_exporter_otlp/span_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { TEXT_BYTES_MAX = 32 << 20 };

static struct trace_context links[SPAN_LINKS_MAX];
static char long_state[TRACE_STATE_BYTES_MAX];

static struct span small_span(void)
{
    struct span span = {.kind = SPAN_INTERNAL, .name = STR("x"), .context.flags = 1};
    span.context.span_id[0] = 1;
    return span;
}

/* As large as spans get. */
static struct span large_span(void)
{
    struct span span = small_span();
    memset(long_state, 'a', sizeof long_state);
    for (size_t i = 0; i < SPAN_LINKS_MAX; i++) {
        links[i].state = (struct str){long_state, sizeof long_state};
    }
    span.links = links;
    span.link_count = SPAN_LINKS_MAX;
    return span;
}

static void spans_come_out_in_their_order(void **state)
{
    (void)state;
    struct span_queue queue;
    struct buffer json;
    struct span span = small_span();
    span_queue_init(&queue, 3, 2);
    buffer_init(&json, TEXT_BYTES_MAX);
    for (size_t i = 0; i < 3; i++) {
        span.begun_ns = i;
        assert_int_equal(span_queue_add(&queue, &span), STATUS_OK);
    }
    assert_int_equal(span_queue_add(&queue, &span), STATUS_BUSY);
    assert_int_equal(span_queue_take(&queue, 2, TEXT_BYTES_MAX, &json), 2);
    assert_int_equal(span_queue_add(&queue, &span), STATUS_OK);
    assert_int_equal(span_queue_take(&queue, 9, TEXT_BYTES_MAX, &json), 2);
    assert_int_equal(span_queue_take(&queue, 9, TEXT_BYTES_MAX, &json), 0);
    buffer_append_char(&json, '\0');
    const char *first = strstr(json.data, "\"startTimeUnixNano\":\"0\"");
    assert_non_null(first);
    assert_non_null(strstr(first, "\"startTimeUnixNano\":\"1\""));
    buffer_deinit(&json);
    span_queue_deinit(&queue);
}

static void bytes_have_a_bound(void **state)
{
    (void)state;
    struct span_queue queue;
    struct buffer json;
    struct span span = large_span();
    size_t added = 0;
    span_queue_init(&queue, 100000, 100000);
    buffer_init(&json, TEXT_BYTES_MAX);
    while (span_queue_add(&queue, &span) == STATUS_OK) {
        added++;
    }
    assert_in_range(added, 16, 1000);
    assert_in_range(queue.bytes, SPAN_QUEUE_BYTES_MAX / 2, SPAN_QUEUE_BYTES_MAX);
    size_t taken = span_queue_take(&queue, 100000, 1 << 20, &json);
    assert_in_range(taken, 1, added - 1); /* and the rest stays */
    assert_in_range(json.len, 1 << 20, (1 << 20) + SPAN_TEXT_BYTES_MAX);
    buffer_deinit(&json);
    span_queue_deinit(&queue);
}

static void a_lack_of_memory_costs_one_span(void **state)
{
    (void)state;
    struct span_queue queue;
    struct span spans[2] = {small_span(), large_span()};
    span_queue_init(&queue, 10, 10);
    for (size_t i = 0; i < 2; i++) {
        size_t failed = 0;
        enum status status;
        do {
            failing_memory_arm(failed);
            status = span_queue_add(&queue, &spans[i]);
            failing_memory_disarm();
            assert_true(status == STATUS_OK || status == STATUS_NO_MEMORY);
            failed += status == STATUS_NO_MEMORY;
        } while (status != STATUS_OK);
        assert_true(failed > 0);
    }
    assert_int_equal(atomic_load(&queue.count), 2);
    span_queue_deinit(&queue);
}

static void a_stop_ends_waiting_and_adding(void **state)
{
    (void)state;
    struct span_queue queue;
    struct span span = small_span();
    struct timespec past = condition_deadline(0);
    struct timespec far = condition_deadline(600000);
    span_queue_init(&queue, 10, 1);
    assert_true(span_queue_await(&queue, &past));
    assert_int_equal(span_queue_add(&queue, &span), STATUS_OK);
    assert_true(span_queue_await(&queue, &far)); /* enough wait */
    assert_true(span_queue_pause(&queue, &past));
    span_queue_stop(&queue);
    assert_false(span_queue_pause(&queue, &far));
    assert_false(span_queue_await(&queue, &far));
    assert_int_equal(span_queue_add(&queue, &span), STATUS_UNAVAILABLE);
    span_queue_deinit(&queue);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_come_out_in_their_order),
        cmocka_unit_test(bytes_have_a_bound),
        cmocka_unit_test(a_lack_of_memory_costs_one_span),
        cmocka_unit_test(a_stop_ends_waiting_and_adding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
