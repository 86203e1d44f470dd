#pragma once
/*
 * The segments of one log and how far it is durable: the committer adds and grows, the worker reads
 * and drops, tails read, everybody may ask. Also the names of the files. Any thread.
 */
#include "base/error.h"
#include "base/str.h"
#include "infrastructure/disk/disk.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct segment {
    uint64_t ordinal;     /* its file's number, from 1 */
    int64_t first_offset; /* all offsets in it are at or above */
    uint64_t used;        /* durable bytes, commits all of them */
};

/* A segment as a reader needs it. */
struct segment_view {
    struct segment segment;
    bool active;   /* it may still grow */
    int64_t bound; /* offsets in it are below */
};

struct segment_list {
    pthread_mutex_t mutex;
    pthread_cond_t grown;
    struct segment *items; /* oldest first; the last one is active */
    size_t count;
    size_t capacity;
    int64_t end_offset; /* behind the newest durable activity */
    uint64_t bytes;     /* sum of used */
};

/* Files with higher numbers are somebody else's: no log gets as far, and counting on from them
 * would. */
#define SEGMENT_ORDINAL_MAX UINT64_C(1000000000000000)

enum { SEGMENT_NAME_BYTES = 32 };

void segment_name(uint64_t ordinal, char out_name[SEGMENT_NAME_BYTES]);

/* Where the segment lies; INVALID when the path is too long. */
MUST_USE enum status segment_path(const char *directory, uint64_t ordinal,
                                  char out_path[DISK_PATH_BYTES_MAX], struct error *err);

/* False when the name is not a segment's. */
bool segment_name_parse(const char *name, uint64_t *out_ordinal);

void segment_list_init(struct segment_list *list);
void segment_list_deinit(struct segment_list *list);

/* Adds a segment behind all others: it is the active one now. */
MUST_USE enum status segment_list_add(struct segment_list *list, struct segment segment);

/* The active segment is durable up to `used`, the log up to `end_offset`. */
void segment_list_grow(struct segment_list *list, uint64_t used, int64_t end_offset);

int64_t segment_list_end_offset(struct segment_list *list);
uint64_t segment_list_bytes(struct segment_list *list);
size_t segment_list_count(struct segment_list *list);

/* The first segment with this ordinal or a higher one; false when there is none. */
bool segment_list_at_or_behind(struct segment_list *list, uint64_t ordinal,
                               struct segment_view *out_view);

/* The segment that holds `offset`; the first one when it is older than all. */
void segment_list_holding(struct segment_list *list, int64_t offset, struct segment_view *out_view);

/* The oldest segment, when all in it is below `offset` and a newer one holds commits: the last
 * commits are kept in any case, since they carry the log's end. */
bool segment_list_covered(struct segment_list *list, int64_t offset, struct segment *out_segment);
void segment_list_drop_first(struct segment_list *list);

/* Waits until the log is durable beyond `offset`, at most `wait_ms`; says whether it is. */
bool segment_list_wait(struct segment_list *list, int64_t offset, unsigned wait_ms);
