/* Guards that the index finds exactly what is in it while its tables grow, shrink and close gaps,
 * also when many hashes are alike: a lost id would be stored twice. */
#include "base/random.h"
#include "infrastructure/activity_table/memory_index.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

enum { VALUES = 3000, STEPS = 60000 };

static uint64_t hashes[VALUES];
static bool present[VALUES];

static bool same(const void *context, const void *wanted, uint32_t value)
{
    (void)context;
    return *(const uint32_t *)wanted == value;
}

static uint32_t find(const struct memory_index *index, uint32_t value)
{
    struct memory_match match = {.same = same, .wanted = &value};
    return memory_index_find(index, hashes[value], &match);
}

/* Random insertions and removals against an array of flags. */
static void churn(uint64_t hash_mask)
{
    struct random_seeded seeded;
    struct random random = random_from_seed(&seeded, 7);
    struct memory_pool pool = {0};
    struct memory_index index;
    memory_index_init(&index);
    for (uint32_t i = 0; i < VALUES; i++) {
        hashes[i] = random_u64(&random) & hash_mask;
        present[i] = false;
    }
    for (int step = 0; step < STEPS; step++) {
        uint32_t value = (uint32_t)random_below(&random, VALUES);
        /* Filling prevails at first and emptying at the end. */
        bool fill = random_below(&random, STEPS) > (uint64_t)step;
        if (fill && !present[value]) {
            assert_true(memory_index_insert(&index, &pool, hashes[value], value));
            present[value] = true;
        } else if (!fill && present[value]) {
            memory_index_remove(&index, &pool, hashes[value], value);
            present[value] = false;
        }
        uint32_t other = (uint32_t)random_below(&random, VALUES);
        assert_int_equal(find(&index, other), present[other] ? other : MEMORY_NONE);
    }
    for (uint32_t i = 0; i < VALUES; i++) {
        assert_int_equal(find(&index, i), present[i] ? i : MEMORY_NONE);
    }
    memory_index_deinit(&index, &pool);
    assert_int_equal(pool.bytes, 0);
}

static void test_random_hashes(void **state)
{
    (void)state;
    churn(UINT64_MAX);
}

/* All in one table, crowded at its end, so that searches run over the edge. */
static void test_hashes_at_the_edge(void **state)
{
    (void)state;
    churn(UINT64_C(0x00000000ffffffff));
    churn(UINT64_C(0x000000000000003f));
    churn(UINT64_C(0x00000000ff000000));
}

static void test_guess_names_a_candidate(void **state)
{
    (void)state;
    struct memory_pool pool = {0};
    struct memory_index index;
    memory_index_init(&index);
    assert_int_equal(memory_index_guess(&index, 5), MEMORY_NONE);
    memory_index_prefetch(&index, 5);
    assert_true(memory_index_insert(&index, &pool, 5, 77));
    assert_int_equal(memory_index_guess(&index, 5), 77);
    memory_index_prefetch(&index, 5);
    memory_index_deinit(&index, &pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_hashes),
        cmocka_unit_test(test_hashes_at_the_edge),
        cmocka_unit_test(test_guess_names_a_candidate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
