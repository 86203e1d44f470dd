#pragma once
/*
 * What a store holds at one moment: heads and parts, each activity in exactly one of them. Never
 * changed once made, but for rows that come into the newest head and go out of any: readers keep
 * theirs for as long as they need it while newer ones take its place. Counted references; any
 * thread.
 */
#include "infrastructure/activity_store_local/head.h"
#include "infrastructure/activity_store_local/hidden_users.h"
#include "infrastructure/activity_store_local/manifest.h"
#include "infrastructure/activity_store_local/stored_part.h"

enum { SNAPSHOT_HEADS_MAX = 2 };

struct snapshot_part {
    struct stored_part *stored;
    struct hidden_users *hidden; /* NULL: nobody */
    struct seal_range seals;     /* as in the manifest */
};

/* Another one of the same. */
struct snapshot_part snapshot_part_ref(const struct snapshot_part *part);
void snapshot_part_release(struct snapshot_part *part); /* takes zeros */

struct snapshot {
    atomic_uint references;
    struct head *heads[SNAPSHOT_HEADS_MAX]; /* the last one is filled, the others are frozen */
    size_t head_count;
    size_t part_count;
    struct snapshot_part parts[]; /* in the order in which their activities came */
};

/* How one snapshot differs from the one before. */
struct snapshot_change {
    struct head *head_added; /* behind the others; NULL: none */
    size_t heads_dropped;    /* the oldest ones */
    size_t parts_begin;      /* these parts ... */
    size_t parts_count;
    const struct snapshot_part *parts; /* ... are replaced by these */
    size_t parts_added;
};

/* Room for so many parts. Making a snapshot in two steps, so that nothing can fail once a change is
 * on the disk. NULL without memory. */
struct snapshot *snapshot_new(size_t part_count);

/* Fills a new snapshot, which has room for just the parts that there are then. Takes references of
 * its own. */
void snapshot_fill(struct snapshot *made, const struct snapshot *from,
                   const struct snapshot_change *change);

struct snapshot *snapshot_ref(struct snapshot *snapshot);
void snapshot_unref(struct snapshot *snapshot); /* takes NULL */
CLEANUP_FUNCTION(struct snapshot *, snapshot_unref)

/* Where the part with this number stands, or part_count. */
size_t snapshot_find_part(const struct snapshot *snapshot, uint64_t number);

/* Rows that are seen, and bytes of the files, of all parts. */
struct snapshot_size {
    uint64_t rows;
    uint64_t bytes;
};

struct snapshot_size snapshot_parts_size(const struct snapshot *snapshot);

static inline uint64_t snapshot_part_rows(const struct snapshot_part *part)
{
    return part_footer(stored_part_reader(part->stored))->row_count -
           hidden_users_rows(part->hidden);
}

/* The user of the part by text. NOT_FOUND, and `err` as it was. */
MUST_USE enum status snapshot_part_find_user(const struct snapshot_part *part, struct str text,
                                             struct part_user *out_user, struct error *err);

/* The row with this id, through a view of the part. NOT_FOUND also when its user is hidden: it is
 * gone for everybody, and its id may have come again. */
MUST_USE enum status snapshot_part_find_id(const struct snapshot_part *part, struct part_view *view,
                                           struct str id, uint32_t *out_row, struct error *err);
