#pragma once
/*
 * Users of a part whose rows nobody may see any more, since they were erased after it was written;
 * the next merge leaves them out. Never changed once made: an erasure makes a new set, and readers
 * keep theirs. Counted references; any thread.
 */
#include "base/macros.h"
#include "base/status.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hidden_user {
    uint32_t number; /* of the user within the part */
    uint32_t rows;
};

struct hidden_users {
    atomic_uint references;
    uint32_t count;
    uint64_t rows;              /* of all of them */
    struct hidden_user users[]; /* ascending */
};

/* A set with one user more, which is not in `set`; that may be NULL, for nobody. NULL without
 * memory. */
struct hidden_users *hidden_users_with(const struct hidden_users *set, struct hidden_user user);

/* NULL is the empty set. */
bool hidden_users_contain(const struct hidden_users *set, uint32_t number);

/* Take and give NULL. */
struct hidden_users *hidden_users_ref(struct hidden_users *set);
void hidden_users_unref(struct hidden_users *set);
CLEANUP_FUNCTION(struct hidden_users *, hidden_users_unref)

static inline uint64_t hidden_users_rows(const struct hidden_users *set)
{
    return set == NULL ? 0 : set->rows;
}
