#pragma once
/*
 * Metadata taken apart before it is compressed, so that a compressor sees the same text again and
 * again instead of text with other numbers in it (the idea of CLP; Rodrigues, Luo, Yuan, OSDI
 * 2021). In the text
 *
 *     a word (of letters, digits and "_") that begins with a run of 8 to 62 hexadecimal digits in
 *     lower case, a letter and a decimal digit among them, has instead one byte with half the
 *     run's length (4 to 31); the digits go, two in a byte, behind those of the runs before
 *
 *     a word that begins with a decimal number of up to 9 digits, the first of which is no zero
 *     that says nothing, has SPLIT_NUMBER instead; the value goes, as a varint, behind those of
 *     the numbers before
 *
 * what follows begins another word, and everything else stays. Bytes below 32, which JSON never
 * has, are free for that. One thread at a time.
 */
#include "base/arena.h"
#include "infrastructure/activity_store_local/reading.h"

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

/* What stands for the metadata of one row in a text that was taken apart together with that of
 * others. No run and no number goes from one row into the next, since each row is a JSON object, so
 * pieces of several texts can stand behind one another as if they had been taken apart together. */
struct metadata_piece {
    struct str text; /* without numbers */
    struct str numbers;
    struct str digits;
};

/* Cuts a split text into its rows. */
struct metadata_cutting {
    const char *text;
    const char *text_end;
    struct reading numbers;
    struct reading digits;
};

void metadata_cutting_begin(struct metadata_cutting *cutting, const struct metadata_split *split);

/* The piece that stands for the next `len` bytes of the plain text. False: none ends there. */
bool metadata_cutting_next(struct metadata_cutting *cutting, size_t len,
                           struct metadata_piece *out_piece);

/* Nothing is left. */
bool metadata_cutting_is_complete(const struct metadata_cutting *cutting);

/* As metadata_join, of one piece. */
bool metadata_piece_join(const struct metadata_piece *piece, char *into, size_t len);

/* Writes the plain text, which must have exactly `len` bytes. False when it does not. */
bool metadata_join(const struct metadata_split *split, char *into, size_t len);
