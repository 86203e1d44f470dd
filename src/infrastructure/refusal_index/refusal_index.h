#pragma once
/*
 * What the refused lists of this process find their entries by: a hash table over positions, so
 * that a position is listed once, and all entries in the order of answers, (refused_at_ms, id). An
 * adapter embeds the item in what it keeps of an entry. The caller serialises access.
 */
#include "application/refusal_list.h"

struct refusal_item {
    struct uuid log_id;
    struct position position;
    int64_t refused_at_ms;
    uint64_t signature;        /* of its users (refusal_subject.h) */
    struct refusal_item *next; /* in its bucket; the index's */
};

struct refusal_index {
    struct refusal_item **buckets; /* bucket_count of them, a power of two */
    size_t bucket_count;
    struct refusal_item **items; /* [first, first + count): the oldest first */
    size_t first;
    size_t count;
    size_t capacity;
};

/* About what an entry costs here with its item and what malloc adds: lists count it against their
 * maximum, so that a flood of tiny refusals is bounded, too. */
enum { REFUSAL_ITEM_BYTES = 128 };

/* Allocates nothing yet. */
void refusal_index_init(struct refusal_index *index);

/* The items themselves are the caller's to free. */
void refusal_index_deinit(struct refusal_index *index);

/* The item of a position, or NULL. */
struct refusal_item *refusal_index_find(const struct refusal_index *index, struct uuid log_id,
                                        struct position position);

/* The same by the id of an entry, whatever its text. */
struct refusal_item *refusal_index_find_id(const struct refusal_index *index, struct str id);

/* Makes room for so many more, so that adding them cannot fail. NO_MEMORY, and then nothing
 * changed. */
MUST_USE enum status refusal_index_reserve(struct refusal_index *index, size_t count);

/* Adds items, for which there must be room, and returns how many: they come to the front of the
 * array, in order. The rest of it are those whose position was there already. */
MUST_USE size_t refusal_index_add(struct refusal_index *index, struct refusal_item **items,
                                  size_t count);

/* Takes out an item that is there. Cheap near either end of the order. */
void refusal_index_remove(struct refusal_index *index, const struct refusal_item *item);

/* How many items stand before this place, which need not be one's; pages go on downward from
 * there. NULL: all of them. */
size_t refusal_index_below(const struct refusal_index *index, const struct refusal_entry *place);

/* The item at a place in the order, 0 the oldest. */
static inline struct refusal_item *refusal_index_at(const struct refusal_index *index, size_t at)
{
    return index->items[index->first + at];
}
