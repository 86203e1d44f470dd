#pragma once
/*
 * The recent activities of a store, in memory until they are written as a part: a table that is
 * asked like any other, and of each row where in which log it stood. Filled by one thread; then
 * frozen, written as a part, and replaced by it. Counted references; asking from any thread.
 */
#include "domain/coverage.h"
#include "infrastructure/activity_store_local/leaf_list.h"
#include "infrastructure/activity_store_local/part.h"
#include "infrastructure/activity_table/shared_table.h"

enum { HEAD_NO_SOURCE = PART_SOURCES_MAX };

/* A row whose place its log had given before, of which the chain may keep a leaf though the row was
 * erased or expired, is taken once more (shared_table.h). Its place then is not in that log, where
 * two seals would claim it, but in a log of the store's own, whose id is the store's and in which
 * each part has a stretch of 2^32 offsets by its number. */
struct head {
    struct shared_table shared;
    atomic_uint references;
    /* Of the thread that fills it, until it is frozen. */
    struct head_place **places; /* in chunks, by row */
    uint32_t place_chunks;
    struct part_source *sources;
    uint32_t source_count;
    uint32_t source_last;    /* found last */
    uint32_t again_source;   /* of rows taken once more; HEAD_NO_SOURCE: there are none */
    uint32_t again_count;    /* of such rows so far */
    struct coverage covered; /* once frozen: what the store covers with this head */
    uint64_t erasures;       /* once frozen: those with lower numbers were regarded */
    struct part_range
        id_times; /* the milliseconds in ids that begin as a UUIDv7; read once frozen */
};

/* `random` seeds the hashes. NO_MEMORY, UNAVAILABLE. */
MUST_USE enum status head_new(const struct random *random, struct head **out_head,
                              struct error *err);
struct head *head_ref(struct head *head);
void head_unref(struct head *head); /* takes NULL */
CLEANUP_FUNCTION(struct head *, head_unref)

/* Puts a batch as shared_table_put does, and keeps the rows' positions. TOO_LARGE: it has too many
 * partitions for one part; freeze it and go on with another. */
MUST_USE enum status head_put(struct head *head, struct table_putter *putter,
                              const struct activity_batch *batch,
                              const struct table_knowledge *knowledge,
                              const struct table_outcome **out_outcomes);

/* An id that may be put next. Every one that is must be told before. */
void head_expect_id(struct head *head, const struct id_key *id);

/* Whether a frozen head can have the id; false spares asking it. */
bool head_may_hold_id(const struct head *head, const struct id_key *id);

/* Whether it is large enough to be written. */
bool head_is_full(struct head *head, uint64_t rows_max);

/* Where a head is written to. */
struct head_output {
    struct disk *disk;
    const char *path;
    struct part_name name;
    const struct random *random; /* for salts */
};

/* Writes the rows of a frozen head with one row at least, as part_write does, and says the root of
 * their leaves. Nobody may remove rows meanwhile. */
MUST_USE enum status head_write(struct head *head, const struct head_output *output,
                                uint8_t out_root[SHA256_BYTES], struct error *err);
