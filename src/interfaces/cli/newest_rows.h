#pragma once
/*
 * The newest activities, the oldest of them first, as somebody reads who follows them. One thread.
 */
#include "interfaces/cli/lookup.h"

enum { NEWEST_ROWS_MAX = 100000 };

struct newest_rows {
    struct activity *rows;
    size_t count;
    struct arena arena; /* of their texts */
};

void newest_rows_init(struct newest_rows *newest);
void newest_rows_deinit(struct newest_rows *newest);

/* As many as the lookup's question says, at most NEWEST_ROWS_MAX. As lookup_walk; NO_MEMORY. */
MUST_USE enum status newest_rows_find(struct newest_rows *newest, struct lookup *lookup,
                                      struct error *err);

/* Whether one of them has this id. */
bool newest_rows_hold(const struct newest_rows *newest, struct str id);
