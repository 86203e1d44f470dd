#pragma once
/*
 * Counts in groups, as they come from several tables and parts: a hash table of the groups that a
 * tally has so far. One thread at a time.
 */
#include "domain/activity_tally.h"

struct tally_group;

struct tally_table {
    const struct activity_tally_request *request;
    uint64_t seed; /* of the hash of names, so that nobody can choose names that collide */
    struct arena names;
    struct tally_group *groups;
    uint32_t count;
    uint32_t capacity;
    uint32_t *slots; /* place in `groups` plus 1; 0: free */
    uint32_t slot_count;
    uint64_t rows;         /* whose metadata was looked at */
    struct buffer scratch; /* for texts of its values */
    uint32_t last;         /* the group that was counted last; times often come in stretches */
};

/* Allocates nothing yet. The request is borrowed. */
void tally_table_init(struct tally_table *table, const struct activity_tally_request *request,
                      uint64_t seed);
void tally_table_deinit(struct tally_table *table);

/* Counts an action or user whose name is copied, or a time into its stretch. TOO_LARGE: that
 * would be more groups than the request allows, or their names take TALLY_NAME_BYTES_MAX;
 * NO_MEMORY. Nothing is counted then, and a count of 0 makes no group. */
#define TALLY_NAME_BYTES_MAX ((size_t)128 << 20)
MUST_USE enum status tally_table_add_name(struct tally_table *table, struct str name,
                                          uint64_t count);
MUST_USE enum status tally_table_add_time(struct tally_table *table, int64_t timestamp_ms,
                                          uint64_t count);

/* Counts a row once for each value that its metadata has at the request's path. The same statuses;
 * then some of it may be counted. */
MUST_USE enum status tally_table_add_metadata(struct tally_table *table, struct str metadata);

/* Counts a row by whatever the request asks for. Likewise. */
MUST_USE enum status tally_table_add_row(struct tally_table *table, const struct activity *row);

/* The first groups in their order, up to the request's limit, copied into the arena. NO_MEMORY:
 * they do not fit. */
MUST_USE enum status tally_table_answer(const struct tally_table *table, struct arena *arena,
                                        struct activity_tally *out_tally);
