#pragma once
/*
 * Eight bytes at once, for finding the one byte that is special among many that are not ("Bit
 * Twiddling Hacks", Anderson, on words with a zero byte or with one below a limit). What is found
 * is a word of marks: 0 when there is no such byte, else its lowest mark is that of the first one;
 * higher marks may be wrong. Any thread.
 */
#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { WORD_BYTES = 8 };

/* The first byte becomes the lowest. */
static inline uint64_t word_load(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return le64toh(word);
}

static inline void word_store(char *at, uint64_t word)
{
    word = htole64(word);
    memcpy(at, &word, sizeof word);
}

static inline uint64_t word_of_each(unsigned char byte)
{
    return UINT64_C(0x0101010101010101) * byte;
}

/* Marks bytes below `limit`, which is 1 to 128. */
static inline uint64_t word_holds_below(uint64_t word, unsigned char limit)
{
    return (word - word_of_each(limit)) & ~word & word_of_each(0x80);
}

/* Marks bytes that are `byte`. */
static inline uint64_t word_holds(uint64_t word, unsigned char byte)
{
    return word_holds_below(word ^ word_of_each(byte), 1);
}

/* The place of the first byte that is marked, 0 to 7; there is one. */
static inline size_t word_first(uint64_t marks)
{
    enum { BITS_IN_BYTE = 8 };
    return (size_t)__builtin_ctzll(marks) / BITS_IN_BYTE;
}
