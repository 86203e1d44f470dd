#pragma once
/*
 * Rows in the order of answers: those of one user, of one action, or all. A list is a sequence of
 * runs, each a sorted array of at most MEMORY_RUN_ROWS row numbers. A new activity is nearly always
 * the newest and is appended; one that is late moves half a run on average, and a run that is full
 * is cut in two. Beside each row number stands the row's mark, and beside each run that of its
 * first row, so that finding a place reads neighbouring memory and seldom looks at a row. The first
 * run lies in the list itself, and two rows lie in the run itself, since most users have few.
 * Reading under the store's lock, changing under its write lock.
 */
#include "infrastructure/activity_table/memory_rows.h"

enum { MEMORY_RUN_ROWS = 256, MEMORY_RUN_FEW = 2 };

struct memory_run {
    union {
        uint32_t few[MEMORY_RUN_FEW]; /* row numbers, when the capacity is MEMORY_RUN_FEW */
        struct memory_mark *many;     /* `capacity` marks, then as many row numbers in 32 bits */
    };
    struct memory_mark first; /* of the first row, while there is one */
    uint32_t count;
    uint32_t capacity;
};

struct memory_list {
    struct memory_run first; /* the only run as long as `runs` is NULL */
    struct memory_run *runs;
    uint32_t run_count;
    uint32_t run_capacity;
    uint32_t count;
    uint32_t late_run; /* where the newest late row went; the next one often belongs near it */
    int64_t last_ms;   /* of the newest row, so that appending need not look at it */
};

/* Where a row stands; {run_count, 0} is the end. */
struct memory_place {
    uint32_t run;
    uint32_t index;
};

static inline bool memory_place_equal(struct memory_place a, struct memory_place b)
{
    return a.run == b.run && a.index == b.index;
}

void memory_list_init(struct memory_list *list);
void memory_list_deinit(struct memory_list *list, struct memory_pool *pool);

/* What changing a list needs besides. */
struct memory_list_context {
    const struct memory_rows *rows;
    struct memory_pool *pool;
};

/* False without memory, and then nothing changed. Rows in the order of answers are the quickest:
 * each is searched for near the one before it. */
bool memory_list_insert(struct memory_list *list, struct memory_list_context context,
                        struct memory_entry entry);

/* Begins to fetch what appending a row will touch, where that is in one piece of its own: lists of
 * a few rows lie in themselves, and of long ones the end is at hand. */
void memory_list_prefetch(const struct memory_list *list);

/* Takes out a row that is there. */
void memory_list_remove(struct memory_list *list, struct memory_list_context context, uint32_t row);

/* Takes out all rows with `action` set to MEMORY_NONE, in one pass. */
void memory_list_remove_marked(struct memory_list *list, struct memory_list_context context);

/* The first row that is not below the key. */
struct memory_place memory_list_lower_bound(const struct memory_list *list,
                                            const struct memory_rows *rows,
                                            const struct memory_key *key);

struct memory_place memory_list_begin(const struct memory_list *list);
struct memory_place memory_list_end(const struct memory_list *list);

/* Not at the end, or not at the beginning. */
struct memory_place memory_list_next(const struct memory_list *list, struct memory_place place);
struct memory_place memory_list_previous(const struct memory_list *list, struct memory_place place);
uint32_t memory_list_row(const struct memory_list *list, struct memory_place place);

/* Rows from `low` up to but not including `high`, which is not before it. */
uint64_t memory_list_distance(const struct memory_list *list, struct memory_place low,
                              struct memory_place high);

/* `steps` rows further to the end, or back; the list has so many there. */
struct memory_place memory_list_forward(const struct memory_list *list, struct memory_place place,
                                        uint64_t steps);
struct memory_place memory_list_back(const struct memory_list *list, struct memory_place place,
                                     uint64_t steps);
