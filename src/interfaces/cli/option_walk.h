#pragma once
/*
 * Walks over a command's arguments: options as `--name value`, `--name=value`, `--name` or `-n`, in
 * any order, among others that the command reads itself. One thread.
 */
#include "base/error.h"
#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OPTIONS_MAX = 16 };

/* A text goes to `value`, a switch into `given`. One with neither is handed to who walks. */
struct option {
    const char *name;   /* without the dashes */
    char letter;        /* as -f is short for --follow; NUL: nothing is */
    const char **value; /* gets the text, which may not be empty */
    bool *given;        /* of a switch: gets true */
    bool is_switch;     /* of one that is handed over: it has no value */
    bool repeatable;    /* of one that is handed over; every other may be given once */
};

struct option_walk {
    const struct option *options;
    size_t option_count; /* at most OPTIONS_MAX */
    char **next;         /* the arguments that are left */
    int left;
    bool passes_unknown; /* an option that is not listed is an argument like any other */
    bool seen[OPTIONS_MAX];
};

/* Over an array of options and the arguments of a command. */
#define OPTION_WALK(listed, argument_count, arguments)                                             \
    ((struct option_walk){.options = (listed),                                                     \
                          .option_count = ARRAY_LENGTH(listed),                                    \
                          .next = (arguments),                                                     \
                          .left = (argument_count)})

/* What was come to. All NULL: the end. */
struct option_found {
    const struct option *option; /* one that is handed over; NULL: none */
    const char *text;            /* its value, NULL for a switch; or the argument that is none */
};

/* Takes options up to the next one that is handed over, or the next argument that is none. The
 * texts are the arguments'. INVALID: `err` says what is wrong. */
MUST_USE enum status option_walk_next(struct option_walk *walk, struct option_found *out_found,
                                      struct error *err);

/* Who reads what is handed over. */
struct option_taker {
    enum status (*take)(void *context, const struct option_found *found, struct error *err);
    void *context;
};

/* Takes all options; what is handed over, and each argument that is none, goes to `taker` in its
 * order, and anything but OK ends the walk. INVALID: as above. */
MUST_USE enum status option_walk_all(struct option_walk *walk, const struct option_taker *taker,
                                     struct error *err);

/* For the `take` of a command that knows no arguments but options: INVALID, in words. */
MUST_USE enum status option_take_none(void *context, const struct option_found *found,
                                      struct error *err);

/* Takes all options that are listed; the others, with all other arguments, move together where they
 * began, in their order: `out_others` is how many. INVALID: as above. */
MUST_USE enum status option_walk_take_out(struct option_walk *walk, int *out_others,
                                          struct error *err);

/* The text of an option that is a number of seconds from 1 to `max_s`; NULL leaves out_ms as it is.
 */
MUST_USE enum status option_read_seconds(const char *name, const char *text, unsigned max_s,
                                         uint64_t *out_ms, struct error *err);
