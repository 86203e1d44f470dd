#pragma once
/*
 * The command that makes indexes of a collection, as far as they are missing:
 *
 *     {createIndexes: "collection", indexes: [{key: {a: 1, b: 1}, name: "…"}, …]}
 *
 * Any thread.
 */
#include "base/buffer.h"

enum { INDEX_MEMBERS_MAX = 3 };

struct index_creation {
    const char *name;
    const char *members[INDEX_MEMBERS_MAX]; /* upward; NULL: no more of them */
    int64_t expire_seconds;                 /* documents go so long after the member; 0: never */
};

/* Appends the command. */
void index_creation_write(struct str collection, const struct index_creation *indexes, size_t count,
                          struct buffer *command);
