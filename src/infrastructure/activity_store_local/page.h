#pragma once
/*
 * A page of a part: up to PAGE_ROWS rows, as part_format.h draws it. Its columns are one run and
 * are read at once; metadata lies behind them in blocks, each a run of its own. One thread at a
 * time.
 */
#include "base/arena.h"
#include "domain/activity.h"
#include "infrastructure/activity_store_local/bits.h"
#include "infrastructure/activity_store_local/metadata_split.h"
#include "infrastructure/activity_store_local/run.h"

enum {
    PAGE_ROWS = 256,
    PAGE_BLOCK_ROWS = 32, /* rows whose metadata is compressed together */
    PAGE_BLOCKS = PAGE_ROWS / PAGE_BLOCK_ROWS
};

/* A row on its way into a page; users and actions have their numbers already. */
struct page_row {
    const struct activity *activity;
    const struct uuid
        *uuid; /* the id, where it is known to be a UUID's text; NULL: it may be one */
    uint32_t user;
    uint32_t action;
    uint32_t source; /* which log and partition, as the footer counts them */
    int64_t offset;  /* there */
    /* Where the metadata was taken apart before, that, and of the activity's its length counts
     * only; else NULL. */
    const struct metadata_piece *piece;
    uint64_t salt; /* random, not 0; kept where the id is no UUIDv7 */
};

/* Compresses and expands metadata; NULL keeps it as it is. */
struct page_codec;

/* `dictionary` is copied; NO_MEMORY. */
MUST_USE enum status page_codec_new(struct str dictionary, int level,
                                    struct page_codec **out_codec);
void page_codec_free(struct page_codec *codec);
CLEANUP_FUNCTION(struct page_codec *, page_codec_free)

struct page_place {
    uint64_t offset;
    uint32_t columns_length; /* with the CRC; the blocks lie behind */
};

/* What writes pages. */
struct page_writer {
    struct run_output *output;
    struct page_codec *codec;
    struct arena *scratch; /* the caller resets it between pages */
};

/* Writes 1 to PAGE_ROWS rows in the order of answers. NO_MEMORY, and what the disk says. */
MUST_USE enum status page_write(const struct page_writer *writer, const struct page_row *rows,
                                size_t count, struct page_place *out_place, struct error *err);

enum page_column {
    COLUMN_BETWEEN, /* the milliseconds since the row before */
    COLUMN_ID_KIND,
    COLUMN_ID_MS,
    COLUMN_ID_FRACTION,
    COLUMN_ID_RANDOM,
    COLUMN_ID_TEXT_END,
    COLUMN_RECEIVED_AT,
    COLUMN_SOURCE,
    COLUMN_OFFSET,
    COLUMN_USER,
    COLUMN_ACTION,
    COLUMN_METADATA_BYTES,
    COLUMN_COUNT
};

static inline uint32_t page_count_of(uint32_t rows)
{
    return (rows + PAGE_ROWS - 1) / PAGE_ROWS;
}

struct packed_column {
    uint64_t base;
    unsigned width;
    const uint8_t *bits;
};

/* A page as its columns' bytes show it, which stay the caller's. */
struct page {
    struct packed_column columns[COLUMN_COUNT];
    int64_t timestamps[PAGE_ROWS]; /* in milliseconds, added up */
    struct str id_texts;
    uint32_t block_ends[PAGE_BLOCKS]; /* behind the columns, each with its CRC */
    uint32_t count;
    uint8_t received_from; /* how the time of receipt is kept */
    uint8_t salt_bytes;    /* before the text of each id */
};

/* `bytes` are a checked run without its CRC, with BITS_SLACK_BYTES readable behind. CORRUPT when
 * they are no page. */
MUST_USE enum status page_open(struct page *page, const uint8_t *bytes, size_t len,
                               struct error *err);

static inline uint64_t page_value(const struct page *page, enum page_column column, uint32_t row)
{
    const struct packed_column *packed = &page->columns[column];
    return packed->base + (packed->width == 0 ? 0 : bits_get(packed->bits, packed->width, row));
}

static inline uint32_t page_user(const struct page *page, uint32_t row)
{
    return (uint32_t)page_value(page, COLUMN_USER, row);
}

static inline uint32_t page_action(const struct page *page, uint32_t row)
{
    return (uint32_t)page_value(page, COLUMN_ACTION, row);
}

int64_t page_received_at(const struct page *page, uint32_t row);

enum { PAGE_ID_BYTES = 128 };

/* Whether the id is a UUID's text, and that. */
bool page_uuid(const struct page *page, uint32_t row, struct uuid *out_uuid);

/* The id; written into `space` unless it lies in the page. */
struct str page_id(const struct page *page, uint32_t row, char space[PAGE_ID_BYTES]);

/* The salt of the row; 0: it has none. A UUIDv7 needs none, since 62 of its bits are random, and
 * the first pages had none at all. */
uint64_t page_salt(const struct page *page, uint32_t row);

/* Where the block of metadata that holds the row lies behind the columns. */
struct run_place page_block(const struct page *page, uint32_t row);

enum { PAGE_BLOCK_BYTES_MAX = PAGE_BLOCK_ROWS << 24 };

/* Where the metadata of each row ends in the row's block once that is expanded, and how long that
 * is. Beyond PAGE_BLOCK_BYTES_MAX when the lengths are impossible. */
size_t page_metadata_ends(const struct page *page, uint32_t row,
                          uint32_t out_ends[PAGE_BLOCK_ROWS]);

/* The metadata of up to PAGE_BLOCK_ROWS rows as a block, in the arena: compressed where that is
 * shorter. Without a codec plain. NO_MEMORY. */
MUST_USE enum status page_block_encode(struct page_codec *codec, const struct page_row *rows,
                                       size_t count, struct arena *scratch, struct str *out_block);

/* The metadata of a block's rows without putting it together again. */
struct page_pieces {
    size_t count;                   /* rows */
    uint32_t ends[PAGE_BLOCK_ROWS]; /* of each in the plain text */
    bool apart; /* false: the block is kept in another way, and there are no pieces */
    struct metadata_piece items[PAGE_BLOCK_ROWS];
};

/* Finds the pieces of a block by the ends of its rows. They lie in the block, and in the codec
 * until it expands or cuts another. CORRUPT, NO_MEMORY. */
MUST_USE enum status page_block_cut(struct page_codec *codec, struct str block,
                                    struct page_pieces *pieces, struct error *err);

/* Expands a block that was read (without its CRC) into `block_bytes` bytes. CORRUPT, NO_MEMORY. */
MUST_USE enum status page_block_expand(struct page_codec *codec, struct str block, char *into,
                                       size_t block_bytes, struct error *err);
