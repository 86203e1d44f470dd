#pragma once
/*
 * Sixty-four bytes at once: which of them are a certain one, as a mask with a bit for each, the
 * lowest for the first byte. By SSE2, which every x86-64 has, else by words, as also where
 * BLOCK_BY_WORDS is defined, for tests. Any thread.
 */
#include "base/word.h"

#if defined(__SSE2__) && !defined(BLOCK_BY_WORDS)
#define BLOCK_BY_SSE2
#include <emmintrin.h>
#endif

enum { BLOCK_BYTES = 64 };

#ifdef BLOCK_BY_SSE2

struct block {
    __m128i quarters[4];
};

static inline struct block block_load(const char *at)
{
    struct block block;
    for (size_t i = 0; i < 4; i++) {
        block.quarters[i] = _mm_loadu_si128((const __m128i *)(const void *)at + i);
    }
    return block;
}

/* Each byte with `bits` set in it. */
static inline struct block block_with_bits(struct block block, unsigned char bits)
{
    for (size_t i = 0; i < 4; i++) {
        block.quarters[i] = _mm_or_si128(block.quarters[i], _mm_set1_epi8((char)bits));
    }
    return block;
}

static inline uint64_t block_holds(struct block block, unsigned char byte)
{
    uint64_t mask = 0;
    for (size_t i = 0; i < 4; i++) {
        __m128i same = _mm_cmpeq_epi8(block.quarters[i], _mm_set1_epi8((char)byte));
        mask |= (uint64_t)(unsigned)_mm_movemask_epi8(same) << (16 * i);
    }
    return mask;
}

#else

struct block {
    uint64_t words[BLOCK_BYTES / WORD_BYTES];
};

static inline struct block block_load(const char *at)
{
    struct block block;
    for (size_t i = 0; i < BLOCK_BYTES / WORD_BYTES; i++) {
        block.words[i] = word_load(at + i * WORD_BYTES);
    }
    return block;
}

static inline struct block block_with_bits(struct block block, unsigned char bits)
{
    for (size_t i = 0; i < BLOCK_BYTES / WORD_BYTES; i++) {
        block.words[i] |= word_of_each(bits);
    }
    return block;
}

/* Unlike those of word_holds all marks must be right: no carry goes from one byte into the next.
 * The product moves the mark of each byte into the highest one. */
static inline uint64_t block_holds(struct block block, unsigned char byte)
{
    uint64_t mask = 0;
    for (size_t i = 0; i < BLOCK_BYTES / WORD_BYTES; i++) {
        uint64_t other = block.words[i] ^ word_of_each(byte);
        uint64_t same = ~(((other & word_of_each(0x7f)) + word_of_each(0x7f)) | other);
        uint64_t marks = (same & word_of_each(0x80)) >> 7;
        mask |= (marks * UINT64_C(0x0102040810204080) >> 56) << (WORD_BYTES * i);
    }
    return mask;
}

#endif
