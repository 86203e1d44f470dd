/* Guards that only well-formed UTF-8 passes: anything else would break the JSON of every answer it
 * is in. */
#include "base/macros.h"
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>
/* Writes a code point the plain way; 0 for those that have no form. */
static size_t encode(uint32_t code_point, char *out_bytes)
{
    if (code_point < 0x80) {
        out_bytes[0] = (char)code_point;
        return 1;
    }
    size_t len = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
    static const uint32_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = len - 1; i > 0; i--) {
        out_bytes[i] = (char)(0x80 | (code_point & 0x3f));
        code_point >>= 6;
    }
    out_bytes[0] = (char)(lead[len] | code_point);
    return len;
}

static void test_every_code_point(void **state)
{
    (void)state;
    for (uint32_t expected = 0; expected <= 0x10ffff; expected++) {
        char bytes[4];
        struct str rest = {.data = bytes, .len = encode(expected, bytes)};
        uint32_t found = 0;
        bool surrogate = expected >= 0xd800 && expected <= 0xdfff;
        bool fine = utf8_next(&rest, &found);
        if (fine == surrogate || (fine && (found != expected || rest.len != 0))) {
            fail_msg("U+%04X gave %d and U+%04X", expected, fine, found);
        }
    }
}

/* Whatever three bytes are fine, at the front, stand for a code point that gives them back. */
static void test_every_short_sequence(void **state)
{
    (void)state;
    size_t fine = 0;
    for (uint32_t word = 0; word < 0x1000000; word++) {
        char bytes[3] = {(char)(word >> 16), (char)(word >> 8), (char)word};
        struct str rest = {.data = bytes, .len = sizeof bytes};
        uint32_t code_point;
        char again[4];
        if (utf8_next(&rest, &code_point)) {
            size_t len = encode(code_point, again);
            if (len != sizeof bytes - rest.len || memcmp(again, bytes, len) != 0) {
                fail_msg("%06x was read as U+%04X", word, code_point);
            }
            fine++;
        }
    }
    /* 128 first bytes, 1,920 pairs and all others of the plane without surrogates. */
    assert_int_equal(fine, 128 * 65536 + 1920 * 256 + 65536 - 2048 - 2048);
}

static void test_malformed_classes(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "\x80",                 /* a continuation alone */
        "\xbf",                 /* the same */
        "\xc0\x80",             /* overlong NUL */
        "\xc1\xbf",             /* overlong U+007F */
        "\xe0\x80\x80",         /* overlong in three bytes */
        "\xe0\x9f\xbf",         /* overlong U+07FF */
        "\xf0\x80\x80\x80",     /* overlong in four bytes */
        "\xf0\x8f\xbf\xbf",     /* overlong U+FFFF */
        "\xed\xa0\x80",         /* surrogate U+D800 */
        "\xed\xbf\xbf",         /* surrogate U+DFFF */
        "\xf4\x90\x80\x80",     /* U+110000 */
        "\xf5\x80\x80\x80",     /* beyond all */
        "\xf8\x88\x80\x80\x80", /* five bytes */
        "\xfe",                 /* never in UTF-8 */
        "\xff",                 /* the same */
        "\xc3",                 /* cut after the first of two */
        "\xe2\x82",             /* cut after the second of three */
        "\xf0\x9f\x98",         /* cut after the third of four */
        "\xc3(",                /* no continuation */
        "\xe2(\xac",            /* the same in the middle */
        "\xe2\x82(",            /* the same at the end */
        "\xf0\x9f\x98(",        /* the same in four */
    };
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        struct str rest = str_from(texts[i]);
        uint32_t code_point = 4711;
        size_t count = 4711;
        char behind[16];
        if (utf8_next(&rest, &code_point) || utf8_count(rest, &count)) {
            fail_msg("text %zu passed", i);
        }
        assert_ptr_equal(rest.data, texts[i]);
        assert_int_equal(code_point, 4711);
        assert_int_equal(count, 4711);
        snprintf(behind, sizeof behind, "ab%s", texts[i]);
        assert_false(utf8_count(str_from(behind), &count));
    }
}

static void test_count(void **state)
{
    (void)state;
    size_t count;
    assert_true(utf8_count(STR("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\0z"), &count));
    assert_int_equal(count, 6);
    assert_true(utf8_count((struct str){0}, &count));
    assert_int_equal(count, 0);
}

static void test_controls(void **state)
{
    (void)state;
    for (uint32_t code_point = 0; code_point <= 0x200; code_point++) {
        bool control = code_point <= 0x1f || (code_point >= 0x7f && code_point <= 0x9f);
        assert_true(utf8_is_control(code_point) == control);
    }
}

/* Every byte at every place of texts around the eight bytes that are looked at together. */
static void test_plain_ascii(void **state)
{
    (void)state;
    enum { LEN_MAX = 20 };
    assert_true(utf8_is_plain_ascii((struct str){0}));
    for (size_t len = 1; len <= LEN_MAX; len++) {
        for (size_t at = 0; at < len; at++) {
            for (int byte = 0; byte < 256; byte++) {
                char text[LEN_MAX];
                memset(text, '~', sizeof text);
                text[at] = (char)byte;
                bool plain = byte >= 0x20 && byte < 0x7f;
                if (utf8_is_plain_ascii((struct str){.data = text, .len = len}) != plain) {
                    fail_msg("byte %02x at %zu of %zu", byte, at, len);
                }
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_point),  cmocka_unit_test(test_every_short_sequence),
        cmocka_unit_test(test_malformed_classes), cmocka_unit_test(test_count),
        cmocka_unit_test(test_controls),          cmocka_unit_test(test_plain_ascii),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
