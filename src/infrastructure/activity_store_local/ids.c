#include "infrastructure/activity_store_local/ids.h"

#include "base/little_endian.h"
#include "domain/activity_id.h"

#include <stdlib.h>
#include <xxhash.h>

/* Changing it makes every part unreadable for ids. */
#define ID_HASH_SEED UINT64_C(0x7573657274726131)

enum { PROBES = 6, PROBE_BITS = 9 }; /* 512 bits of a block */

uint64_t id_hash(struct str id)
{
    return XXH3_64bits_withSeed(id.data, id.len, ID_HASH_SEED);
}

/* The digits of the time and the version tell; looking at the others, too, would cost more than it
 * is worth, for every id that comes is asked this. */
int64_t id_time_ms(struct str id)
{
    uint64_t ms = 0;
    if (id.len != UUID_TEXT_BYTES || id.data[8] != '-' || id.data[13] != '-' ||
        id.data[14] != '7') {
        return 0;
    }
    for (int i = 0; i < 13; i++) {
        unsigned digit = (unsigned char)id.data[i];
        ms = i == 8 ? ms : ms << 4 | ((digit & 0x0f) + (digit >> 6) * 9);
    }
    return (int64_t)ms;
}

/* An entry is the row and, above it, as many bits of the hash as fit beside the largest row. */
static unsigned row_bits(uint32_t count)
{
    return bits_width(count == 0 ? 0 : count - 1);
}

static uint32_t entry_make(const struct keyed *entry, unsigned bits)
{
    uint32_t fingerprint = bits >= 32 ? 0 : (uint32_t)entry->key >> bits << bits;
    return fingerprint | entry->value;
}

enum status id_index_write(struct run_output *output, const struct id_entries *ids,
                           struct run_place *out_place, uint32_t *out_firsts, struct error *err)
{
    struct keyed *entries = ids->entries;
    uint32_t count = ids->count;
    struct run_place whole = {.offset = run_output_offset(output)};
    unsigned bits = row_bits(count);
    enum status status = STATUS_OK;
    keyed_sort(entries, count);
    for (uint32_t at = 0; status == STATUS_OK && at < count; at += ID_RUN_ENTRIES) {
        uint8_t run[ID_RUN_BYTES];
        uint32_t left = count - at < ID_RUN_ENTRIES ? count - at : ID_RUN_ENTRIES;
        struct run_place place;
        out_firsts[at / ID_RUN_ENTRIES] = (uint32_t)(entries[at].key >> 32);
        for (uint32_t i = 0; i < left; i++) {
            little_endian_put_u32(run + i * ID_ENTRY_BYTES, entry_make(&entries[at + i], bits));
        }
        status = run_output_write(output, run, left * ID_ENTRY_BYTES, &place, err);
    }
    if (status == STATUS_OK) {
        whole.length = run_output_offset(output) - whole.offset;
        *out_place = whole;
    }
    return status;
}

/* The first run that may hold the hash: the one before the first that begins at or behind it. */
static uint32_t first_run(const struct id_index *index, uint32_t upper)
{
    uint32_t low = 0;
    uint32_t high = id_run_count(index->count);
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (index->firsts[middle] < upper) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low == 0 ? 0 : low - 1;
}

static enum status read_run(struct id_search *search, struct error *err)
{
    const struct id_index *index = search->index;
    uint32_t run = search->next_run++;
    uint32_t left = index->count - run * ID_RUN_ENTRIES;
    uint32_t entries = left < ID_RUN_ENTRIES ? left : ID_RUN_ENTRIES;
    uint64_t before = (uint64_t)run * (ID_RUN_BYTES + RUN_CRC_BYTES);
    struct run_place place = {.offset = index->place.offset + before,
                              .length = entries * ID_ENTRY_BYTES + RUN_CRC_BYTES};
    search->entry = 0;
    search->entry_count = entries;
    return run_read(index->file, index->seed, place, search->bytes, err);
}

void id_search_begin(struct id_search *search, const struct id_index *index, uint64_t hash)
{
    search->index = index;
    search->hash = hash;
    search->next_run = first_run(index, (uint32_t)(hash >> 32));
    search->entry = 0;
    search->entry_count = 0;
}

enum status id_search_next(struct id_search *search, uint32_t *out_row, struct error *err)
{
    const struct id_index *index = search->index;
    unsigned bits = row_bits(index->count);
    uint32_t wanted = entry_make(&(struct keyed){.key = search->hash}, bits);
    uint32_t rows_mask = bits >= 32 ? UINT32_MAX : (UINT32_C(1) << bits) - 1;
    for (;;) {
        while (search->entry < search->entry_count) {
            uint32_t entry =
                little_endian_get_u32(search->bytes + search->entry++ * (size_t)ID_ENTRY_BYTES);
            if ((entry & ~rows_mask) == wanted) {
                *out_row = entry & rows_mask;
                return STATUS_OK;
            }
        }
        if (search->next_run >= id_run_count(index->count) ||
            index->firsts[search->next_run] > (uint32_t)(search->hash >> 32)) {
            return STATUS_NOT_FOUND;
        }
        enum status status = read_run(search, err);
        if (status != STATUS_OK) {
            return status;
        }
    }
}

/* Filter ------------------------------------------------------------------------------------ */

size_t id_filter_bytes(uint32_t ids)
{
    size_t block_bits = (size_t)FILTER_BLOCK_BYTES * 8;
    size_t blocks = ((size_t)ids * FILTER_BITS_PER_ID + block_bits - 1) / block_bits;
    return (blocks == 0 ? 1 : blocks) * FILTER_BLOCK_BYTES;
}

/* The upper half of the hash chooses the block, the lower bits, spread by a multiplication, those
 * within. */
static size_t block_of(size_t bytes, uint64_t hash)
{
    uint64_t blocks = bytes / FILTER_BLOCK_BYTES;
    return (size_t)((hash >> 32) * blocks >> 32) * FILTER_BLOCK_BYTES;
}

static uint64_t spread(uint64_t hash)
{
    return (hash << 32 | hash >> 32) * UINT64_C(0x9e3779b97f4a7c15);
}

void id_filter_add(uint8_t *filter, size_t bytes, uint64_t hash)
{
    uint8_t *block = filter + block_of(bytes, hash);
    uint64_t probes = spread(hash) >> (64 - PROBES * PROBE_BITS);
    for (int i = 0; i < PROBES; i++, probes >>= PROBE_BITS) {
        block[probes >> 3 & 63] |= (uint8_t)(1u << (probes & 7));
    }
}

bool id_filter_may_hold(const uint8_t *filter, size_t bytes, uint64_t hash)
{
    const uint8_t *block = filter + block_of(bytes, hash);
    uint64_t probes = spread(hash) >> (64 - PROBES * PROBE_BITS);
    for (int i = 0; i < PROBES; i++, probes >>= PROBE_BITS) {
        if ((block[probes >> 3 & 63] >> (probes & 7) & 1) == 0) {
            return false;
        }
    }
    return true;
}
