#pragma once
/*
 * The rows of several users of a part in one order, read from their lists chunk by chunk from the
 * end that comes first. One thread at a time, for the view.
 */
#include "infrastructure/activity_store_local/part.h"
#include "infrastructure/activity_store_local/part_span.h"

struct part_user_rows;

struct part_rows_of_users {
    struct part_view *view;
    enum activity_order order;
    /* Those with rows to come; a heap, whose top has the next row, once a row was taken. */
    struct part_user_rows *users[FILTER_NAMES_MAX];
    uint32_t count;
    bool is_heap;
};

/* Allocates nothing yet. */
void part_rows_of_users_init(struct part_rows_of_users *users, struct part_view *view,
                             enum activity_order order);
void part_rows_of_users_deinit(struct part_rows_of_users *users);

/* Adds the rows of one user more that lie within `rows`; at most FILTER_NAMES_MAX users, each once,
 * and none after the first take. Reads the list's index, and the chunks where `rows` begins and
 * ends. CORRUPT, NO_MEMORY, and what the disk says. */
MUST_USE enum status part_rows_of_users_add(struct part_rows_of_users *users,
                                            const struct part_user *user, struct part_span rows,
                                            struct error *err);

/* How many rows are to come. */
uint64_t part_rows_of_users_left(const struct part_rows_of_users *users);

/* The next row; NOT_FOUND, and `err` as it was: there is none. CORRUPT, and what the disk says;
 * then there is nothing to do but deinit. */
MUST_USE enum status part_rows_of_users_take(struct part_rows_of_users *users, uint32_t *out_row,
                                             struct error *err);

/* Whether so many rows can be left out without knowing whose come first. */
bool part_rows_of_users_can_skip(const struct part_rows_of_users *users, uint64_t count);

/* Leaves out up to `count` rows, which it can; says how many there were. */
uint64_t part_rows_of_users_skip(struct part_rows_of_users *users, uint64_t count);
