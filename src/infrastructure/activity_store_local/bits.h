#pragma once
/*
 * Numbers in as few bits as the largest of them needs, and varints: the two ways in which a part
 * keeps integers. A packed array is least significant bit first, so any element is found by its
 * index. Any thread.
 */
#include "base/buffer.h"
#include "base/little_endian.h"

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    BITS_SLACK_BYTES = 8, /* behind a packed array, whatever they hold */
    VARINT_BYTES_MAX = 10
};

/* The bits that `value` needs, 0 to 64. */
static inline unsigned bits_width(uint64_t value)
{
    return value == 0 ? 0 : 64 - (unsigned)__builtin_clzll(value);
}

static inline size_t bits_bytes(unsigned width, size_t count)
{
    return (width * count + 7) / 8;
}

/* Writes all of an array: how much each value is above `base`. Up to BITS_SLACK_BYTES behind it are
 * written, too. */
static inline void bits_pack(uint8_t *bytes, unsigned width, const uint64_t *values, size_t count,
                             uint64_t base)
{
    uint64_t word = 0;
    unsigned filled = 0; /* bits of the word */
    for (size_t i = 0; width > 0 && i < count; i++) {
        uint64_t value = values[i] - base;
        word |= value << filled;
        filled += width;
        if (filled >= 64) {
            little_endian_put_u64(bytes, word);
            bytes += sizeof word;
            filled -= 64;
            word = filled == 0 ? 0 : value >> (width - filled);
        }
    }
    little_endian_put_u64(bytes, word);
}

/* Up to BITS_SLACK_BYTES behind the array are read. */
static inline uint64_t bits_get(const uint8_t *bytes, unsigned width, size_t index)
{
    size_t at = width * index;
    unsigned shift = (unsigned)(at % 8);
    uint64_t word;
    memcpy(&word, bytes + at / 8, sizeof word);
    word = le64toh(word) >> shift;
    if (shift + width > 64) {
        word |= (uint64_t)bytes[at / 8 + 8] << (64 - shift);
    }
    return width == 64 ? word : word & ((UINT64_C(1) << width) - 1);
}

/* Small numbers of either sign become small ones without. */
static inline uint64_t zigzag(int64_t value)
{
    return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
}

static inline int64_t unzigzag(uint64_t value)
{
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

/* Writes the number; says how many bytes it took, at most VARINT_BYTES_MAX. */
static inline size_t varint_put(uint8_t *at, uint64_t value)
{
    size_t len = 0;
    for (; value >= 0x80; value >>= 7) {
        at[len++] = (uint8_t)(value | 0x80);
    }
    at[len++] = (uint8_t)value;
    return len;
}

static inline void varint_append(struct buffer *bytes, uint64_t value)
{
    uint8_t varint[VARINT_BYTES_MAX];
    buffer_append(bytes, varint, varint_put(varint, value));
}
