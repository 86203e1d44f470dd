#pragma once
/* block.h by words. */
#include "base/word.h"

enum { BLOCK_WORDS = 8 };

struct block {
    uint64_t words[BLOCK_WORDS];
};

static inline struct block block_load(const char *at)
{
    struct block block;
    for (size_t i = 0; i < BLOCK_WORDS; i++) {
        block.words[i] = word_load(at + i * WORD_BYTES);
    }
    return block;
}

static inline struct block block_with_bits(struct block block, unsigned char bits)
{
    for (size_t i = 0; i < BLOCK_WORDS; i++) {
        block.words[i] |= word_of_each(bits);
    }
    return block;
}

/* Unlike those of word_holds all marks must be right: no carry goes from one byte into the next.
 * The product moves the mark of each byte into the highest one. */
static inline uint64_t block_holds(struct block block, unsigned char byte)
{
    uint64_t mask = 0;
    for (size_t i = 0; i < BLOCK_WORDS; i++) {
        uint64_t other = block.words[i] ^ word_of_each(byte);
        uint64_t same = ~(((other & word_of_each(0x7f)) + word_of_each(0x7f)) | other);
        uint64_t marks = (same & word_of_each(0x80)) >> 7;
        mask |= (marks * UINT64_C(0x0102040810204080) >> 56) << (WORD_BYTES * i);
    }
    return mask;
}
