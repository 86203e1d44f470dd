#pragma once
/*
 * The activity store on disk: recent activities in memory (head.h), everything else in parts that
 * are written once (part_format.h), and a manifest that says which parts count (manifest.h). What
 * is in memory only is still in the event log, which replays it after a crash.
 *
 * Threads: as domain/activity_store.h says. Questions never wait for the disk work of others: they
 * ask a snapshot. With `background` two threads of the store write full heads and merge parts.
 *
 * With `read_only` the folder is shown as its manifest has it now, whoever else has it open, and
 * nothing in it is touched: no lock, no file, no thread. Whatever would change it is UNAVAILABLE.
 */
#include "base/clock.h"
#include "base/logger.h"
#include "base/random.h"
#include "domain/activity_store.h"
#include "domain/erasure_lookup.h"
#include "infrastructure/disk/disk.h"

struct buffer;
struct metric_text;
struct checkpoint_signer;

enum {
    ACTIVITY_STORE_LOCAL_HEAD_ROWS_DEFAULT = 96 * 1024,
    ACTIVITY_STORE_LOCAL_MERGE_PARTS_DEFAULT = 12,
    ACTIVITY_STORE_LOCAL_CHECKPOINT_MS = 60 * 1000
};

struct activity_store_local_config {
    struct disk *disk;           /* all outlive the store */
    const char *directory;       /* made if missing; its parent exists */
    const struct clock *clock;   /* for deadlines */
    const struct random *random; /* for the id of a new store, and the seeds of hashes */
    struct logger *logger;
    uint64_t head_rows; /* after which a head is written; 0: the default */
    size_t merge_parts; /* so many parts of about the same size are merged, 2 to 16; 0: the
                           default */
    uint64_t bytes_max; /* all parts together and the chain take about so much of the disk: beyond
                           it parts whose activities came first are dropped, but never the newest,
                           and for the chain, which only grows, no more than half; 0: no limit */
    const struct checkpoint_signer *signer; /* signs checkpoints of the chain; NULL: nobody does */
    bool background; /* false: writing and merging happen inside of put_batch and sync, in an
                        order that repeats, for tests */
    bool read_only;  /* `background`, head_rows and merge_parts are then of no use */
};

/* BUSY: another process has the folder. INVALID: it was written by a newer version. CORRUPT names
 * what is damaged. NOT_FOUND: opened for reading only, and there is no store. NO_MEMORY, NO_SPACE,
 * UNAVAILABLE. */
MUST_USE enum status activity_store_local_new(const struct activity_store_local_config *config,
                                              struct activity_store **out_store, struct error *err);

/* What the chain comes to now, signed (checkpoint.h), for somebody who keeps it elsewhere; it is
 * also logged, at most once in ACTIVITY_STORE_LOCAL_CHECKPOINT_MS and when the store is closed.
 * UNAVAILABLE: nobody signs, or nothing was sealed yet. NO_MEMORY. Any thread. */
MUST_USE enum status activity_store_local_checkpoint(struct activity_store *store,
                                                     struct buffer *out_text, struct error *err);

/* Tells of heads, parts and merges (base/metric_text.h). Any thread. */
void activity_store_local_tell_metrics(struct activity_store *store, struct metric_text *text);

/* Lives as long as the store. */
struct erasure_lookup *activity_store_local_erasures(struct activity_store *store);
