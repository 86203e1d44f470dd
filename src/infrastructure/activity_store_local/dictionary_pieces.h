#pragma once
/*
 * Which pieces of sample texts make a good dictionary: those that hold most of what repeats in all
 * of them. COVER (Liao, Petri, Moffat, Wirth, WWW 2016) with counts in a hash table, as zstd's
 * trainer does it, too; that one tries many lengths of pieces with tables of megabytes, which cost
 * a head that is written more than compressing it. One thread at a time.
 */
#include "base/str.h"

#include <stddef.h>

/* Writes up to `room` bytes of the samples, and at most an eighth of theirs; says how many. 0 when
 * they are too short, or without memory. */
size_t dictionary_pieces_choose(struct str samples, char *into, size_t room);
