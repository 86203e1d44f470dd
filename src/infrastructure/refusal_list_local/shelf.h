#pragma once
/*
 * What the parts of this adapter share: the files, the index of their entries, and what is written
 * next. record_format.h says how it all fits together.
 *
 * Whoever adds or removes holds `writing`, and then changes files and writing state; others look at
 * files, index and counts under the mutex, and take out of the index what they find damaged.
 */
#include "infrastructure/disk/disk_lock.h"
#include "infrastructure/refusal_index/refusal_index.h"
#include "infrastructure/refusal_list_local/record_format.h"
#include "infrastructure/refusal_list_local/refusal_list_local.h"

#include <pthread.h>

struct shelf_file {
    uint64_t number;
    struct disk_file *handle;
    uint64_t used;   /* bytes that are durable records, or damage between them */
    uint64_t cost;   /* used, and what the index takes for its records */
    uint64_t listed; /* entries of the index that stand in it */
    bool blanked;    /* written to in its midst since it was synced */
};

/* An entry of the index. */
struct shelf_entry {
    struct refusal_item item;
    struct shelf_file *file;
    uint64_t at; /* of its record */
    size_t bytes;
};

/* Where an entry stood that left the list. */
struct shelf_place {
    struct shelf_file *file;
    uint64_t at;
    size_t bytes;
};

/* What the last file ends in. */
enum shelf_tail {
    TAIL_SOUND,
    TAIL_UNWRITTEN, /* a group that could not be written; it is to be taken back */
    TAIL_UNSYNCED   /* one of which nobody knows whether it is durable; likewise */
};

struct shelf {
    struct refusal_list_local_config config;
    char directory[DISK_PATH_BYTES_MAX];
    struct disk_lock *lock;

    pthread_mutex_t writing; /* before the mutex */
    pthread_mutex_t mutex;   /* guards these four */
    struct refusal_index index;
    struct shelf_file **files; /* oldest first */
    size_t file_count;
    uint64_t bytes;   /* sum of the files' costs */
    uint64_t dropped; /* guarded, too */

    size_t file_capacity;
    uint64_t next_number;
    uint64_t file_cost_max;
    bool closed; /* the last file gets no further group */
    enum shelf_tail tail;
    struct buffer group;
};

MUST_USE enum status shelf_no_memory(struct error *err);

/* Takes the folder and reads everything that is in it. On failure shelf_close is due as well. */
MUST_USE enum status shelf_open(struct shelf *shelf, struct error *err);
void shelf_close(struct shelf *shelf);

/* Opens a file of the shelf. */
MUST_USE enum status shelf_open_file(struct shelf *shelf, struct shelf_file *file,
                                     enum disk_mode mode, struct error *err);

/* False when the name is not one of a file. */
bool shelf_parse_name(const char *name, uint64_t *out_number);

/* "directory/0000000042.refused". INVALID when it is too long. */
MUST_USE enum status shelf_file_path(const char *directory, uint64_t number,
                                     char out_path[DISK_PATH_BYTES_MAX], struct error *err);

/* A new, empty file behind all others; durable with its name. */
MUST_USE enum status shelf_make_file(struct shelf *shelf, struct error *err);

/* The last file must have no entries. */
MUST_USE enum status shelf_remove_last_file(struct shelf *shelf, struct error *err);

/* Makes room for one more file that is there already. NULL without memory. */
struct shelf_file *shelf_add_file(struct shelf *shelf, uint64_t number);

/* Removes the oldest files until `cost` more does not pass the maximum. */
MUST_USE enum status shelf_make_room(struct shelf *shelf, uint64_t cost, struct error *err);

/* Writes the first of the records, which are not listed yet, as many as
 * make a group, durably, and lists them. NO_SPACE, UNAVAILABLE, NO_MEMORY: none of them. */
MUST_USE enum status shelf_write_group(struct shelf *shelf, const struct record *records,
                                       size_t count, size_t *out_written, struct error *err);

/* Writes durably, as one group, that these positions are listed no more, and takes them off the
 * list, overwriting what they said; says how many were there. NO_SPACE, UNAVAILABLE, NO_MEMORY: all
 * of them still are. */
MUST_USE enum status shelf_write_removals(struct shelf *shelf, const struct record *removals,
                                          size_t count, size_t *out_removed, struct error *err);

/* Overwrites what an entry said whose removal is durable. What cannot be is told in a line. */
void shelf_blank(struct shelf *shelf, const struct shelf_place *place);

/* Makes durable what was overwritten; likewise. */
void shelf_sync_blanks(struct shelf *shelf);

/* Removes the oldest files as long as nothing in them is listed. */
void shelf_remove_emptied(struct shelf *shelf);

/* Under the mutex: takes an entry out of the index and frees it. */
void shelf_forget(struct shelf *shelf, struct shelf_entry *entry);

static inline struct shelf_entry *shelf_entry_of(struct refusal_item *item)
{
    return CONTAINER_OF(item, struct shelf_entry, item);
}
