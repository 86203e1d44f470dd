#include "infrastructure/refusal_index/refusal_index.h"

#include "base/assert.h"
#include "base/little_endian.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS_MIN = 64, ITEMS_MIN = 64, PLACE_BYTES = 40 };

void refusal_index_init(struct refusal_index *index)
{
    *index = (struct refusal_index){0};
}

void refusal_index_deinit(struct refusal_index *index)
{
    free(index->buckets);
    free(index->items);
    *index = (struct refusal_index){0};
}

/* --- by position --- */

/* Offsets of one log follow each other, so all bits must depend on all others: the finalizer of
 * SplitMix64 (Steele, Lea, Flood, OOPSLA 2014). */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static size_t bucket_of(const struct refusal_index *index, struct uuid log_id,
                        struct position position)
{
    uint64_t hash = mix(little_endian_get_u64(log_id.bytes));
    hash = mix(hash ^ little_endian_get_u64(log_id.bytes + 8));
    hash = mix(hash ^ (uint32_t)position.partition);
    hash = mix(hash ^ (uint64_t)position.offset);
    return hash & (index->bucket_count - 1);
}

static bool is_at(const struct refusal_item *item, struct uuid log_id, struct position position)
{
    return item->position.offset == position.offset &&
           item->position.partition == position.partition && uuid_equal(item->log_id, log_id);
}

struct refusal_item *refusal_index_find(const struct refusal_index *index, struct uuid log_id,
                                        struct position position)
{
    if (index->bucket_count == 0) {
        return NULL;
    }
    struct refusal_item *item = index->buckets[bucket_of(index, log_id, position)];
    while (item != NULL && !is_at(item, log_id, position)) {
        item = item->next;
    }
    return item;
}

struct refusal_item *refusal_index_find_id(const struct refusal_index *index, struct str id)
{
    struct uuid log_id;
    unsigned long long partition;
    unsigned long long offset;
    if (id.len <= UUID_TEXT_BYTES + 1 || id.data[UUID_TEXT_BYTES] != '-' ||
        !uuid_parse((struct str){id.data, UUID_TEXT_BYTES}, &log_id)) {
        return NULL;
    }
    struct str rest = {id.data + UUID_TEXT_BYTES + 1, id.len - UUID_TEXT_BYTES - 1};
    struct str first = str_split(&rest, '-');
    if (rest.data == NULL || !str_parse_u64(first, INT32_MAX, &partition) ||
        !str_parse_u64(rest, INT64_MAX, &offset)) {
        return NULL;
    }
    struct position position = {(int32_t)partition, (int64_t)offset};
    char canonical[REFUSAL_ID_BYTES]; /* without zeros in front */
    refusal_entry_write_id(log_id, position, canonical);
    return str_equal(id, str_from(canonical)) ? refusal_index_find(index, log_id, position) : NULL;
}

static void link_item(struct refusal_index *index, struct refusal_item *item)
{
    struct refusal_item **bucket = &index->buckets[bucket_of(index, item->log_id, item->position)];
    item->next = *bucket;
    *bucket = item;
}

static void unlink_item(struct refusal_index *index, const struct refusal_item *item)
{
    struct refusal_item **link = &index->buckets[bucket_of(index, item->log_id, item->position)];
    while (*link != item) {
        ASSERT(*link != NULL);
        link = &(*link)->next;
    }
    *link = item->next;
}

/* --- in order --- */

/* As the texts of the ids compare, which the logs' ids begin: their digits follow their bytes. */
static int compare_ids(const struct refusal_item *a, const struct refusal_item *b)
{
    int order = memcmp(a->log_id.bytes, b->log_id.bytes, UUID_BYTES);
    if (order != 0) {
        return order;
    }
    char left[PLACE_BYTES];
    char right[PLACE_BYTES];
    snprintf(left, sizeof left, "%" PRId32 "-%" PRId64, a->position.partition, a->position.offset);
    snprintf(right, sizeof right, "%" PRId32 "-%" PRId64, b->position.partition,
             b->position.offset);
    return strcmp(left, right);
}

static int compare_items(const struct refusal_item *a, const struct refusal_item *b)
{
    int order = (a->refused_at_ms > b->refused_at_ms) - (a->refused_at_ms < b->refused_at_ms);
    return order != 0 ? order : compare_ids(a, b);
}

static int compare_pointers(const void *a, const void *b)
{
    return compare_items(*(struct refusal_item *const *)a, *(struct refusal_item *const *)b);
}

static int compare_to_place(const struct refusal_item *item, const struct refusal_entry *place)
{
    if (item->refused_at_ms != place->refused_at_ms) {
        return item->refused_at_ms > place->refused_at_ms ? 1 : -1;
    }
    char id[REFUSAL_ID_BYTES];
    refusal_entry_write_id(item->log_id, item->position, id);
    return str_compare(str_from(id), place->id);
}

size_t refusal_index_below(const struct refusal_index *index, const struct refusal_entry *place)
{
    size_t low = 0;
    size_t high = index->count;
    if (place == NULL) {
        return high;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_to_place(refusal_index_at(index, middle), place) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static size_t place_of(const struct refusal_index *index, const struct refusal_item *item)
{
    size_t low = 0;
    size_t high = index->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_items(refusal_index_at(index, middle), item) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    ASSERT(low < index->count && refusal_index_at(index, low) == item);
    return low;
}

/* --- changing --- */

static enum status grow_buckets(struct refusal_index *index, size_t wanted)
{
    size_t bucket_count = index->bucket_count == 0 ? BUCKETS_MIN : index->bucket_count;
    while (bucket_count < wanted) {
        bucket_count *= 2;
    }
    if (bucket_count == index->bucket_count) {
        return STATUS_OK;
    }
    struct refusal_item **buckets = calloc(bucket_count, sizeof(struct refusal_item *));
    if (buckets == NULL) {
        return STATUS_NO_MEMORY;
    }
    free(index->buckets);
    index->buckets = buckets;
    index->bucket_count = bucket_count;
    for (size_t i = 0; i < index->count; i++) {
        link_item(index, refusal_index_at(index, i));
    }
    return STATUS_OK;
}

/* What was dropped in front is used again before the array grows; it then is at least half. */
static enum status make_room_behind(struct refusal_index *index, size_t count)
{
    size_t wanted = index->count + count;
    if (index->first + wanted <= index->capacity) {
        return STATUS_OK;
    }
    if (wanted > index->capacity / 2) {
        size_t capacity = index->capacity == 0 ? ITEMS_MIN : index->capacity;
        while (capacity < wanted * 2) {
            capacity *= 2;
        }
        struct refusal_item **items = realloc(index->items, capacity * sizeof *items);
        if (items == NULL) {
            return STATUS_NO_MEMORY;
        }
        index->items = items;
        index->capacity = capacity;
    }
    memmove(index->items, index->items + index->first, index->count * sizeof *index->items);
    index->first = 0;
    return STATUS_OK;
}

enum status refusal_index_reserve(struct refusal_index *index, size_t count)
{
    enum status status = grow_buckets(index, index->count + count);
    return status == STATUS_OK ? make_room_behind(index, count) : status;
}

/* Links those that are new and moves them to the front of the array; the first of two that are the
 * same comes in. Returns how many. */
static size_t link_new(struct refusal_index *index, struct refusal_item **items, size_t count)
{
    size_t added = 0;
    for (size_t i = 0; i < count; i++) {
        struct refusal_item *item = items[i];
        if (refusal_index_find(index, item->log_id, item->position) == NULL) {
            link_item(index, item);
            items[i] = items[added];
            items[added++] = item;
        }
    }
    return added;
}

/* New entries nearly always are the newest, so merging from behind moves little. */
size_t refusal_index_add(struct refusal_index *index, struct refusal_item **items, size_t count)
{
    ASSERT(index->first + index->count + count <= index->capacity);
    size_t added = link_new(index, items, count);
    if (added == 0) {
        return 0;
    }
    qsort(items, added, sizeof(struct refusal_item *), compare_pointers);
    struct refusal_item **held = index->items + index->first;
    size_t old = index->count;
    size_t left = added;
    index->count += added;
    for (size_t at = index->count; left > 0; at--) {
        bool newer = old > 0 && compare_items(held[old - 1], items[left - 1]) > 0;
        held[at - 1] = newer ? held[--old] : items[--left];
    }
    return added;
}

void refusal_index_remove(struct refusal_index *index, const struct refusal_item *item)
{
    size_t at = place_of(index, item);
    struct refusal_item **held = index->items + index->first;
    unlink_item(index, item);
    if (at < index->count / 2) {
        memmove(held + 1, held, at * sizeof(struct refusal_item *));
        index->first++;
    } else {
        memmove(held + at, held + at + 1, (index->count - at - 1) * sizeof(struct refusal_item *));
    }
    index->count--;
}
