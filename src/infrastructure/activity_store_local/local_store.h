#pragma once
/*
 * What the files of this adapter share: the state of one store and the changes that can be made to
 * it. Inside of this folder only.
 *
 * Two locks, taken in this order. `files` is held by whoever changes what the manifest says, with
 * all the disk work that takes: one change at a time. `mutex` guards the members below it and is
 * held for moments; who only holds `files` may read them, since nobody else then changes them, but
 * for the heads of the snapshot, to which the worker adds one under `mutex` alone.
 */
#include "base/histogram.h"
#include "infrastructure/activity_store_local/activity_store_local.h"
#include "infrastructure/activity_store_local/chain.h"
#include "infrastructure/activity_store_local/manifest.h"
#include "infrastructure/activity_store_local/snapshot.h"
#include "infrastructure/disk/disk_lock.h"

/* Where a store lies. */
struct store_folder {
    struct disk *disk;
    const char *directory;
};

struct local_store {
    struct activity_store store;
    struct erasure_lookup erasures;
    struct activity_store_local_config config;
    char *directory;
    struct disk_lock *lock;

    pthread_mutex_t files;
    bool poisoned;       /* which manifest is on the disk is not known; guarded by files */
    struct chain *chain; /* NULL when reading only; guarded by files */
    uint64_t
        checkpoint_at_ms; /* of the monotonic clock: not before it the next is logged; likewise */
    uint64_t logged_records; /* of the chain, in the last checkpoint that was; likewise */
    uint64_t expired;        /* rows that expire has not told of yet; guarded by files */

    pthread_mutex_t mutex;
    pthread_cond_t changed; /* the snapshot, seal_failures or stopping */
    uint64_t changes;       /* of the manifest, so far */
    struct manifest manifest;
    struct snapshot *snapshot;
    struct coverage put;    /* what had its verdict; changed by the worker only */
    uint64_t next_part;     /* number; those of files that were never used are skipped */
    uint64_t seal_failures; /* so far */
    struct error seal_error;
    atomic_bool stopping;

    /* For any thread to read. */
    struct histogram seals;          /* heads that were written; added to under files */
    struct histogram merges;         /* that came to something; of the thread that merges ... */
    _Atomic uint64_t merge_failures; /* ... as these */

    pthread_t sealer;
    pthread_t merger;
    bool sealer_runs;
    bool merger_runs;

    /* Of the thread that merges: numbers of parts whose merge failed for what lasts, until a
     * restart. */
    uint64_t *unmergeable;
    size_t unmergeable_count;

    /* These belong to the worker's thread. */
    struct table_putter *putter;
    enum elsewhere *elsewhere; /* of the rows of a batch */
    size_t elsewhere_capacity;
    struct arena scratch;
};

/* A reference to what the store holds now. */
struct snapshot *local_store_snapshot(struct local_store *self);

/* --- changes; the caller holds `files` --- */

/* A manifest on its way to the disk: a copy of the present one to be changed. NO_MEMORY,
 * UNAVAILABLE once the store is poisoned. */
MUST_USE enum status local_store_begin(struct local_store *self, struct manifest *out_next,
                                       struct error *err);

/* Saves the manifest and lets it and the snapshot that the change makes take their places at once.
 * Frees `next` in any case. */
MUST_USE enum status local_store_install(struct local_store *self, struct manifest *next,
                                         const struct snapshot_change *change, struct error *err);

/* Opens a part that was just written, with all users hidden that were erased since. The manifest is
 * the one that will name it. */
MUST_USE enum status local_store_open_part(struct local_store *self,
                                           const struct manifest *manifest,
                                           const struct manifest_part *entry,
                                           struct snapshot_part *out_part, struct error *err);

/* The same for a folder in which no store is open. `err` as it was when it returns OK. */
MUST_USE enum status store_folder_open_part(const struct store_folder *folder,
                                            const struct manifest *manifest,
                                            const struct manifest_part *entry,
                                            struct snapshot_part *out_part, struct error *err);

/* Hides the user in the part; says how many rows are seen no more: none if the part does not know
 * the user, or hid them before. NO_MEMORY, CORRUPT, what the disk says. */
MUST_USE enum status local_store_hide_user(struct snapshot_part *part, struct str user_id,
                                           uint64_t *out_rows, struct error *err);

/* A number for a new part, and the path of its file. */
MUST_USE enum status local_store_name_part(struct local_store *self, struct part_name *out_name,
                                           char out_path[DISK_PATH_BYTES_MAX], struct error *err);

/* Whatever is left of a part that was not finished. */
void local_store_remove_file(struct local_store *self, const char *path);

/* Drops the parts whose activities came first while all together and the chain take more than
 * config.bytes_max, but never the newest; the next expire counts them. */
MUST_USE enum status local_store_fit(struct local_store *self, struct error *err);

/* --- the chain; the caller holds `files` --- */

/* Of the store that was just opened. As chain_open. */
MUST_USE enum status store_chain_open(struct local_store *self, struct error *err);

/* Seals the parts of a store that was written before there was a chain, once; of any other it
 * checks that each has its seals. The store is being opened, and nobody else has it. CORRUPT,
 * NO_MEMORY, NO_SPACE, what the disk says. */
MUST_USE enum status store_chain_take_up(struct local_store *self, struct error *err);

/* Each says in the chain what the manifest `next` is going to change, and names its new end there.
 * As chain_append_seal. */
MUST_USE enum status store_chain_add_seal(struct local_store *self, struct manifest *next,
                                          const struct head *head, const uint8_t root[SHA256_BYTES],
                                          struct error *err);
MUST_USE enum status store_chain_add_erasure(struct local_store *self, struct manifest *next,
                                             const struct tombstone *erased, uint64_t rows,
                                             struct error *err);

/* With any number of ranges or leaves; none is nothing to say. */
MUST_USE enum status store_chain_add_expiry(struct local_store *self, struct manifest *next,
                                            const struct chain_expiry *expiry, struct error *err);
MUST_USE enum status store_chain_add_left_out(struct local_store *self, struct manifest *next,
                                              const struct leaf_list *list, struct error *err);

/* Logs a checkpoint of the manifest that counts, if there is something new to tell, unless the
 * store is opened for reading only. `now`: also if the last one was a moment ago. */
void store_chain_log(struct local_store *self, bool now);

/* A signed checkpoint of the manifest that counts. UNAVAILABLE, NO_MEMORY. Takes `mutex`, without
 * `files`. */
MUST_USE enum status store_chain_sign(struct local_store *self, struct buffer *out_text,
                                      struct error *err);

/* --- writing heads --- */

/* Freezes the head that is filled, and lets a new one take its place. BUSY: the one before is not
 * written yet. The worker's thread; takes `mutex`. */
MUST_USE enum status local_store_freeze(struct local_store *self, struct error *err);

/* Writes the frozen head as a part, if there is one, and makes room for it. Takes `files`. */
MUST_USE enum status local_store_seal(struct local_store *self, struct error *err);

/* Whether sync has anything to do: rows, or positions that are not covered. */
bool local_store_has_news(struct local_store *self);

/* --- merging --- */

/* Merges what the plan says; `out_merged`: something was. Takes `files` at its end. */
MUST_USE enum status local_store_merge(struct local_store *self, bool *out_merged,
                                       struct error *err);

/* --- removing; they take `files` --- */

MUST_USE enum status local_store_erase(struct local_store *self, const struct tombstone *erased,
                                       struct activity_erasure *out_erasure, struct error *err);
MUST_USE enum status local_store_expire(struct local_store *self, int64_t before_ms,
                                        uint64_t *out_expired, struct error *err);

/* --- opening --- */

/* Reads the manifest and opens its parts, or begins a new store; removes what no manifest names. */
MUST_USE enum status local_store_open(struct local_store *self, struct error *err);

/* Reads the same and changes nothing. NOT_FOUND: there is no store. */
MUST_USE enum status local_store_open_reading(struct local_store *self, struct error *err);
