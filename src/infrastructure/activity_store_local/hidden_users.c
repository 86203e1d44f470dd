#include "infrastructure/activity_store_local/hidden_users.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

/* How many of the set are below. */
static uint32_t below(const struct hidden_users *set, uint32_t number)
{
    uint32_t low = 0;
    uint32_t high = set->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (set->users[middle].number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct hidden_users *hidden_users_with(const struct hidden_users *set, struct hidden_user user)
{
    uint32_t count = set == NULL ? 0 : set->count;
    uint32_t at = set == NULL ? 0 : below(set, user.number);
    struct hidden_users *made = malloc(sizeof *made + (count + 1) * sizeof made->users[0]);
    if (made == NULL) {
        return NULL;
    }
    ASSERT(!hidden_users_contain(set, user.number));
    atomic_init(&made->references, 1);
    made->count = count + 1;
    made->rows = hidden_users_rows(set) + user.rows;
    if (set != NULL) {
        memcpy(made->users, set->users, at * sizeof made->users[0]);
        memcpy(made->users + at + 1, set->users + at, (count - at) * sizeof made->users[0]);
    }
    made->users[at] = user;
    return made;
}

bool hidden_users_contain(const struct hidden_users *set, uint32_t number)
{
    if (set == NULL) {
        return false;
    }
    uint32_t at = below(set, number);
    return at < set->count && set->users[at].number == number;
}

struct hidden_users *hidden_users_ref(struct hidden_users *set)
{
    if (set != NULL) {
        atomic_fetch_add_explicit(&set->references, 1, memory_order_relaxed);
    }
    return set;
}

void hidden_users_unref(struct hidden_users *set)
{
    if (set != NULL && atomic_fetch_sub_explicit(&set->references, 1, memory_order_acq_rel) == 1) {
        free(set);
    }
}
