/* Guards which batches of the worker have a span, and where its links lead. */
#include "application/store_trace.h"
#include "base/macros.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ROWS_MAX = 400 };

static struct random_seeded seeded;
static struct random generator;

/* Keeps what it was told last. */
static struct kept_span {
    size_t count;
    struct span span;
    struct trace_context links[SPAN_LINKS_MAX];
} kept;

static void keep(struct span_sink *sink, const struct span *span)
{
    (void)sink;
    kept.count++;
    kept.span = *span;
    memcpy(kept.links, span->links, span->link_count * sizeof *span->links);
}

static void leave(struct span_sink *sink)
{
    (void)sink;
}

static const struct span_sink_operations keeping = {.add = keep, .free = leave};
static struct span_sink sink = {&keeping};

/* Rows whose contexts are numbered; a row of number 0 has none. */
struct rows {
    struct logged_activity rows[ROWS_MAX];
    char packed[ROWS_MAX][TRACE_PACKED_BYTES_MIN];
    struct activity_batch batch;
};

static void add_row(struct rows *rows, uint16_t number, uint8_t flags)
{
    struct trace_context context = {.flags = flags};
    char packed[TRACE_PACKED_BYTES_MAX];
    size_t at = rows->batch.count++;
    memset(context.trace_id, 0x11, sizeof context.trace_id);
    memset(context.span_id, 0x22, sizeof context.span_id);
    memcpy(context.span_id + 4, &number, sizeof number); /* the first four bytes are the same */
    rows->rows[at] = (struct logged_activity){.position.offset = (int64_t)at};
    if (number > 0) {
        size_t len = trace_context_pack(&context, packed);
        memcpy(rows->packed[at], packed, len);
        rows->rows[at].activity.trace = (struct str){rows->packed[at], len};
    }
    rows->batch.rows = rows->rows;
}

static void store(struct rows *rows, struct trace_sampler sampler)
{
    static struct store_trace trace;
    generator = random_from_seed(&seeded, 7);
    const struct tracer tracer = {.sink = &sink,
                                  .clock = &clock_system,
                                  .random = &generator,
                                  .sampler = sampler,
                                  .store = STR("local")};
    kept = (struct kept_span){.count = 0};
    store_trace_init(&trace, &tracer);
    store_trace_begin(&trace, &rows->batch);
    store_trace_fail(&trace);
    store_trace_end(&trace, &rows->batch, 3);
    store_trace_end(&trace, &rows->batch, 3);
}

static const struct trace_sampler all = {true, TRACE_ROOT_ALL, 0};
static const struct trace_sampler none = {true, TRACE_ROOT_NONE, 0};
static const uint8_t nobody[SPAN_ID_BYTES];

/* The activities of one array have one context. */
static void a_sole_cause_is_the_parent(void **state)
{
    (void)state;
    static struct rows rows;
    add_row(&rows, 5, 1);
    add_row(&rows, 5, 1);
    add_row(&rows, 0, 0);
    store(&rows, none);
    assert_int_equal(kept.count, 1);
    assert_int_equal(kept.span.link_count, 1);
    assert_memory_equal(kept.span.parent_id, kept.links[0].span_id, SPAN_ID_BYTES);
    assert_memory_equal(kept.span.context.trace_id, kept.links[0].trace_id, TRACE_ID_BYTES);
    assert_true(trace_context_is_sampled(&kept.span.context));
    assert_int_equal(kept.span.kind, SPAN_CONSUMER);
    assert_int_equal(kept.span.attribute_count, 4);
    assert_int_equal(kept.span.attributes[1].number, 3);
    assert_int_equal(kept.span.attributes[2].number, 3);
    assert_int_equal(kept.span.attributes[3].number, 1);
}

static void several_causes_are_linked(void **state)
{
    (void)state;
    static struct rows rows;
    add_row(&rows, 5, 1);
    add_row(&rows, 6, 1);
    add_row(&rows, 5, 1);
    add_row(&rows, 7, 0); /* nobody recorded it */
    store(&rows, none);
    assert_int_equal(kept.count, 1);
    assert_int_equal(kept.span.link_count, 2);
    assert_int_equal(kept.span.links_dropped, 0);
    assert_memory_equal(kept.span.parent_id, nobody, SPAN_ID_BYTES);
    assert_memory_not_equal(kept.span.context.trace_id, kept.links[0].trace_id, TRACE_ID_BYTES);
}

static void links_have_a_bound(void **state)
{
    (void)state;
    static struct rows rows;
    for (int i = 1; i <= SPAN_LINKS_MAX + 7; i++) {
        add_row(&rows, (uint16_t)i, 1);
        add_row(&rows, (uint16_t)i, 1);
    }
    store(&rows, none);
    assert_int_equal(kept.span.link_count, SPAN_LINKS_MAX);
    assert_int_equal(kept.span.links_dropped, 7);
}

/* A sampler that follows no parent is asked about each cause, and says the same of a trace here as
 * wherever it is asked with the same ratio. */
static void a_sampler_of_its_own_binds_the_worker(void **state)
{
    (void)state;
    static const struct trace_sampler off = {false, TRACE_ROOT_NONE, 0};
    static const struct trace_sampler on = {false, TRACE_ROOT_ALL, 0};
    static const struct trace_sampler tenth = {false, TRACE_ROOT_RATIO, 0.1};
    static struct rows rows;
    add_row(&rows, 5, 1);
    add_row(&rows, 6, 1);
    store(&rows, off);
    assert_int_equal(kept.count, 0);
    store(&rows, tenth);
    assert_int_equal(kept.count, 1); /* 0x11… is below a tenth of all ids */
    assert_int_equal(kept.span.link_count, 2);
    store(&rows, (struct trace_sampler){false, TRACE_ROOT_RATIO, 0.05});
    assert_int_equal(kept.count, 0);
    add_row(&rows, 7, 0); /* its caller does not record it */
    store(&rows, on);
    assert_int_equal(kept.span.link_count, 3);
    assert_true(trace_context_is_sampled(&kept.span.context));
}

static void what_others_left_unrecorded_stays_so(void **state)
{
    (void)state;
    static struct rows rows;
    add_row(&rows, 5, 0);
    store(&rows, all);
    assert_int_equal(kept.count, 0);
}

/* Of those that came without a trace this process decides. */
static void a_batch_without_traces_may_begin_one(void **state)
{
    (void)state;
    static struct rows rows;
    store(&rows, all);
    assert_int_equal(kept.count, 0); /* nothing was stored */
    add_row(&rows, 0, 0);
    store(&rows, none);
    assert_int_equal(kept.count, 0);
    store(&rows, all);
    assert_int_equal(kept.count, 1);
    assert_int_equal(kept.span.link_count, 0);
}

static void nobody_who_collects_costs_nothing(void **state)
{
    (void)state;
    static struct rows rows;
    static struct store_trace trace;
    add_row(&rows, 5, 1);
    kept.count = 0;
    store_trace_init(&trace, NULL);
    store_trace_begin(&trace, &rows.batch);
    store_trace_end(&trace, &rows.batch, 0);
    assert_int_equal(kept.count, 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sole_cause_is_the_parent),
        cmocka_unit_test(several_causes_are_linked),
        cmocka_unit_test(links_have_a_bound),
        cmocka_unit_test(a_sampler_of_its_own_binds_the_worker),
        cmocka_unit_test(what_others_left_unrecorded_stays_so),
        cmocka_unit_test(a_batch_without_traces_may_begin_one),
        cmocka_unit_test(nobody_who_collects_costs_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
