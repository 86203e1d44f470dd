#pragma once
/*
 * What a look at every byte of a store finds: told by the adapter that knows the files, part by
 * part, to whoever shows it. One thread at a time.
 */
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VERIFIED_PROBLEMS_MAX = 16 }; /* of one part */

struct verified_part {
    uint64_t number;
    size_t at; /* its place among all parts, from 0 */
    size_t part_count;
    uint64_t activities; /* as the manifest says, like `bytes` */
    uint64_t bytes;
    int64_t first_ms; /* timestamps; `first_ms` > `last_ms` when the part cannot tell them */
    int64_t last_ms;
    struct error problems[VERIFIED_PROBLEMS_MAX];
    size_t problem_count;
    bool stopped; /* there are more, and the rest of it was not looked at */
};

struct store_verification {
    uint64_t parts;
    uint64_t activities;
    uint64_t bytes;
    uint64_t problems;
};

/* Embedded by who listens. */
struct verification_listener {
    /* Its problems are not known yet, nor are its times. */
    void (*part_begins)(struct verification_listener *listener, const struct verified_part *part);
    void (*part_ends)(struct verification_listener *listener, const struct verified_part *part);
};
