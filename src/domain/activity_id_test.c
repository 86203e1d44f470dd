/* Guards that ids increase strictly, over threads and when the clock steps back: answers follow
 * them. */
#include "base/macros.h"
#include "domain/activity_id.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>
struct manual {
    uint64_t now_ns;
};

static uint64_t manual_ns(void *context)
{
    return ((struct manual *)context)->now_ns;
}

#define START_NS UINT64_C(1768435085442000000)

static void test_layout(void **state)
{
    (void)state;
    struct manual manual = {START_NS + 500000};
    struct clock clock = {.wall_ns = manual_ns, .monotonic_ns = manual_ns, .context = &manual};
    struct random_seeded seeded;
    struct random random = random_from_seed(&seeded, 1);
    struct activity_id_source source;
    activity_id_source_init(&source, &clock, &random);
    struct uuid id = activity_id_next(&source, manual.now_ns);
    char text[UUID_TEXT_BYTES + 1] = {0};
    uuid_format(id, text);
    assert_int_equal(id.bytes[6] >> 4, 7);
    assert_int_equal(id.bytes[8] >> 6, 2);
    assert_int_equal(activity_id_time_ms(id), INT64_C(1768435085442));
    /* Half a millisecond is half of 4096. */
    assert_int_equal((id.bytes[6] & 0x0f) << 8 | id.bytes[7], 0x800);
    assert_memory_equal(text, "019bbef1-f082-7800-", 19);
}

static void assert_increasing(struct uuid before, struct uuid after)
{
    assert_true(memcmp(before.bytes, after.bytes, UUID_BYTES) < 0);
}

/* A clock that stands still, steps back by an hour, creeps and jumps. */
static void test_increase_whatever_the_clock_does(void **state)
{
    (void)state;
    static const int64_t steps_ns[] = {0, 0, 1, 1000, -3600000000000, 0, 5, 3600000000000, 100};
    struct manual manual = {START_NS};
    struct clock clock = {.wall_ns = manual_ns, .monotonic_ns = manual_ns, .context = &manual};
    struct activity_id_source source;
    activity_id_source_init(&source, &clock, &random_system);
    struct uuid last = activity_id_next(&source, manual.now_ns);
    for (int i = 0; i < 100000; i++) {
        manual.now_ns += (uint64_t)steps_ns[i % (int)ARRAY_LENGTH(steps_ns)];
        struct uuid next = activity_id_next(&source, manual.now_ns);
        assert_increasing(last, next);
        last = next;
    }
    /* 100,000 ids went by while the clock moved little: they ran ahead by at most 25 ms. */
    assert_true(activity_id_time_ms(last) - (int64_t)(START_NS / 1000000) < 40);
}

/* Whatever was given out lies before a border, and nothing later does. */
static void test_border(void **state)
{
    (void)state;
    static const int64_t steps_ns[] = {0, 0, 999999, 1, -3600000000000, 0, 5000000, 3700000000000};
    struct manual manual = {START_NS};
    struct clock clock = {.wall_ns = manual_ns, .monotonic_ns = manual_ns, .context = &manual};
    struct activity_id_source source;
    activity_id_source_init(&source, &clock, &random_system);
    for (int i = 0; i < 100000; i++) {
        manual.now_ns += (uint64_t)steps_ns[i % (int)ARRAY_LENGTH(steps_ns)];
        int64_t before = i % 2 == 0 ? activity_id_time_ms(activity_id_next(&source, manual.now_ns))
                                    : activity_id_next_time_ms(&source, manual.now_ns);
        int64_t border = activity_id_border_ms(&source);
        assert_int_equal(border, activity_id_border_ms(&source));
        assert_int_equal(border, before + 1);
        if (i % 3 == 0) {
            assert_true(activity_id_next_time_ms(&source, manual.now_ns) >= border);
        }
    }
}

static void test_begin_at(void **state)
{
    (void)state;
    struct manual manual = {START_NS};
    struct clock clock = {.wall_ns = manual_ns, .monotonic_ns = manual_ns, .context = &manual};
    struct activity_id_source source;
    activity_id_source_init(&source, &clock, &random_system);
    activity_id_begin_at(&source, 0);
    activity_id_begin_at(&source, START_NS / 1000000 - 5);
    assert_int_equal(activity_id_next_time_ms(&source, manual.now_ns), START_NS / 1000000);
    activity_id_begin_at(&source, START_NS / 1000000 + 5);
    activity_id_begin_at(&source, START_NS / 1000000);
    assert_int_equal(activity_id_next_time_ms(&source, manual.now_ns), START_NS / 1000000 + 5);
    assert_int_equal(activity_id_time_ms(activity_id_next(&source, manual.now_ns)),
                     START_NS / 1000000 + 5);
}

enum { THREADS = 4, IDS = 20000 };

struct drawing {
    struct activity_id_source *source;
    struct uuid ids[IDS];
};

static void *draw(void *context)
{
    struct drawing *drawing = context;
    for (size_t i = 0; i < IDS; i++) {
        drawing->ids[i] = activity_id_next(drawing->source, clock_wall_ns(&clock_system));
    }
    return NULL;
}

static int compare_times(const void *a, const void *b)
{
    return memcmp(a, b, 8);
}

/* In each thread they increase, and over all the first 64 bits, which carry the order, differ. */
static void test_increase_over_threads(void **state)
{
    (void)state;
    static struct drawing drawings[THREADS];
    static struct uuid all[THREADS * IDS];
    pthread_t threads[THREADS];
    struct activity_id_source source;
    activity_id_source_init(&source, &clock_system, &random_system);
    for (size_t i = 0; i < THREADS; i++) {
        drawings[i].source = &source;
        assert_int_equal(pthread_create(&threads[i], NULL, draw, &drawings[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        for (size_t at = 1; at < IDS; at++) {
            assert_increasing(drawings[i].ids[at - 1], drawings[i].ids[at]);
        }
        memcpy(all + i * IDS, drawings[i].ids, sizeof drawings[i].ids);
    }
    qsort(all, THREADS * IDS, sizeof all[0], compare_times);
    for (size_t i = 1; i < THREADS * IDS; i++) {
        assert_true(compare_times(&all[i - 1], &all[i]) < 0);
    }
}

static void test_time_of_other_versions(void **state)
{
    (void)state;
    struct uuid id = uuid_make_random(&random_system);
    assert_int_equal(activity_id_time_ms(id), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_increase_whatever_the_clock_does),
        cmocka_unit_test(test_border),
        cmocka_unit_test(test_begin_at),
        cmocka_unit_test(test_increase_over_threads),
        cmocka_unit_test(test_time_of_other_versions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
