#pragma once
/*
 * Sixty-four bytes at once: which of them are a certain one, as a mask with a bit for each, the
 * lowest for the first byte. By SSE2, which every x86-64 has, else by words, as also where
 * BLOCK_BY_WORDS is defined, for tests. Any thread.
 *
 *     struct block block_load(const char *at)
 *     struct block block_with_bits(struct block block, unsigned char bits)   sets them in each byte
 *     uint64_t block_holds(struct block block, unsigned char byte)
 */
enum { BLOCK_BYTES = 64 };

#if defined(__SSE2__) && !defined(BLOCK_BY_WORDS)
#include "base/block_sse2.h"
#else
#include "base/block_words.h"
#endif
