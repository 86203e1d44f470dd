#pragma once
/*
 * Metadata taken apart before it is compressed, so that a compressor sees the same text again and
 * again instead of text with other numbers in it (the idea of CLP; Rodrigues, Luo, Yuan, OSDI
 * 2021). In the text
 *
 *     a word (of letters, digits and "_") that begins with a run of 8 to 62 hexadecimal digits in
 *     lower case, a letter and a decimal digit among them, has instead one byte with half the run's
 * length (4 to 31); the digits go, two in a byte, behind those of the runs before
 *
 *     a word that begins with a decimal number of up to 9 digits, the first of which is no zero
 *     that says nothing, has SPLIT_NUMBER instead; the value goes, as a varint, behind those of
 *     the numbers before
 *
 * what follows begins another word, and everything else stays. Bytes below 32, which JSON never
 * has, are free for that. One thread at a time.
 */
#include "base/arena.h"

#include <stdbool.h>

enum { SPLIT_NUMBER = 2, SPLIT_HEX_MIN = 4, SPLIT_HEX_MAX = 31 };

struct metadata_split {
    struct str text; /* with the numbers behind it */
    size_t numbers_at;
    struct str digits; /* of the hexadecimal runs */
};

/* False when `plain` has bytes below 32, and cannot be split; or without memory (out_split->text
 * is then NULL). The parts lie in the arena. */
bool metadata_split(struct str plain, struct arena *arena, struct metadata_split *out_split);

/* Writes the plain text, which must have exactly `len` bytes. False when it does not. */
bool metadata_join(const struct metadata_split *split, char *into, size_t len);
