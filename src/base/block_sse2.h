#pragma once
/* block.h by SSE2. */
#include <emmintrin.h>
#include <stddef.h>
#include <stdint.h>

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
