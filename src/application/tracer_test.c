/* Guards who decides which traces are recorded, and that what is begun below a caller stays in its
 * trace. */
#include "application/tracer.h"
#include "base/macros.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct random_seeded seeded;
static struct random generator;

static struct tracer make_tracer(struct trace_sampler sampler)
{
    generator = random_from_seed(&seeded, 7);
    return (struct tracer){.clock = &clock_system, .random = &generator, .sampler = sampler};
}

static struct trace_context parent_with(uint8_t flags)
{
    struct trace_context parent = {.flags = flags, .state = STR("a=1")};
    memset(parent.trace_id, 0x11, sizeof parent.trace_id);
    memset(parent.span_id, 0x22, sizeof parent.span_id);
    return parent;
}

/* A sampler, a caller and whether the trace is recorded; -1: there is no caller. */
static void the_sampler_decides(void **state)
{
    (void)state;
    static const struct {
        struct trace_sampler sampler;
        int parent_flags;
        bool samples;
    } cases[] = {
        {{true, TRACE_ROOT_ALL, 0}, -1, true},    {{true, TRACE_ROOT_ALL, 0}, 1, true},
        {{true, TRACE_ROOT_ALL, 0}, 0, false},    {{true, TRACE_ROOT_NONE, 0}, -1, false},
        {{true, TRACE_ROOT_NONE, 0}, 1, true},    {{false, TRACE_ROOT_ALL, 0}, 0, true},
        {{false, TRACE_ROOT_NONE, 0}, 1, false},  {{true, TRACE_ROOT_RATIO, 0}, -1, false},
        {{true, TRACE_ROOT_RATIO, 1}, -1, true},  {{true, TRACE_ROOT_RATIO, 0}, 1, true},
        {{false, TRACE_ROOT_RATIO, 0}, 1, false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct tracer tracer = make_tracer(cases[i].sampler);
        struct trace_context parent = parent_with((uint8_t)cases[i].parent_flags);
        struct trace_context context;
        tracer_begin(&tracer, cases[i].parent_flags < 0 ? NULL : &parent, &context);
        assert_int_equal(trace_context_is_sampled(&context), cases[i].samples);
    }
}

static void what_is_below_a_caller_stays_in_its_trace(void **state)
{
    (void)state;
    struct tracer tracer = make_tracer((struct trace_sampler){true, TRACE_ROOT_ALL, 0});
    struct trace_context parent = parent_with(TRACE_FLAG_SAMPLED);
    struct trace_context context;
    tracer_begin(&tracer, &parent, &context);
    assert_memory_equal(context.trace_id, parent.trace_id, TRACE_ID_BYTES);
    assert_memory_not_equal(context.span_id, parent.span_id, SPAN_ID_BYTES);
    assert_int_equal(context.flags, TRACE_FLAG_SAMPLED); /* whoever drew the id says how */
    assert_true(str_equal(context.state, STR("a=1")));
    struct trace_context below = tracer_begin_below(&tracer, &context);
    assert_memory_equal(below.trace_id, context.trace_id, TRACE_ID_BYTES);
    assert_memory_not_equal(below.span_id, context.span_id, SPAN_ID_BYTES);
}

/* A thousand traces of two processes with the same ratio: about that share, and the same ones. */
static void a_ratio_is_a_share_of_the_ids(void **state)
{
    (void)state;
    const struct trace_sampler tenth = {false, TRACE_ROOT_RATIO, 0.1};
    const struct trace_sampler half = {false, TRACE_ROOT_RATIO, 0.5};
    struct tracer tracer = make_tracer(tenth);
    size_t sampled = 0;
    for (size_t i = 0; i < 1000; i++) {
        struct trace_context context;
        tracer_begin(&tracer, NULL, &context);
        bool samples = trace_context_is_sampled(&context);
        sampled += samples;
        assert_int_equal(context.flags & TRACE_FLAG_RANDOM, TRACE_FLAG_RANDOM);
        assert_int_equal(trace_sampler_samples(&tenth, NULL, context.trace_id), samples);
        assert_true(!samples || trace_sampler_samples(&half, NULL, context.trace_id));
    }
    assert_in_range(sampled, 60, 140);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sampler_decides),
        cmocka_unit_test(what_is_below_a_caller_stays_in_its_trace),
        cmocka_unit_test(a_ratio_is_a_share_of_the_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
