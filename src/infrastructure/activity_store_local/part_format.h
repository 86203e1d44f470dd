#pragma once
/*
 * The parts of the local store. Everything else in this folder follows from this page.
 *
 * A part holds up to PART_ROWS_MAX activities that came from one stretch of an event log. It is
 * written once, from front to back, and never changed. Its rows stand in the order of answers: by
 * timestamp, then by id. Row numbers are 32 bits and begin at 0.
 *
 *     +--------+------+------+---+-------+-------+--------+-----+------------+
 *     | header | page | page | … | lists | users | filter | ids | dictionary |
 *     +--------+------+------+---+-------+-------+--------+-----+------------+
 *                                                  +-----------+--------+---------+
 *                                                  | directory | footer | trailer |
 *                                                  +-----------+--------+---------+
 *
 * Every byte is covered by a CRC-32C that stands with the smallest run of bytes that is read at
 * once, and no run leaves room for padding: a flipped bit is found wherever it is, by whoever reads
 * it, and `verify` reads all. A CRC starts with that of the part's name (store id and number), so
 * that a run of another part is not taken for one of this. Integers are little-endian; "varint" is
 * LEB128 of at most 10 bytes in its shortest form.
 *
 * Page: PAGE_ROWS rows (the last one fewer), so that what one row needs lies together.
 *
 *     columns       one run: how many rows, the length of each block of metadata, the first
 *                   timestamp, how the time of receipt is kept; then each column as base, bits for
 * each row and the packed differences to the base (bits.h), so that any row is found by its number:
 *                   time since the row before, id, received at, source, offset, user, action,
 *                   bytes of metadata; then the texts of ids
 *     metadata 0    one run each: that of the page's rows 0..31, 32..63, …; numbers taken out of
 * the metadata 1    text (metadata_split.h), then zstd with the part's dictionary and without its
 *     …             magic number, or plain where that is shorter
 *
 *   An id is what its kind says (2 bits): a UUIDv7 as its milliseconds behind the timestamp, 12
 *   bits behind them and 62 more; any other as an end in the texts behind the columns, where 8
 *   random bytes stand and behind them another UUID as 16 bytes, or the text. These bytes are the
 *   salt of the row's leaf in the chain (leaf.h); in a UUIDv7 its random bits do for that. The
 *   first pages had none, and the byte that says how the time of receipt is kept says that, too.
 *   Time of receipt is kept as its distance from the milliseconds in the id, where the id is a
 *   UUIDv7 (0, if this service minted it), else from the timestamp; or as it is, in a page where
 *   that takes fewer bits. Users and actions are numbers: the place of the text among all of the
 *   part in byte order.
 *
 * Users: blocks of NAMES_IN_BLOCK texts in byte order, front-coded (how many bytes are those of the
 * text before, how many follow), and with each the rows that carry it: how many; up to
 * LIST_INLINE_ROWS as varint differences right there, more as a place in the lists. One run for
 * each block, its first text stands in the directory. Actions are few and stand in the footer.
 *
 * Lists: the row numbers of users with many rows, in chunks of LIST_CHUNK_ROWS, packed as a column
 * is. One run for each chunk; behind the chunks of a list a run that says of each chunk its first
 * row and its place, so that the newest rows of a user are found without reading the others.
 *
 * Filter: whether an id can be in the part at all: blocks of 64 bytes (one for each ~46 ids), six
 * bits of one block for each id (a blocked Bloom filter; Putze, Sanders, Singler 2007). Kept in
 * memory. UUIDv7 whose milliseconds lie outside of those of the part are told by the footer,
 * without the filter.
 *
 * Ids: one entry of 4 bytes for each row, sorted by a seeded 64-bit hash of the id's text, in runs
 * of ID_RUN_ENTRIES. An entry is the row number in as many bits as the largest needs and, in the
 * bits above it, as many of the lower half of the hash. The upper half of the first hash of each
 * run stands in a run of its own, which is kept in memory and tells which run to read. Ids are
 * judged by the row itself, the hash only says where to look.
 *
 * Directory: for each page its place, the timestamp of its first and last row and 64 bits of which
 * each action sets the one of its number modulo 64; for each block of users its place and its first
 * text.
 *
 * Footer: the sections with place and length, counts (rows, users, actions), first and last
 * timestamp, milliseconds of receipt and of UUIDv7, the texts of the actions with the rows of each
 * by hour, and the positions: for each log and partition the offset from which the part begins and
 * that up to which it goes.
 *
 * Trailer (32 bytes): place and length of the footer, magic, CRC.
 *
 * Why it can be trusted after a crash: a part counts from the moment the manifest names it, and it
 * is named after file and directory were synced. A file that no manifest names is removed at
 * opening.
 */
#include "domain/position.h"
#include "infrastructure/activity_store_local/page.h"
#include "infrastructure/activity_store_local/run.h"

enum {
    PART_FORMAT = 1,
    PART_ROWS_MAX = 1 << 21,
    PART_HEADER_BYTES = 64,
    PART_TRAILER_BYTES = 32,
    PART_ACTIONS_MAX = 1 << 20,
    PART_SOURCES_MAX = 4096
};

/* Rows of one action in one hour since 1970. */
struct part_hour {
    uint32_t hour;
    uint32_t count;
};

struct part_action {
    struct str text;
    uint32_t count;
    struct part_hour *hours; /* ascending */
    uint32_t hour_count;
};

/* What a part holds of one partition of one log: offsets from `begin` up to `end`. */
struct part_source {
    struct uuid log_id;
    int32_t partition;
    int64_t begin;
    int64_t end;
};

/* The first and last of some milliseconds; `first` > `last`: there were none. */
struct part_range {
    int64_t first_ms;
    int64_t last_ms;
};

struct part_footer {
    uint32_t row_count;
    uint32_t user_count;
    struct part_range timestamps;
    struct part_range received;
    struct part_range id_times; /* the milliseconds in the ids that are UUIDv7 */
    struct run_place ids;       /* several runs */
    struct run_place id_firsts; /* upper half of the hash with which each of these begins */
    struct run_place filter;
    struct run_place dictionary; /* length 0: none */
    struct run_place directory;
    struct part_action *actions; /* in byte order of their texts */
    uint32_t action_count;
    struct part_source *sources;
    uint32_t source_count;
};

/* One page, as the directory names it. */
struct part_page {
    struct page_place place;
    int64_t first_ms;
    int64_t last_ms;
    uint64_t action_bits;
};

/* One block of users. */
struct part_names {
    struct run_place place;
    struct str first; /* text */
};

struct part_directory {
    struct part_page *pages;
    uint32_t page_count;
    struct part_names *names;
    uint32_t names_count;
};

struct part_trailer {
    struct run_place footer;
};

void part_header_encode(struct uuid store_id, uint64_t number, uint8_t out[PART_HEADER_BYTES]);

/* INVALID with words when it is a newer format, CORRUPT when it is none or another part's. */
MUST_USE enum status part_header_check(const uint8_t bytes[PART_HEADER_BYTES], struct uuid store_id,
                                       uint64_t number, struct error *err);

void part_trailer_encode(const struct part_trailer *trailer, uint32_t seed,
                         uint8_t out[PART_TRAILER_BYTES]);
MUST_USE enum status part_trailer_decode(const uint8_t bytes[PART_TRAILER_BYTES], uint32_t seed,
                                         struct part_trailer *out_trailer, struct error *err);

void part_footer_encode(const struct part_footer *footer, struct buffer *out_bytes);

/* Arrays and texts go into the arena. CORRUPT, NO_MEMORY. */
MUST_USE enum status part_footer_decode(const uint8_t *bytes, size_t len, struct arena *arena,
                                        struct part_footer *out_footer, struct error *err);

void part_directory_encode(const struct part_directory *directory, struct buffer *out_bytes);
MUST_USE enum status part_directory_decode(const uint8_t *bytes, size_t len, struct arena *arena,
                                           struct part_directory *out_directory, struct error *err);
