#pragma once
/*
 * Hexadecimal digits of a text: one, or eight at once in the bytes of a word as word_load makes it.
 * Eight go without a branch, since digits are mostly random, and branches on them are guessed
 * wrong. Any thread.
 */
#include "base/little_endian.h"
#include "base/word.h"

#include <stdbool.h>

/* The value of one digit in either case; false: it is none. */
static inline bool digits_parse_hex(char digit, unsigned *out_value)
{
    if (digit >= '0' && digit <= '9') {
        *out_value = (unsigned)(digit - '0');
    } else if ((digit >= 'a' && digit <= 'f') || (digit >= 'A' && digit <= 'F')) {
        *out_value = (unsigned)((digit | 0x20) - 'a') + 10;
    } else {
        return false;
    }
    return true;
}

/* `len` bytes from twice as many digits in either case; false: there is another character. */
static inline bool digits_parse_bytes(const char *digits, size_t len, uint8_t *out_bytes)
{
    for (size_t i = 0; i < len; i++) {
        unsigned high;
        unsigned low;
        if (!digits_parse_hex(digits[2 * i], &high) || !digits_parse_hex(digits[2 * i + 1], &low)) {
            return false;
        }
        out_bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* Twice as many digits as there are bytes, in lower case. */
static inline void digits_write_bytes(const uint8_t *bytes, size_t len, char *out_digits)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        out_digits[2 * i] = digits[bytes[i] >> 4];
        out_digits[2 * i + 1] = digits[bytes[i] & 0x0f];
    }
}

/* Marks exactly those bytes that are above `last`, which is at most 127. */
static inline uint64_t digits_above(uint64_t word, unsigned char last)
{
    uint64_t low = word & word_of_each(0x7f);
    return ((low + word_of_each((unsigned char)(0x7f - last))) | word) & word_of_each(0x80);
}

/* Marks exactly those bytes that are no decimal digit. */
static inline uint64_t digits_not_decimal(uint64_t word)
{
    return digits_above(word ^ word_of_each('0'), 9);
}

/* Marks exactly those bytes that are none of a to f. */
static inline uint64_t digits_not_letter(uint64_t word)
{
    uint64_t letter = word ^ word_of_each('a' - 1);
    return (digits_above(letter, 6) | ~digits_above(letter, 0)) & word_of_each(0x80);
}

/* The four bytes that eight hexadecimal digits in lower case stand for, the first one lowest. */
static inline uint32_t digits_hex_value(uint64_t word)
{
    word = (word & word_of_each(0x0f)) + (word >> 6 & word_of_each(1)) * 9;
    word = (word << 4 | word >> 8) & UINT64_C(0x00ff00ff00ff00ff);
    word = (word | word >> 8) & UINT64_C(0x0000ffff0000ffff);
    return (uint32_t)(word | word >> 16);
}

/* Says of eight digits in lower case, the bytes of a word, what is wrong with them: 0, nothing.
 * Then the four bytes that they stand for are in `out_bytes`. */
static inline uint64_t digits_parse_eight(uint64_t word, uint8_t out_bytes[4])
{
    little_endian_put_u32(out_bytes, digits_hex_value(word));
    return digits_not_decimal(word) & digits_not_letter(word);
}

/* Eight digits for four bytes, the first one lowest. */
static inline uint64_t digits_of_hex(uint32_t bytes)
{
    uint64_t word = bytes;
    word = (word | word << 16) & UINT64_C(0x0000ffff0000ffff);
    word = (word | word << 8) & UINT64_C(0x00ff00ff00ff00ff);
    word = (word >> 4 | word << 8) & word_of_each(0x0f);
    uint64_t letters = (word + word_of_each(6)) >> 4 & word_of_each(1);
    return word + word_of_each('0') + letters * ('a' - '0' - 10);
}
