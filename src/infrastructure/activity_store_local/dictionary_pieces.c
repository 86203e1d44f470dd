#include "infrastructure/activity_store_local/dictionary_pieces.h"

#include "base/word.h"

#include <stdint.h>
#include <stdlib.h>

enum {
    SLOT_BITS = 16,
    PIECE_BYTES = 1024,
    WORDS_IN_PIECE = PIECE_BYTES - WORD_BYTES + 1, /* one begins at each byte */
    SAMPLES_SHARE = 8
};

/* Words of WORD_BYTES bytes, counted by their hash. */
struct word_counts {
    uint16_t of_samples[1 << SLOT_BITS]; /* not yet in the dictionary */
    uint16_t of_piece[1 << SLOT_BITS];
};

static size_t slot_of(const char *word)
{
    return (size_t)(word_load(word) * UINT64_C(0xcf1bbcdcb7a56463) >> (64 - SLOT_BITS));
}

static size_t word_count(struct str text)
{
    return text.len < WORD_BYTES ? 0 : text.len - WORD_BYTES + 1;
}

static void count_samples(struct word_counts *counts, struct str samples)
{
    for (size_t i = 0; i < word_count(samples); i++) {
        uint16_t *count = &counts->of_samples[slot_of(samples.data + i)];
        *count = (uint16_t)(*count + (*count < UINT16_MAX));
    }
}

/* The piece of the text whose words, each taken once, are the most frequent together. */
static struct str best_piece(struct word_counts *counts, struct str text)
{
    size_t begin = 0;
    size_t best = 0;
    uint64_t score = 0;
    uint64_t best_score = 0;
    for (size_t end = 0; end < word_count(text); end++) {
        size_t entering = slot_of(text.data + end);
        score += counts->of_piece[entering]++ == 0 ? counts->of_samples[entering] : 0;
        if (end - begin == WORDS_IN_PIECE) {
            size_t leaving = slot_of(text.data + begin++);
            score -= --counts->of_piece[leaving] == 0 ? counts->of_samples[leaving] : 0;
        }
        if (score > best_score) {
            best_score = score;
            best = begin;
        }
    }
    for (; begin < word_count(text); begin++) {
        counts->of_piece[slot_of(text.data + begin)]--;
    }
    size_t left = text.len - best;
    return (struct str){text.data + best, left < PIECE_BYTES ? left : PIECE_BYTES};
}

/* What the dictionary holds is worth nothing a second time. */
static void forget_words(struct word_counts *counts, struct str piece)
{
    for (size_t i = 0; i < word_count(piece); i++) {
        counts->of_samples[slot_of(piece.data + i)] = 0;
    }
}

size_t dictionary_pieces_choose(struct str samples, char *into, size_t room)
{
    size_t share = samples.len / SAMPLES_SHARE;
    size_t pieces = (share < room ? share : room) / PIECE_BYTES;
    struct word_counts *counts = pieces == 0 ? NULL : calloc(1, sizeof *counts);
    size_t len = 0;
    if (counts == NULL) {
        return 0;
    }
    count_samples(counts, samples);
    for (size_t i = 0; i < pieces; i++) {
        size_t from = samples.len / pieces * i;
        struct str piece =
            best_piece(counts, (struct str){samples.data + from, samples.len / pieces});
        forget_words(counts, piece);
        memcpy(into + len, piece.data, piece.len);
        len += piece.len;
    }
    free(counts);
    return len;
}
