/* Guards that an arena never passes its maximum and that what it hands out does not overlap. */
#include "base/arena.h"
#include "base/macros.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

static bool malloc_fails;

void *__wrap_malloc(size_t size)
{
    return malloc_fails ? NULL : __real_malloc(size);
}

static void test_allocations_are_apart_and_aligned(void **state)
{
    (void)state;
    enum { COUNT = 400 };
    static unsigned char *blocks[COUNT];
    struct arena arena;
    arena_init(&arena, 10 * 1024 * 1024);
    for (size_t i = 0; i < COUNT; i++) {
        blocks[i] = arena_allocate(&arena, i * 7 + 1);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % _Alignof(max_align_t), 0);
        memset(blocks[i], (int)(i % 251), i * 7 + 1);
    }
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t at = 0; at < i * 7 + 1; at++) {
            assert_int_equal(blocks[i][at], i % 251);
        }
    }
    arena_deinit(&arena);
}

static void test_maximum_holds(void **state)
{
    (void)state;
    for (size_t bytes_max = 0; bytes_max < 40000; bytes_max += 777) {
        struct arena arena;
        arena_init(&arena, bytes_max);
        size_t sum = 0;
        while (arena_allocate(&arena, 100) != NULL) {
            sum += 100;
        }
        assert_true(sum <= bytes_max && arena.bytes_used <= bytes_max);
        assert_true(bytes_max < 1000 || sum > bytes_max / 2);
        arena_deinit(&arena);
    }
}

/* What arenas take together beyond their first chunks stays within the budget, and all of it is
 * given back. */
static void test_a_budget_in_common(void **state)
{
    (void)state;
    enum { ARENAS = 8, BUDGET = 200000 };
    struct memory_budget budget = {.bytes_max = BUDGET};
    struct arena arenas[ARENAS];
    for (size_t i = 0; i < ARENAS; i++) {
        arena_init_shared(&arenas[i], SIZE_MAX / 2, &budget);
        assert_non_null(arena_allocate(&arenas[i], 1000));
    }
    assert_int_equal(atomic_load(&budget.bytes_used), 0);
    for (int round = 0; round < 3; round++) {
        size_t got = 0;
        for (size_t i = 0; i < 100; i++) {
            got += arena_allocate(&arenas[i % ARENAS], 5000) != NULL ? 5000 : 0;
        }
        assert_true(atomic_load(&budget.bytes_used) <= BUDGET && got > BUDGET / 2);
        assert_true(got <= BUDGET + ARENAS * 16 * 1024);
        assert_null(arena_allocate(&arenas[0], BUDGET));
        for (size_t i = 0; i < ARENAS; i++) {
            arena_reset(&arenas[i]);
        }
        assert_int_equal(atomic_load(&budget.bytes_used), 0);
    }
    assert_non_null(arena_allocate(&arenas[0], BUDGET / 2));
    malloc_fails = true;
    assert_null(arena_allocate(&arenas[1], BUDGET / 4));
    malloc_fails = false;
    for (size_t i = 0; i < ARENAS; i++) {
        arena_deinit(&arenas[i]);
    }
    assert_int_equal(atomic_load(&budget.bytes_used), 0);
}

/* Sizes that would overflow a sum are refused like any other that is too large. */
static void test_enormous_sizes_are_refused(void **state)
{
    (void)state;
    static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 15, SIZE_MAX - 40,
                                   SIZE_MAX / 2 + 1};
    struct arena arena;
    arena_init(&arena, SIZE_MAX);
    malloc_fails = false;
    for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
        malloc_fails = i == ARRAY_LENGTH(sizes) - 1; /* the only one that malloc is asked for */
        assert_null(arena_allocate(&arena, sizes[i]));
    }
    malloc_fails = false;
    assert_non_null(arena_allocate(&arena, 1));
    arena_deinit(&arena);
}

static void test_reset_keeps_an_ordinary_chunk(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1024 * 1024);
    void *first = arena_allocate(&arena, 10);
    assert_non_null(arena_allocate(&arena, 100000));
    assert_non_null(arena_allocate(&arena, 10000));
    assert_non_null(arena_allocate(&arena, 10000));
    arena_reset(&arena);
    size_t kept = arena.bytes_used;
    assert_true(kept > 0 && kept < 20000);
    malloc_fails = true;
    assert_non_null(arena_allocate(&arena, 10));
    malloc_fails = false;
    assert_int_equal(arena.bytes_used, kept);
    assert_non_null(first);
    arena_reset(&arena);
    arena_deinit(&arena);
    arena_reset(&arena);
    assert_int_equal(arena.bytes_used, 0);
}

static void test_copies(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 20000);
    char text[] = "a\0b";
    struct str copy = arena_copy_str(&arena, (struct str){.data = text, .len = 3});
    memset(text, 'x', sizeof text);
    assert_int_equal(copy.len, 3);
    assert_memory_equal(copy.data, "a\0b", 3);
    struct str empty = arena_copy_str(&arena, (struct str){0});
    assert_non_null(empty.data);
    assert_int_equal(empty.len, 0);
    char large[30000] = {0};
    struct str refused = arena_copy_str(&arena, (struct str){.data = large, .len = sizeof large});
    assert_null(refused.data);
    assert_int_equal(refused.len, 0);
    arena_deinit(&arena);
}

static void test_without_memory(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1024 * 1024);
    malloc_fails = true;
    assert_null(arena_allocate(&arena, 10));
    malloc_fails = false;
    assert_int_equal(arena.bytes_used, 0);
    assert_non_null(arena_allocate(&arena, 10));
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_budget_in_common),
        cmocka_unit_test(test_allocations_are_apart_and_aligned),
        cmocka_unit_test(test_maximum_holds),
        cmocka_unit_test(test_enormous_sizes_are_refused),
        cmocka_unit_test(test_reset_keeps_an_ordinary_chunk),
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
