#pragma once
/*
 * Sorts numbers that have a key each, byte by byte of the key from the highest on, in place
 * (American flag sort; McIlroy, Bostic, McIlroy 1993): for the hashes of ids and the beginnings of
 * names, of which there are as many as rows. Any thread.
 */
#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

struct keyed {
    uint64_t key;
    uint32_t value;
};

/* By key, those with the same one by value. */
void keyed_sort(struct keyed *entries, size_t count);

/* By the texts that the values are the numbers of, in byte order; no two are the same. The keys are
 * overwritten. */
void keyed_sort_by_text(struct keyed *entries, size_t count, const struct str *texts);
