#pragma once
/*
 * Reading a part. A part is opened once and shared by all threads; each reader has a view of its
 * own, which keeps the page and the block of metadata that it read last. CORRUPT names what is
 * damaged.
 */
#include "infrastructure/activity_store_local/ids.h"
#include "infrastructure/activity_store_local/names.h"
#include "infrastructure/activity_store_local/part_format.h"
#include "infrastructure/activity_store_local/part_writer.h"

struct part;

/* Reads everything that is kept in memory: footer, directory, filter, dictionary. INVALID: a newer
 * format. CORRUPT, NO_MEMORY, NOT_FOUND, UNAVAILABLE. */
MUST_USE enum status part_open(struct disk *disk, const char *path, const struct part_name *name,
                               struct part **out_part, struct error *err);

/* Takes NULL. No view of it may be left. */
void part_close(struct part *part);
CLEANUP_FUNCTION(struct part *, part_close)

const struct part_footer *part_footer(const struct part *part);
const struct part_directory *part_directory(const struct part *part);

/* As it was given when the part was opened. */
const struct part_name *part_name(const struct part *part);

/* Bytes in the file. */
uint64_t part_size(const struct part *part);

/* An id with what is computed from it once, however many parts are asked; its hash when the first
 * one needs it. */
struct id_key {
    struct str text;
    int64_t time_ms;
    bool hashed;
    uint64_t hash;
};

struct id_key id_key_make(struct str id);

/* False: no row has it. True: one may, and part_view_find_id tells. Looks into memory only. */
bool part_may_hold_id(const struct part *part, struct id_key *key);

/* CORRUPT, with words that name the part. */
MUST_USE enum status part_corrupt(const struct part *part, const char *what, struct error *err);

/* Reads every byte once and checks it. CORRUPT at the first that is wrong. */
MUST_USE enum status part_verify(struct part *part, struct error *err);

/* Hears what is wrong, some of it more than once. False: that is enough. */
struct part_faults {
    bool (*add)(struct part_faults *faults, const struct error *err);
};

/* The same, and goes on behind what is wrong. OK when all was looked at, whatever was wrong;
 * CORRUPT when the faults were enough. NO_MEMORY, and what the disk says. */
MUST_USE enum status part_verify_all(struct part *part, struct part_faults *faults,
                                     struct error *err);

/* --- views --- */

struct part_view;

/* NO_MEMORY. */
MUST_USE enum status part_view_new(struct part *part, struct part_view **out_view,
                                   struct error *err);
void part_view_free(struct part_view *view);
CLEANUP_FUNCTION(struct part_view *, part_view_free)

/* What it reads. */
const struct part *part_view_part(const struct part_view *view);

/* The page that holds the row; stays until another page is asked for. */
MUST_USE enum status part_view_page(struct part_view *view, uint32_t row,
                                    const struct page **out_page, struct error *err);

/* The metadata of a row; stays until another row is asked for. */
MUST_USE enum status part_view_metadata(struct part_view *view, uint32_t row,
                                        struct str *out_metadata, struct error *err);

/* A row as its page has it: user and action as numbers, their texts absent. */
struct part_numbered_row {
    struct activity activity; /* the texts stay until another row is asked for */
    uint32_t user;
    uint32_t action;
    uint32_t source; /* of the footer */
    int64_t offset;
    uint64_t salt;    /* 0 without one */
    bool has_uuid;    /* the id is a UUID's text ... */
    struct uuid uuid; /* ... of this */
};

/* Copies nothing; quickest row by row, when each page and block is read but once. */
MUST_USE enum status part_view_numbered_row(struct part_view *view, uint32_t row,
                                            struct part_numbered_row *out_row, struct error *err);

/* The same, with the metadata as it was taken apart. */
struct part_row_apart {
    struct part_numbered_row row;
    bool apart;                  /* then the row's own metadata has a length only ... */
    struct metadata_piece piece; /* ... and this stays until another row is asked for */
};

MUST_USE enum status part_view_row_apart(struct part_view *view, uint32_t row,
                                         struct part_row_apart *out_row, struct error *err);

/* An activity and where it came from. */
struct part_row {
    struct activity activity;
    uint32_t source; /* of the footer */
    int64_t offset;
    uint64_t salt; /* 0 without one */
};

/* The whole row; its texts stay until another row is asked for. */
MUST_USE enum status part_view_look(struct part_view *view, uint32_t row, struct part_row *out_row,
                                    struct error *err);

/* The same, its texts copied into the arena. NO_MEMORY. */
MUST_USE enum status part_view_row(struct part_view *view, uint32_t row, struct arena *arena,
                                   struct part_row *out_row, struct error *err);

/* The text of the user with this number, written into `space`. */
MUST_USE enum status part_view_user_text(struct part_view *view, uint32_t number,
                                         char space[NAME_BYTES_MAX], struct str *out_text,
                                         struct error *err);

/* The texts of all users, in the order of their numbers. No other user may be asked for meanwhile.
 */
struct part_users {
    struct part_view *view;
    struct name_reading block;
    uint32_t next;      /* number */
    uint32_t row_count; /* of the user whose text came last */
};

void part_users_begin(struct part_users *users, struct part_view *view);

/* Goes on with the first user of this block, which is not behind the last block. */
void part_users_go_to_block(struct part_users *users, uint32_t block);

/* The next text; stays until the next is asked for. NOT_FOUND, and `err` as it was: that was all.
 * CORRUPT, NO_MEMORY, and what the disk says. */
MUST_USE enum status part_users_next(struct part_users *users, struct str *out_text,
                                     struct error *err);

/* A user of the part by text. */
struct part_user {
    uint32_t number;
    struct name_found found;
};

/* NOT_FOUND, and `err` as it was: the part has no rows of such a user. CORRUPT, NO_MEMORY, and what
 * the disk says. */
MUST_USE enum status part_view_find_user(struct part_view *view, struct str text,
                                         struct part_user *out_user, struct error *err);

/* The same by number. CORRUPT, NO_MEMORY, and what the disk says. */
MUST_USE enum status part_view_user(struct part_view *view, uint32_t number,
                                    struct part_user *out_user, struct error *err);

/* The row with this id. NOT_FOUND. */
MUST_USE enum status part_view_find_id(struct part_view *view, struct str id, uint32_t *out_row,
                                       struct error *err);

/* How many rows stand before the key in the order of answers, which is the row where it would
 * stand. Reads the pages of which the directory's times say too little: none for a key without id
 * between two pages, else one, and more where the key's millisecond fills several. */
MUST_USE enum status part_view_lower_bound(struct part_view *view, struct activity_key key,
                                           uint32_t *out_row, struct error *err);

/* The same, and the row of the key itself counts. */
MUST_USE enum status part_view_upper_bound(struct part_view *view, struct activity_key key,
                                           uint32_t *out_row, struct error *err);

/* The bytes of a run, with BITS_SLACK_BYTES behind; they stay until another run is asked for. */
MUST_USE enum status part_view_run(struct part_view *view, struct run_place place,
                                   struct reading *out_bytes, struct error *err);

/* --- rows of a user --- */

/* The rows of a user, ascending, of which one chunk at a time is in memory. */
struct part_list {
    uint32_t count;
    struct list_chunk *chunks; /* NULL: a short list, which is one chunk */
    uint32_t chunk;            /* which one stands in `rows` */
    uint32_t chunk_rows;       /* 0: none */
    uint32_t rows[LIST_CHUNK_ROWS];
};

/* Reads the index of a long list; nothing for a short one. Filled zeros are a list without rows.
 * CORRUPT, NO_MEMORY. */
MUST_USE enum status part_view_list_open(struct part_view *view, const struct part_user *user,
                                         struct part_list *out_list, struct error *err);
void part_list_deinit(struct part_list *list);

/* The row at a place of the list, below its count. Reads the chunk, unless that was the last. */
MUST_USE enum status part_view_list_row(struct part_view *view, struct part_list *list, uint32_t at,
                                        uint32_t *out_row, struct error *err);

/* How many rows of the list are below `row`. Reads one chunk at the most. */
MUST_USE enum status part_view_list_below(struct part_view *view, struct part_list *list,
                                          uint32_t row, uint32_t *out_count, struct error *err);

/* All rows of a user, into room for user->found.count. */
MUST_USE enum status part_view_user_rows(struct part_view *view, const struct part_user *user,
                                         uint32_t *out_rows, struct error *err);
