#pragma once
/*
 * What a store should answer, asked of SQLite: a table in memory and a statement for each question,
 * so that nothing of how a store is built can be wrong here in the same way; metadata is read by
 * SQLite's own JSON functions, numbers in it as double, which must do for those asked for. A fault
 * can be built in, to see that the comparison would notice one. One thread at a time; every failure
 * of SQLite fails the test.
 */
#include "domain/activity_store.h"

enum sql_fault {
    SQL_RIGHT,
    SQL_TO_INCLUSIVE,     /* takes `to` as the last time wanted */
    SQL_AFTER_INCLUSIVE,  /* repeats the row that a cursor names */
    SQL_TIES_REVERSED,    /* orders equal times by descending id */
    SQL_ERASED_INCLUSIVE, /* drops what was received at the very time of the erasure */
    SQL_HOUR_FORGOTTEN,   /* counts nothing of the last hour before `to` */
    SQL_GROUPS_BY_NAME,   /* counts in groups that are not ordered by their counts */
    SQL_METADATA_AS_TEXT, /* finds strings in metadata, but no numbers and words */
    SQL_ARRAYS_CLOSED,    /* does not look into arrays of metadata */
    SQL_EXCLUDED_KEPT,    /* finds what is excluded by metadata */
    SQL_FAULT_COUNT
};

struct sql_store;

struct sql_store *sql_store_new(void);
void sql_store_free(struct sql_store *store); /* takes NULL */

/* Empties it. */
void sql_store_begin(struct sql_store *store, enum sql_fault fault);

/* `offset`: from which on a log must be put again to have this one again. `covered`: its position
 * had its verdict before. */
enum verdict sql_store_put(struct sql_store *store, const struct activity *activity, int64_t offset,
                           bool covered);

/* The rows of a page; `more` as in activity_page. Texts live in the arena. */
void sql_store_find(struct sql_store *store, const struct activity_page_request *request,
                    struct arena *arena, struct activity_page *out_page);
bool sql_store_get(struct sql_store *store, struct str id, struct arena *arena,
                   struct activity *out_activity);
uint64_t sql_store_count(struct sql_store *store, const struct activity_filter *filter);

/* False: there are more groups than groups_max. */
bool sql_store_tally(struct sql_store *store, const struct activity_tally_request *request,
                     struct arena *arena, struct activity_tally *out_tally);
uint64_t sql_store_erase(struct sql_store *store, struct str user_id, int64_t erased_at_ms);

/* What a store may forget, and must say which: rows below a time (expire) or from an offset on (a
 * crash). `is_there` is asked for each id; those that are gone are removed, and counted. */
typedef bool sql_is_there(void *context, struct str id);
uint64_t sql_store_forget_before(struct sql_store *store, int64_t before_ms, sql_is_there *is_there,
                                 void *context);
uint64_t sql_store_forget_from(struct sql_store *store, int64_t offset, sql_is_there *is_there,
                               void *context);
