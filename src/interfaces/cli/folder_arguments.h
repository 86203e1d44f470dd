#pragma once
/*
 * The arguments of the commands that look into a folder: the folder, and options as `--name value`
 * or `--name=value`, in any order. One thread.
 */
#include "application/count_grouping.h"
#include "base/error.h"
#include "domain/activity_page.h"
#include "domain/activity_tally.h"

#include <stdbool.h>

/* What they ask for. The filter points into it, so it must not move; texts are the arguments'. */
struct folder_question {
    const char *directory;
    struct activity_filter filter;
    struct str user_ids[FILTER_USERS_MAX];
    struct str actions[FILTER_ACTIONS_MAX];
    struct metadata_filter metadata;
    enum activity_order order;
    struct count_grouping grouping; /* of kind GROUPING_COUNT: none was named */
    uint64_t limit;                 /* rows or groups; UINT64_MAX: all */
    bool count;                     /* only how many there are */
    bool csv;
    const char *output;     /* a file; NULL: standard output */
    const char *checkpoint; /* files of verify; NULL: none */
    const char *public_key;
    const char *receipt;
};

struct folder_option {
    const char *name; /* without the dashes */
    bool repeatable;
    bool is_switch; /* has no value */
    enum status (*read)(struct folder_question *question, const char *value, struct error *err);
};

/* --user, --action, --metadata, --from and --to, for the front of a command's table. */
MUST_USE enum status folder_read_user(struct folder_question *question, const char *value,
                                      struct error *err);
MUST_USE enum status folder_read_action(struct folder_question *question, const char *value,
                                        struct error *err);
MUST_USE enum status folder_read_metadata(struct folder_question *question, const char *value,
                                          struct error *err);
MUST_USE enum status folder_read_from(struct folder_question *question, const char *value,
                                      struct error *err);
MUST_USE enum status folder_read_to(struct folder_question *question, const char *value,
                                    struct error *err);

/* --limit, for a command that takes from 1 to `max`. */
MUST_USE enum status folder_read_limit(struct folder_question *question, const char *value,
                                       uint32_t max, struct error *err);

#define FOLDER_FILTER_OPTIONS                                                                      \
    {.name = "user", .repeatable = true, .read = folder_read_user},                                \
        {.name = "action", .repeatable = true, .read = folder_read_action},                        \
        {.name = "metadata", .repeatable = true, .read = folder_read_metadata},                    \
        {.name = "from", .read = folder_read_from},                                                \
    {                                                                                              \
        .name = "to", .read = folder_read_to                                                       \
    }

struct folder_options {
    const struct folder_option *items;
    size_t count; /* at most OPTIONS_MAX */
};

#define FOLDER_IS_MISSING "the folder is missing: the one that `usertrail serve` has as --data-dir"

/* Fills the question, from where on it asks for everything, newest first. INVALID: `err` says what
 * is wrong and what to write. */
MUST_USE enum status folder_arguments_read(const struct folder_options *options, int argument_count,
                                           char **arguments, struct folder_question *out_question,
                                           struct error *err);

/* The same where the folder may be missing: `directory` is NULL then. */
MUST_USE enum status folder_options_read(const struct folder_options *options, int argument_count,
                                         char **arguments, struct folder_question *out_question,
                                         struct error *err);
