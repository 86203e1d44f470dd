/* Guards the room that everything which grows asks for: enough, kept when there is no more, and not
 * asked of the memory each time. */
#include "base/array.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

void *__real_realloc(void *block, size_t size);
void *__wrap_realloc(void *block, size_t size);

static bool realloc_fails;
static unsigned reallocs;

void *__wrap_realloc(void *block, size_t size)
{
    reallocs++;
    return realloc_fails ? NULL : __real_realloc(block, size);
}

struct numbers {
    uint32_t *items;
    size_t count;
    size_t capacity;
};

static void grows_seldom_and_keeps_what_is_there(void **state)
{
    (void)state;
    enum { COUNT = 10000 };
    struct numbers numbers = {0};
    reallocs = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_true(ARRAY_RESERVE(numbers.items, numbers.capacity, numbers.count + 1));
        assert_true(numbers.count < numbers.capacity);
        numbers.items[numbers.count++] = i;
    }
    assert_in_range(reallocs, 1, 15);
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_int_equal(numbers.items[i], i);
    }
    free(numbers.items);
}

static void takes_what_is_wanted_at_once(void **state)
{
    (void)state;
    struct numbers numbers = {0};
    reallocs = 0;
    assert_true(ARRAY_RESERVE(numbers.items, numbers.capacity, 0));
    assert_null(numbers.items);
    assert_true(ARRAY_RESERVE(numbers.items, numbers.capacity, 1000));
    assert_int_equal(numbers.capacity, 1000);
    assert_true(ARRAY_RESERVE(numbers.items, numbers.capacity, 1000));
    assert_int_equal(reallocs, 1);
    free(numbers.items);
}

static void changes_nothing_without_memory(void **state)
{
    (void)state;
    struct numbers numbers = {0};
    assert_true(ARRAY_RESERVE(numbers.items, numbers.capacity, 20));
    const struct numbers before = numbers;
    realloc_fails = true;
    assert_false(ARRAY_RESERVE(numbers.items, numbers.capacity, 21));
    realloc_fails = false;
    assert_false(ARRAY_RESERVE(numbers.items, numbers.capacity, SIZE_MAX));
    assert_false(ARRAY_RESERVE(numbers.items, numbers.capacity, SIZE_MAX / sizeof(uint32_t) + 1));
    assert_ptr_equal(numbers.items, before.items);
    assert_int_equal(numbers.capacity, before.capacity);
    free(numbers.items);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_seldom_and_keeps_what_is_there),
        cmocka_unit_test(takes_what_is_wanted_at_once),
        cmocka_unit_test(changes_nothing_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
