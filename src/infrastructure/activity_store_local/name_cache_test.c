/* Guards the shortcuts to a user's text: varints that are passed over end where reading them ends,
 * and what is found in the cache is the text of that very number. */
#include "base/buffer.h"
#include "base/random.h"
#include "infrastructure/activity_store_local/name_cache.h"
#include "infrastructure/activity_store_local/reading.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { VARINTS = 40, TURNS = 2000 };

static void passing_over_ends_where_reading_does(void **state)
{
    (void)state;
    struct random_seeded seeded;
    struct random random = random_from_seed(&seeded, 11);
    struct buffer bytes;
    buffer_init(&bytes, 4096);
    for (int turn = 0; turn < TURNS; turn++) {
        buffer_clear(&bytes);
        for (int i = 0; i < VARINTS; i++) {
            varint_append(&bytes, random_below(&random, (uint64_t)1 << random_below(&random, 63)));
        }
        uint32_t count = (uint32_t)random_below(&random, VARINTS + 2);
        struct reading read = reading_of((const uint8_t *)bytes.data, bytes.len);
        struct reading passed = read;
        for (uint32_t i = 0; i < count; i++) {
            (void)reading_varint(&read);
        }
        reading_skip_varints(&passed, count);
        assert_int_equal(passed.failed, read.failed);
        assert_true(read.failed || passed.at == read.at);
        assert_int_equal(read.failed, count > VARINTS);
    }
    buffer_deinit(&bytes);
}

static void a_text_is_found_by_its_own_number(void **state)
{
    (void)state;
    static struct name_cache cache;
    assert_null(name_cache_find(&cache, 0).data);
    name_cache_put(&cache, 5, STR("five"));
    assert_true(str_equal(name_cache_find(&cache, 5), STR("five")));
    assert_null(name_cache_find(&cache, 5 + NAME_CACHE_SLOTS).data);
    name_cache_put(&cache, 5 + NAME_CACHE_SLOTS, STR("other"));
    assert_null(name_cache_find(&cache, 5).data);
    assert_true(str_equal(name_cache_find(&cache, 5 + NAME_CACHE_SLOTS), STR("other")));
    name_cache_put(&cache, 5, STR("a text that is longer than a slot has room for"));
    assert_null(name_cache_find(&cache, 5).data);
    assert_true(str_equal(name_cache_find(&cache, 5 + NAME_CACHE_SLOTS), STR("other")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passing_over_ends_where_reading_does),
        cmocka_unit_test(a_text_is_found_by_its_own_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
