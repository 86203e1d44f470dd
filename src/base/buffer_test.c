/* Guards that a buffer never passes its maximum, keeps its content when it cannot grow, and stays
 * failed. */
#include "base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>
void *__real_realloc(void *block, size_t size);
void *__wrap_realloc(void *block, size_t size);

static bool realloc_fails;

void *__wrap_realloc(void *block, size_t size)
{
    return realloc_fails ? NULL : __real_realloc(block, size);
}

static void assert_content(const struct buffer *buffer, const char *expected)
{
    if (!str_equal(buffer_str(buffer), str_from(expected))) {
        fail_msg("expected \"%s\", found \"%.*s\"", expected, STR_FORMAT(buffer_str(buffer)));
    }
}

static void test_appends(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 10000);
    buffer_append(&buffer, NULL, 0);
    buffer_append_literal(&buffer, "a");
    buffer_append_str(&buffer, STR("bc"));
    buffer_append_str(&buffer, (struct str){0});
    buffer_append_char(&buffer, ' ');
    buffer_append_format(&buffer, "%d-%s", 7, "x");
    assert_content(&buffer, "abc 7-x");
    buffer_clear(&buffer);
    assert_int_equal(buffer.len, 0);
    assert_true(buffer.capacity > 0);
    buffer_deinit(&buffer);
}

static void test_numbers(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 10000);
    static const int64_t numbers[] = {0, 1, -1, 9, 10, -10, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < ARRAY_LENGTH(numbers); i++) {
        char expected[32];
        snprintf(expected, sizeof expected, "%lld", (long long)numbers[i]);
        buffer_clear(&buffer);
        buffer_append_i64(&buffer, numbers[i]);
        assert_content(&buffer, expected);
    }
    buffer_clear(&buffer);
    buffer_append_u64(&buffer, UINT64_MAX);
    assert_content(&buffer, "18446744073709551615");
    buffer_clear(&buffer);
    buffer_append_hex(&buffer, (const uint8_t[]){0x00, 0x9a, 0xbc, 0xde, 0xf1, 0xff}, 6);
    assert_content(&buffer, "009abcdef1ff");
    buffer_deinit(&buffer);
}

/* Exactly the maximum fits, one more does not, and nothing is half written. */
static void test_maximum(void **state)
{
    (void)state;
    for (size_t bytes_max = 0; bytes_max < 1200; bytes_max += 13) {
        struct buffer buffer;
        buffer_init(&buffer, bytes_max);
        for (size_t i = 0; i < bytes_max; i++) {
            buffer_append_char(&buffer, 'x');
            assert_int_equal(buffer.failed, STATUS_OK);
        }
        assert_true(buffer.capacity <= bytes_max);
        buffer_append_char(&buffer, 'y');
        assert_int_equal(buffer.failed, STATUS_TOO_LARGE);
        assert_int_equal(buffer.len, bytes_max);
        buffer_append(&buffer, NULL, 0);
        assert_int_equal(buffer.failed, STATUS_TOO_LARGE);
        buffer_deinit(&buffer);
    }
}

static void test_failure_sticks_until_cleared(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 8);
    buffer_append_literal(&buffer, "12345");
    buffer_append_literal(&buffer, "6789");
    assert_int_equal(buffer.failed, STATUS_TOO_LARGE);
    buffer_append_literal(&buffer, "6");
    assert_int_equal(buffer_reserve(&buffer, 1), STATUS_TOO_LARGE);
    assert_content(&buffer, "12345");
    buffer_clear(&buffer);
    buffer_append_literal(&buffer, "12345678");
    assert_int_equal(buffer.failed, STATUS_OK);
    assert_content(&buffer, "12345678");
    buffer_deinit(&buffer);
}

static void test_format_at_the_maximum(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 8);
    buffer_append_format(&buffer, "%s", "123456789");
    assert_int_equal(buffer.failed, STATUS_TOO_LARGE);
    assert_int_equal(buffer.len, 0);
    buffer_clear(&buffer);
    buffer_append_format(&buffer, "%s", "1234567");
    assert_content(&buffer, "1234567");
    buffer_deinit(&buffer);
}

static void test_without_memory_content_stays(void **state)
{
    (void)state;
    struct buffer buffer;
    char large[2000] = {0};
    buffer_init(&buffer, 10000);
    buffer_append_literal(&buffer, "kept");
    realloc_fails = true;
    buffer_append(&buffer, large, sizeof large);
    realloc_fails = false;
    assert_int_equal(buffer.failed, STATUS_NO_MEMORY);
    assert_content(&buffer, "kept");
    buffer_append_literal(&buffer, "x");
    assert_content(&buffer, "kept");
    buffer_deinit(&buffer);
}

/* Without a real maximum a size that cannot be had is refused, and doubling does not overflow. */
static void test_enormous_reservations(void **state)
{
    (void)state;
    static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 10, SIZE_MAX / 2 + 2};
    for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
        struct buffer buffer;
        buffer_init(&buffer, SIZE_MAX);
        buffer_append_literal(&buffer, "abc");
        realloc_fails = true;
        enum status status = buffer_reserve(&buffer, sizes[i]);
        realloc_fails = false;
        assert_true(status == STATUS_TOO_LARGE || status == STATUS_NO_MEMORY);
        assert_content(&buffer, "abc");
        buffer_deinit(&buffer);
    }
}

static void test_consume(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 100);
    buffer_consume(&buffer, 0);
    buffer_append_literal(&buffer, "abcdef");
    buffer_consume(&buffer, 2);
    assert_content(&buffer, "cdef");
    buffer_consume(&buffer, 0);
    buffer_consume(&buffer, 4);
    assert_content(&buffer, "");
    buffer_append_literal(&buffer, "z");
    assert_content(&buffer, "z");
    buffer_deinit(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_appends),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_maximum),
        cmocka_unit_test(test_failure_sticks_until_cleared),
        cmocka_unit_test(test_format_at_the_maximum),
        cmocka_unit_test(test_without_memory_content_stays),
        cmocka_unit_test(test_enormous_reservations),
        cmocka_unit_test(test_consume),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
