/* Guards that one UUID has one text: ids are compared in both forms. */
#include "base/macros.h"
#include "base/uuid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>
static void test_known_text(void **state)
{
    (void)state;
    static const char text[] = "01234567-89ab-cdef-0f1e-2d3c4b5a6978";
    static const uint8_t bytes[UUID_BYTES] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
                                              0x0f, 0x1e, 0x2d, 0x3c, 0x4b, 0x5a, 0x69, 0x78};
    struct uuid uuid;
    char again[UUID_TEXT_BYTES + 1] = {0};
    assert_true(uuid_parse(str_from(text), &uuid));
    assert_memory_equal(uuid.bytes, bytes, UUID_BYTES);
    uuid_format(uuid, again);
    assert_string_equal(again, text);
}

/* Each character in each place: only digits in lower case, and hyphens where they belong. */
static void test_every_character_everywhere(void **state)
{
    (void)state;
    static const char good[] = "01234567-89ab-cdef-0f1e-2d3c4b5a6978";
    for (size_t at = 0; at < UUID_TEXT_BYTES; at++) {
        for (int c = 0; c < 256; c++) {
            char text[UUID_TEXT_BYTES];
            char again[UUID_TEXT_BYTES];
            struct uuid uuid = {{0xee}};
            memcpy(text, good, sizeof text);
            text[at] = (char)c;
            bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
            bool fine = good[at] == '-' ? c == '-' : digit;
            struct str slice = {.data = text, .len = sizeof text};
            assert_true(uuid_parse(slice, &uuid) == fine);
            if (fine) {
                uuid_format(uuid, again);
                assert_memory_equal(again, text, sizeof text);
            } else {
                assert_int_equal(uuid.bytes[0], 0xee);
            }
        }
    }
}

static void test_other_lengths_are_refused(void **state)
{
    (void)state;
    static const char text[] = "01234567-89ab-cdef-0f1e-2d3c4b5a69780";
    for (size_t len = 0; len <= sizeof text - 1; len++) {
        struct uuid uuid;
        struct str slice = {.data = text, .len = len};
        assert_true(uuid_parse(slice, &uuid) == (len == UUID_TEXT_BYTES));
    }
    struct uuid uuid;
    assert_false(uuid_parse(STR("{01234567-89ab-cdef-0f1e-2d3c4b5a69}"), &uuid));
    assert_false(uuid_parse(STR("0123456789abcdef0f1e2d3c4b5a69780000"), &uuid));
}

static void test_random_ones(void **state)
{
    (void)state;
    struct uuid last = {0};
    for (int i = 0; i < 1000; i++) {
        char text[UUID_TEXT_BYTES];
        struct uuid uuid = uuid_make_random(&random_system);
        struct uuid again;
        assert_int_equal(uuid.bytes[6] >> 4, 4);
        assert_int_equal(uuid.bytes[8] >> 6, 2);
        assert_false(uuid_equal(uuid, last));
        uuid_format(uuid, text);
        assert_true(uuid_parse((struct str){.data = text, .len = sizeof text}, &again));
        assert_true(uuid_equal(uuid, again));
        last = uuid;
    }
}

static void test_a_hash_keeps_its_other_bits(void **state)
{
    (void)state;
    uint8_t hash[UUID_BYTES];
    char text[UUID_TEXT_BYTES + 1] = "";
    memset(hash, 0xff, sizeof hash);
    uuid_format(uuid_from_hash(hash), text);
    assert_string_equal(text, "ffffffff-ffff-8fff-bfff-ffffffffffff");
    memset(hash, 0, sizeof hash);
    uuid_format(uuid_from_hash(hash), text);
    assert_string_equal(text, "00000000-0000-8000-8000-000000000000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_hash_keeps_its_other_bits),
        cmocka_unit_test(test_known_text),
        cmocka_unit_test(test_every_character_everywhere),
        cmocka_unit_test(test_other_lengths_are_refused),
        cmocka_unit_test(test_random_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
