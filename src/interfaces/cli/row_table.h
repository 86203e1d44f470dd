#pragma once
/*
 * Activities as a table for people: columns as wide as the first rows need and the terminal has
 * room for, one line a row. Where nobody knows how wide a line may be, nothing is cut. One thread.
 */
#include "base/arena.h"
#include "domain/activity.h"
#include "interfaces/cli/cli_output.h"

enum { ROW_TABLE_KEPT_MAX = 200 };

struct row_table_widths {
    size_t time;
    size_t user;
    size_t action;
    size_t id;       /* 0: without ids */
    size_t metadata; /* 0: without it */
};

struct row_table {
    struct cli_output *output;                /* borrowed */
    struct activity kept[ROW_TABLE_KEPT_MAX]; /* the first rows, until the widths are chosen */
    size_t kept_count;
    struct arena arena;
    size_t name_width_min; /* of users and actions, where there is room */
    struct row_table_widths widths;
    bool begun;
    struct buffer line;
};

void row_table_init(struct row_table *table, struct cli_output *output);
void row_table_deinit(struct row_table *table);

/* The row's texts are borrowed for the call. NO_MEMORY, or as cli_output_write. */
MUST_USE enum status row_table_add(struct row_table *table, const struct activity *activity,
                                   struct error *err);

/* Prints whatever was kept, from where on each row is printed when it comes. */
MUST_USE enum status row_table_flush(struct row_table *table, struct error *err);
