#pragma once
/*
 * All that the memory store holds, kept in step: rows, the index of ids, users, actions and the
 * list of everything. What can fail here fails without a trace; removing never fails. Knows nothing
 * of locks: reading under the store's lock, changing under its write lock.
 */
#include "base/arena.h"
#include "base/random.h"
#include "infrastructure/activity_table/memory_names.h"

struct memory_table {
    struct memory_pool pool;
    struct memory_rows rows;
    struct memory_index ids;
    struct memory_names users;
    struct memory_names actions;
    struct memory_list all;
    uint64_t seed; /* of the hash of ids; random, so that nobody can choose ids that collide */
};

/* An activity on its way in, with what is computed from it once. */
struct memory_arrival {
    const struct activity *activity;
    struct memory_key key;
    uint64_t id_hash;
    uint64_t user_hash;
    uint32_t user; /* MEMORY_NONE: none; a guess until memory_table_find_user */
};

void memory_table_init(struct memory_table *table, uint64_t bytes_max, const struct random *random);
void memory_table_deinit(struct memory_table *table);

/* Begin to fetch what adding the activity will touch, in three steps that should lie a few other
 * activities apart. */
struct memory_arrival memory_table_expect(const struct memory_table *table,
                                          const struct activity *activity);
void memory_table_approach(const struct memory_table *table, struct memory_arrival *arrival);
void memory_table_approach_user(const struct memory_table *table,
                                const struct memory_arrival *arrival);

/* Finds the user, right before what follows: other activities may add and remove users. */
void memory_table_find_user(const struct memory_table *table, struct memory_arrival *arrival);

/* The row with the arrival's id, or MEMORY_NONE. */
uint32_t memory_table_find(const struct memory_table *table, const struct memory_arrival *arrival);
uint32_t memory_table_find_id(const struct memory_table *table, struct str id);

/* Whether its user, which was looked for, was erased after it was received. */
bool memory_table_is_erased(const struct memory_table *table, const struct memory_arrival *arrival);

/* Adds an activity, whose user was looked for and whose id is not there, to everything but the
 * lists, which memory_table_link then does for many rows at once. MEMORY_NONE without memory. */
uint32_t memory_table_add(struct memory_table *table, const struct memory_arrival *arrival);

/* Puts rows that were added into the lists; without memory none of them, and false. `fresh` and
 * `scratch` have room for `count` and are changed. */
bool memory_table_link(struct memory_table *table, struct memory_entry *fresh,
                       struct memory_entry *scratch, size_t count);

/* Takes back rows that were added and are in no list. */
void memory_table_discard(struct memory_table *table, const struct memory_entry *fresh,
                          size_t count);

void memory_table_remove(struct memory_table *table, uint32_t row);

/* When the user was erased last, or MEMORY_NEVER_ERASED. */
int64_t memory_table_erased_at_ms(const struct memory_table *table, struct str user_id);

/* Sets the user's tombstone and removes the user's rows; false without memory for the tombstone. */
bool memory_table_erase(struct memory_table *table, struct str user_id, int64_t erased_at_ms,
                        uint64_t *out_erased);

/* Removes at most `rows_max` rows with a timestamp below; says how many. */
uint64_t memory_table_expire(struct memory_table *table, int64_t before_ms, uint64_t rows_max);

/* The row as an activity whose texts lie in the table, its id perhaps in `space`. */
struct activity memory_table_view(const struct memory_table *table, uint32_t row,
                                  char space[UUID_TEXT_BYTES]);

/* The row with its texts copied into the arena; false when they do not fit. */
bool memory_table_copy(const struct memory_table *table, uint32_t row, struct arena *arena,
                       struct activity *out_activity);
