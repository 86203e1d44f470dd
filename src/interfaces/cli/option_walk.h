#pragma once
/*
 * Walks over a command's arguments: options as `--name value`, `--name=value` or `--name`, in any
 * order, among others that the command reads itself. One thread.
 */
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* Where it goes; a switch has no value. */
struct option {
    const char *name;   /* without the dashes */
    const char **value; /* NULL before; may be given once. NULL for a switch */
    bool *given;        /* of a switch */
};

struct option_walk {
    const struct option *options;
    size_t option_count;
    char **next; /* the arguments that are left */
    int left;
};

/* Takes options up to the next argument that is none, which out_other gets: NULL at the end. The
 * texts are the arguments'. INVALID: `err` says what is wrong. */
MUST_USE enum status option_walk_next(struct option_walk *walk, const char **out_other,
                                      struct error *err);
