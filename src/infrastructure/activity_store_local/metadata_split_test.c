#include "base/macros.h"
#include "base/random.h"
#include "infrastructure/activity_store_local/metadata_split.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

/* Splits and joins again; returns the text without its numbers. */
static struct str there_and_back(struct arena *arena, struct str plain)
{
    struct metadata_split split;
    static char joined[65536];
    assert_true(metadata_split(plain, arena, &split));
    assert_true(metadata_join(&split, joined, plain.len));
    assert_memory_equal(joined, plain.data, plain.len);
    if (plain.len > 0) {
        assert_false(metadata_join(&split, joined, plain.len - 1));
    }
    assert_false(metadata_join(&split, joined, plain.len + 1));
    return (struct str){split.text.data, split.numbers_at};
}

static void test_what_is_taken_out(void **state)
{
    (void)state;
    const struct {
        struct str plain;
        struct str text;
    } cases[] = {
        {STR(""), STR("")},
        {STR("{}"), STR("{}")},
        {STR("{\"n\":0}"), STR("{\"n\":\2}")},
        {STR("{\"n\":120,\"m\":-7.50}"), STR("{\"n\":\2,\"m\":-\2.\2}")},
        {STR("1.05"), STR("\2.05")},
        {STR("007"), STR("007")},
        {STR("1234567890123"), STR("\2\x30\x31\x32\x33")},
        {STR("1000000000000"), STR("\2\x30\x30\x30\x30")},
        {STR("x86_64 10.255"), STR("x86_64 \2.\2")},
        {STR("\"d74b9780239f8b43\""), STR("\"\x08\"")},
        {STR("\"d74b9780239f8b4\""), STR("\"\x07\x34\"")},
        {STR("abcdef0"), STR("abcdef0")},
        {STR("deadbeef"), STR("deadbeef")},
        {STR("deadbeef0"), STR("deadbeef0")},
        {STR("\"deadbeef0\""), STR("\"deadbeef0\"")},
        {STR("deadbeef0g"), STR("deadbeef0g")},
        {STR("0123456789a"), STR("0123456789a")},
        {STR("abcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefab0123"),
         STR("abcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefab0123")},
        {STR("x deadbeef01"), STR("x \5")},
        {STR("zdeadbeef"), STR("zdeadbeef")},
        {STR("DEADBEEF01"), STR("DEADBEEF01")},
        {STR("5e3"), STR("\2e3")},
        {STR("\xc3\xa9"
             "12"),
         STR("\xc3\xa9"
             "12")},
    };
    struct arena arena;
    arena_init(&arena, (size_t)1 << 20);
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct str text = there_and_back(&arena, cases[i].plain);
        assert_int_equal(text.len, cases[i].text.len);
        assert_memory_equal(text.data, cases[i].text.data, text.len);
    }
    arena_deinit(&arena);
}

/* Texts of digits, letters and other bytes in every mixture. */
static void test_any_text_comes_back(void **state)
{
    (void)state;
    static const char letters[] = "0123456789abcdef0011 ,.\"{}:_gzAZ\xc3\xa9";
    static char text[3000];
    struct random_seeded seeded;
    struct random random = random_from_seed(&seeded, 1);
    struct arena arena;
    arena_init(&arena, (size_t)1 << 20);
    for (int turn = 0; turn < 3000; turn++) {
        size_t len = (size_t)random_below(&random, turn % 10 == 0 ? sizeof text : 40);
        size_t kinds = 1 + (size_t)random_below(&random, sizeof letters - 2);
        for (size_t i = 0; i < len; i++) {
            text[i] = letters[random_below(&random, kinds)];
        }
        arena_reset(&arena);
        there_and_back(&arena, (struct str){text, len});
    }
    arena_deinit(&arena);
}

static void test_bytes_that_stand_for_something_are_left_alone(void **state)
{
    (void)state;
    struct arena arena;
    struct metadata_split split;
    arena_init(&arena, (size_t)1 << 20);
    assert_false(metadata_split(STR("a\2b"), &arena, &split));
    assert_true(str_equal(split.text, STR("a\2b")));
    arena_deinit(&arena);
    arena_init(&arena, 8);
    assert_false(metadata_split(STR("0123456789abcdef"), &arena, &split));
    assert_null(split.text.data);
    arena_deinit(&arena);
}

/* Whatever a damaged block says, joining writes no further than it may and says no. */
static void test_wrong_parts_are_refused(void **state)
{
    (void)state;
    const struct metadata_split cases[] = {
        {.text = STR("\2"), .numbers_at = 1},                         /* no number */
        {.text = STR("\2\x05\x05"), .numbers_at = 1},                 /* one too many */
        {.text = STR("\2\x80\x80\x80\x80\x7f"), .numbers_at = 1},     /* too large */
        {.text = STR("\4"), .numbers_at = 1, .digits = STR("abc")},   /* too few digits */
        {.text = STR("\4"), .numbers_at = 1, .digits = STR("abcde")}, /* too many */
        {.text = STR("\1"), .numbers_at = 1},                         /* stands for nothing */
        {.text = STR("a"), .numbers_at = 2},                          /* beyond its end */
        {.text = STR("aaaaaaaaa"), .numbers_at = 9},                  /* too long */
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        char into[16] = "";
        for (size_t len = 0; len <= 8; len++) {
            assert_false(metadata_join(&cases[i], into, len));
            assert_int_equal(into[len], 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_taken_out),
        cmocka_unit_test(test_any_text_comes_back),
        cmocka_unit_test(test_bytes_that_stand_for_something_are_left_alone),
        cmocka_unit_test(test_wrong_parts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
