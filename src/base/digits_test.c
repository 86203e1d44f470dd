/* Guards that all hexadecimal digits are read, and nothing else is taken for one. */
#include "base/digits.h"
#include "base/macros.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

static void test_one_digit(void **state)
{
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        char text[] = {(char)byte, '\0'};
        unsigned value = 99;
        assert_int_equal(digits_parse_hex(text[0], &value), isxdigit(byte) != 0);
        assert_int_equal(value, isxdigit(byte) != 0 ? strtoul(text, NULL, 16) : 99);
    }
}

/* Both ways, for the digits of every byte at every place. */
static void test_eight_digits(void **state)
{
    (void)state;
    for (uint32_t byte = 0; byte < 256; byte++) {
        for (unsigned place = 0; place < 4; place++) {
            uint32_t bytes = UINT32_C(0x5ac30f96) ^ byte << 8 * place;
            char text[WORD_BYTES + 1];
            snprintf(text, sizeof text, "%08x", __builtin_bswap32(bytes));
            assert_int_equal(digits_hex_value(word_load(text)), bytes);
            assert_true(digits_of_hex(bytes) == word_load(text));
            char written[WORD_BYTES];
            uint8_t read[4];
            assert_int_equal(digits_parse_eight(word_load(text), read), 0);
            digits_write_bytes(read, sizeof read, written);
            assert_memory_equal(written, text, WORD_BYTES);
            text[2 * place] = 'G';
            assert_true(digits_parse_eight(word_load(text), read) != 0);
        }
    }
}

static void test_marks(void **state)
{
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        for (unsigned place = 0; place < WORD_BYTES; place++) {
            char text[WORD_BYTES];
            memset(text, place % 2 == 0 ? '7' : 'c', sizeof text);
            text[place] = (char)byte;
            uint64_t mark = UINT64_C(0x80) << 8 * place;
            bool letter = byte >= 'a' && byte <= 'f';
            assert_int_equal((digits_not_decimal(word_load(text)) & mark) == 0, isdigit(byte) != 0);
            assert_int_equal((digits_not_letter(word_load(text)) & mark) == 0, letter);
        }
    }
}

/* Each byte in either case, and no other character at either place. */
static void test_bytes(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        char text[9];
        uint8_t bytes[4];
        snprintf(text, sizeof text, "00%02x%02XfF", byte, byte);
        assert_true(digits_parse_bytes(text, sizeof bytes, bytes));
        assert_memory_equal(bytes, ((uint8_t[]){0, (uint8_t)byte, (uint8_t)byte, 0xff}), 4);
        for (size_t place = 0; place < 8; place++) {
            char wrong[9];
            memcpy(wrong, text, sizeof wrong);
            wrong[place] = (char)byte;
            assert_int_equal(digits_parse_bytes(wrong, sizeof bytes, bytes),
                             isxdigit((int)byte) != 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_digit),
        cmocka_unit_test(test_eight_digits),
        cmocka_unit_test(test_marks),
        cmocka_unit_test(test_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
