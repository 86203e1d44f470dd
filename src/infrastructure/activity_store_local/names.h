#pragma once
/*
 * The users of a part, in byte order, and the rows of each: blocks of texts with short lists of
 * rows inside, and longer lists in chunks of their own, as part_format.h draws them. Writing: one
 * thread. Reading holds no state, so any thread with buffers of its own.
 */
#include "infrastructure/activity_store_local/reading.h"
#include "infrastructure/activity_store_local/run.h"

enum { NAMES_IN_BLOCK = 64, NAME_BYTES_MAX = 1024, LIST_INLINE_ROWS = 32, LIST_CHUNK_ROWS = 128 };

static inline uint32_t name_block_count(uint32_t names)
{
    return (names + NAMES_IN_BLOCK - 1) / NAMES_IN_BLOCK;
}

/* Rows of one user, ascending. */
struct rows_of_name {
    struct str text;
    const uint32_t *rows;
    uint32_t count; /* >= 1 */
};

/* Writes chunks and their index for a list that is too long to stand in a block. */
MUST_USE enum status list_write(struct run_output *output, const struct rows_of_name *name,
                                struct run_place *out_index, struct error *err);

/* A block under construction. */
struct name_block {
    struct buffer bytes;
    char last[NAME_BYTES_MAX];
    size_t last_len;
    uint32_t count;
};

void name_block_init(struct name_block *block);
void name_block_deinit(struct name_block *block);

/* Adds a name behind the ones before. `index` is the place of its list, unless that stands inside.
 */
void name_block_add(struct name_block *block, const struct rows_of_name *name,
                    struct run_place index);

/* What a block says of one name. */
struct name_found {
    uint32_t number;                 /* within the block */
    uint32_t count;                  /* of rows */
    struct run_place index;          /* of a long list */
    uint32_t rows[LIST_INLINE_ROWS]; /* of a short one */
};

/* Looks a text up in a block (its run without the CRC). NOT_FOUND, and `err` as it was: nobody
 * needs to be known. CORRUPT. */
MUST_USE enum status name_block_find(struct reading block, struct str text,
                                     struct name_found *out_found, struct error *err);

/* The names of a block, one after the other: each text needs the one before. */
struct name_reading {
    struct reading bytes;
    char text[NAME_BYTES_MAX]; /* of the name that was read last */
    size_t text_len;
};

static inline void name_reading_begin(struct name_reading *name, struct reading block)
{
    name->bytes = block;
    name->text_len = 0;
}

static inline struct str name_reading_text(const struct name_reading *name)
{
    return (struct str){.data = name->text, .len = name->text_len};
}

/* Reads the next name of the block; `found->number` is left as it is. CORRUPT, also behind the last
 * one. */
MUST_USE enum status name_reading_next(struct name_reading *name, struct name_found *found,
                                       struct error *err);

/* The text of the name with this number within the block, written into `space`. CORRUPT. */
MUST_USE enum status name_block_text(struct reading block, uint32_t number,
                                     char space[NAME_BYTES_MAX], struct str *out_text,
                                     struct error *err);

/* One chunk of a list, as the list's index names it. */
struct list_chunk {
    uint32_t first_row;
    struct run_place place;
};

static inline uint32_t list_chunk_count(uint32_t rows)
{
    return (rows + LIST_CHUNK_ROWS - 1) / LIST_CHUNK_ROWS;
}

/* Reads the index (its run without the CRC) of a list of `count` rows into list_chunk_count(count)
 * chunks. CORRUPT. */
MUST_USE enum status list_index_read(struct reading bytes, struct run_place index, uint32_t count,
                                     struct list_chunk *out_chunks, struct error *err);

/* Reads a chunk (its run without the CRC, with BITS_SLACK_BYTES behind). CORRUPT. */
MUST_USE enum status list_chunk_read(struct reading chunk, uint32_t out_rows[LIST_CHUNK_ROWS],
                                     uint32_t *out_count, struct error *err);
