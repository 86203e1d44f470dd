#pragma once
/*
 * Users and actions that filters of the contract ask for or leave out, by chance. Any thread.
 */
#include "base/random.h"
#include "domain/activity_filter.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Names from one end on: the first with odds of one in `one_in`, and so each further one. */
struct name_pool {
    const char *const *names;
    size_t count;
    uint64_t one_in;
    bool from_end; /* what is wanted and what is left out, from one end each, overlap at times only
                    */
};

/* Puts them into `room`, which has place for all, and makes the list of it. */
void choose_names(const struct random *random, const struct name_pool *pool, struct str *room,
                  struct name_list *out_list);
