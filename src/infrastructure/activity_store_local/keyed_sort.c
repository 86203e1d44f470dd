#include "infrastructure/activity_store_local/keyed_sort.h"

#include <endian.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    BYTE_VALUES = 256,
    BYTE_BITS = 8,
    FIRST_SHIFT = 64 - BYTE_BITS,
    FEW = 32 /* that many are inserted one by one */
};

static bool comes_before(const struct keyed *a, const struct keyed *b)
{
    return a->key != b->key ? a->key < b->key : a->value < b->value;
}

static int compare(const void *a, const void *b)
{
    return comes_before(b, a) - comes_before(a, b);
}

static void sort_few(struct keyed *entries, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct keyed entry = entries[i];
        size_t at = i;
        for (; at > 0 && comes_before(&entry, &entries[at - 1]); at--) {
            entries[at] = entries[at - 1];
        }
        entries[at] = entry;
    }
}

static size_t byte_at(const struct keyed *entry, unsigned shift)
{
    return (size_t)(entry->key >> shift & (BYTE_VALUES - 1));
}

/* Puts the entries in the order of one byte; says where those of each value end. */
static void sort_by_byte(struct keyed *entries, size_t count, unsigned shift,
                         size_t out_ends[BYTE_VALUES])
{
    size_t next[BYTE_VALUES] = {0};
    size_t end = 0;
    for (size_t i = 0; i < count; i++) {
        next[byte_at(&entries[i], shift)]++;
    }
    for (size_t byte = 0; byte < BYTE_VALUES; byte++) {
        size_t size = next[byte];
        next[byte] = end;
        end += size;
        out_ends[byte] = end;
    }
    for (size_t byte = 0; byte < BYTE_VALUES; byte++) {
        while (next[byte] < out_ends[byte]) {
            struct keyed *at = &entries[next[byte]];
            size_t home = byte_at(at, shift);
            if (home == byte) {
                next[byte]++;
                continue;
            }
            struct keyed moved = entries[next[home]];
            entries[next[home]++] = *at;
            *at = moved;
        }
    }
}

static void sort_from(struct keyed *entries, size_t count, unsigned shift)
{
    size_t ends[BYTE_VALUES];
    size_t begin = 0;
    if (count <= FEW) {
        sort_few(entries, count);
        return;
    }
    sort_by_byte(entries, count, shift, ends);
    for (size_t byte = 0; byte < BYTE_VALUES; begin = ends[byte++]) {
        if (shift > 0) {
            sort_from(entries + begin, ends[byte] - begin, shift - BYTE_BITS);
        } else if (ends[byte] - begin > 1) { /* the same key, however many there are */
            qsort(entries + begin, ends[byte] - begin, sizeof *entries, compare);
        }
    }
}

/* Names often begin all alike, and then there is nothing to do. */
static bool is_sorted(const struct keyed *entries, size_t count)
{
    size_t at = 1;
    while (at < count && !comes_before(&entries[at], &entries[at - 1])) {
        at++;
    }
    return at >= count;
}

void keyed_sort(struct keyed *entries, size_t count)
{
    if (!is_sorted(entries, count)) {
        sort_from(entries, count, FIRST_SHIFT);
    }
}

/* Texts ------------------------------------------------------------------------------------- */

/* The bytes from `from` on as a number, the first of them the highest; 0 for those behind the end.
 */
static uint64_t bytes_from(struct str text, size_t from)
{
    uint64_t bytes = 0;
    size_t left = text.len < from ? 0 : text.len - from;
    memcpy(&bytes, text.data + text.len - left, left < sizeof bytes ? left : sizeof bytes);
    return be64toh(bytes);
}

/* Texts that are the same up to their ends and zeros behind them differ in length. */
static bool take_keys(struct keyed *entries, size_t count, const struct str *texts, size_t from)
{
    bool more = false;
    for (size_t i = 0; i < count; i++) {
        struct str text = texts[entries[i].value];
        entries[i].key = bytes_from(text, from);
        more |= text.len > from;
    }
    for (size_t i = 0; !more && i < count; i++) {
        entries[i].key = texts[entries[i].value].len;
    }
    return more;
}

/* Texts that are the same up to `from`. */
static void sort_texts_from(struct keyed *entries, size_t count, const struct str *texts,
                            size_t from)
{
    bool more = take_keys(entries, count, texts, from);
    keyed_sort(entries, count);
    for (size_t begin = 0, end = 0; more && begin < count; begin = end) {
        while (end < count && entries[end].key == entries[begin].key) {
            end++;
        }
        if (end - begin > 1) {
            sort_texts_from(entries + begin, end - begin, texts, from + sizeof(uint64_t));
        }
    }
}

void keyed_sort_by_text(struct keyed *entries, size_t count, const struct str *texts)
{
    sort_texts_from(entries, count, texts, 0);
}
