#pragma once
/*
 * The activities themselves: a record of fixed size for each, in chunks that never move, and one
 * block for its texts. An id that is a UUID's text is kept as 16 bytes, whose byte order is that of
 * the text; of any other id the first 16 bytes stand in the record, too, so that most comparisons
 * need not look into the block. Users and actions are numbers here (memory_names.h). Reading under
 * the store's lock, changing under its write lock.
 */
#include "base/uuid.h"
#include "domain/activity.h"
#include "infrastructure/activity_table/memory_index.h"
#include "infrastructure/activity_table/memory_pool.h"

struct memory_texts {
    uint32_t metadata_len;
    uint8_t id_len; /* 0: the id is a UUID and stands in the row */
    char bytes[];   /* id, metadata */
};

struct memory_row {
    int64_t timestamp_ms;
    int64_t received_at_ms;
    struct uuid id;             /* when its text is a UUID's; else the first bytes of the text,
                                   padded with zeros */
    uint32_t user;              /* MEMORY_NONE: the record is free */
    uint32_t action;            /* of a free record: the next free one */
    struct memory_texts *texts; /* NULL: the id is a UUID and the metadata is "{}" */
};

/* Whether the id is a UUID's text, and `id` all of it. */
static inline bool memory_row_has_uuid(const struct memory_row *row)
{
    return row->texts == NULL || row->texts->id_len == 0;
}

enum { MEMORY_ROWS_IN_CHUNK = 4096 };

struct memory_rows {
    struct memory_row **chunks;
    uint32_t chunk_count;
    uint32_t chunk_capacity;
    uint32_t used; /* records handed out so far, free ones included */
    uint32_t free; /* newest free record, or MEMORY_NONE */
    uint32_t live;
};

/* How a row's place in the order of answers begins: in most cases enough to tell two rows apart
 * without looking at them. */
struct memory_mark {
    int64_t timestamp_ms;
    uint64_t id_start; /* the first 63 bits of the id as in struct memory_row, then 1 for a UUID */
};

/* A row with its mark, so that finding its place need not look at the row. */
struct memory_entry {
    struct memory_mark mark;
    uint32_t row;
};

/* A place in the order of answers, made ready for comparing with rows. */
struct memory_key {
    struct memory_mark mark;
    struct str id;    /* {NULL, 0}: that of `uuid`, not written out */
    struct uuid uuid; /* the id, or how it begins: as in struct memory_row */
    bool is_uuid;
};

struct memory_key memory_key_make(struct activity_key key);

void memory_rows_init(struct memory_rows *rows);
void memory_rows_deinit(struct memory_rows *rows, struct memory_pool *pool);

static inline struct memory_row *memory_rows_at(const struct memory_rows *rows, uint32_t row)
{
    return &rows->chunks[row / MEMORY_ROWS_IN_CHUNK][row % MEMORY_ROWS_IN_CHUNK];
}

static inline bool memory_rows_is_live(const struct memory_rows *rows, uint32_t row)
{
    return memory_rows_at(rows, row)->user != MEMORY_NONE;
}

/* Keeps a copy of the activity but for its user and action, which the caller sets before anything
 * else. Returns MEMORY_NONE without memory. `key` is the activity's own. */
uint32_t memory_rows_add(struct memory_rows *rows, struct memory_pool *pool,
                         const struct memory_key *key, const struct activity *activity);

void memory_rows_release(struct memory_rows *rows, struct memory_pool *pool, uint32_t row);

struct memory_mark memory_row_mark(const struct memory_row *row);

/* Below or above 0: the one mark's row stands before or behind the other's. 0: the marks do not
 * tell. */
static inline int memory_mark_compare(struct memory_mark a, struct memory_mark b)
{
    if (a.timestamp_ms != b.timestamp_ms) {
        return a.timestamp_ms < b.timestamp_ms ? -1 : 1;
    }
    bool alike = (a.id_start & 1) == (b.id_start & 1);
    return alike ? (a.id_start > b.id_start) - (a.id_start < b.id_start) : 0;
}

/* Below, equal or above 0: the row against the key, in the order of answers. */
int memory_row_compare(const struct memory_row *row, const struct memory_key *key);

/* Two rows in the order of answers. */
int memory_rows_compare(const struct memory_rows *rows, uint32_t a, uint32_t b);

/* The texts, as long as the lock is held. A UUID is written into `space`. */
struct str memory_row_id(const struct memory_row *row, char space[UUID_TEXT_BYTES]);
struct str memory_row_metadata(const struct memory_row *row);

/* The row's own key; it points into the row's texts. */
struct memory_key memory_row_key(const struct memory_row *row);

bool memory_row_has_id(const struct memory_row *row, const struct memory_key *key);
