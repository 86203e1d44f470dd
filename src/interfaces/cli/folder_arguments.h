#pragma once
/*
 * The arguments of the commands that look into a folder or ask a server: the folder, and options as
 * `--name value` or `--name=value`, in any order. One thread.
 */
#include "application/count_grouping.h"
#include "base/error.h"
#include "domain/activity_page.h"
#include "domain/activity_tally.h"
#include "interfaces/cli/row_format.h"
#include "interfaces/cli/server_address.h"

#include <stdbool.h>

/* Conditions on metadata. */
struct folder_conditions {
    struct metadata_filter filter;
    struct str texts[METADATA_VALUES_MAX]; /* "PATH=VALUE", as they were given */
    size_t text_count;
};

/* What they ask for. The filter points into it, so it must not move; texts are the arguments'. */
struct folder_question {
    const char *directory;        /* this or the server's URL; the other is NULL */
    struct server_address server; /* the directory stands in there, too */
    struct activity_filter filter;
    struct str user_ids[FILTER_NAMES_MAX];
    struct str actions[FILTER_NAMES_MAX];
    struct folder_conditions metadata;
    struct str excluded_user_ids[FILTER_NAMES_MAX];
    struct str excluded_actions[FILTER_NAMES_MAX];
    struct folder_conditions excluded_metadata;
    struct str from_text; /* as it was given; {NULL, 0}: it was not */
    struct str to_text;
    struct str by_text; /* of stats */
    struct str interval_text;
    struct str after; /* a receipt: what it names must be among the rows of a server */
    enum activity_order order;
    struct count_grouping grouping; /* of kind GROUPING_COUNT: none was named */
    uint64_t limit;                 /* rows or groups; UINT64_MAX: all */
    bool count;                     /* only how many there are */
    bool follows;                   /* of tail: and whatever comes */
    enum row_format format;
    const char *output;     /* a file; NULL: standard output */
    const char *checkpoint; /* files of verify; NULL: none */
    const char *public_key;
    const char *receipt;
};

struct folder_option {
    const char *name; /* without the dashes */
    char letter;      /* as in struct option */
    bool repeatable;
    bool is_switch; /* has no value */
    enum status (*read)(struct folder_question *question, const char *value, struct error *err);
};

/* --user, --action, --metadata, the same with "not-" in front, --from and --to, for the front of a
 * command's table. */
MUST_USE enum status folder_read_user(struct folder_question *question, const char *value,
                                      struct error *err);
MUST_USE enum status folder_read_action(struct folder_question *question, const char *value,
                                        struct error *err);
MUST_USE enum status folder_read_metadata(struct folder_question *question, const char *value,
                                          struct error *err);
MUST_USE enum status folder_read_not_user(struct folder_question *question, const char *value,
                                          struct error *err);
MUST_USE enum status folder_read_not_action(struct folder_question *question, const char *value,
                                            struct error *err);
MUST_USE enum status folder_read_not_metadata(struct folder_question *question, const char *value,
                                              struct error *err);
MUST_USE enum status folder_read_from(struct folder_question *question, const char *value,
                                      struct error *err);
MUST_USE enum status folder_read_to(struct folder_question *question, const char *value,
                                    struct error *err);

/* --limit, for a command that takes from 1 to `max`. */
MUST_USE enum status folder_read_limit(struct folder_question *question, const char *value,
                                       uint32_t max, struct error *err);

/* --url, --key-file and --cacert, likewise, for commands that may ask a server. */
MUST_USE enum status folder_read_url(struct folder_question *question, const char *value,
                                     struct error *err);
MUST_USE enum status folder_read_key_file(struct folder_question *question, const char *value,
                                          struct error *err);
MUST_USE enum status folder_read_ca_file(struct folder_question *question, const char *value,
                                         struct error *err);

/* --format of any kind. */
MUST_USE enum status folder_read_format(struct folder_question *question, const char *value,
                                        struct error *err);

#define FOLDER_SERVER_OPTIONS                                                                      \
    {.name = "url", .read = folder_read_url}, {.name = "key-file", .read = folder_read_key_file},  \
    {                                                                                              \
        .name = "cacert", .read = folder_read_ca_file                                              \
    }

#define FOLDER_FILTER_HELP                                                                         \
    "  --user ID       of this user; may be repeated\n"                                            \
    "  --action NAME   with this action; may be repeated\n"                                        \
    "  --metadata PATH=VALUE\n"                                                                    \
    "                  with this value in metadata, such as cart.coupon=SPRING; may\n"             \
    "                  be repeated: one of the values of a path must be there, and\n"              \
    "                  that for each path\n"                                                       \
    "  --not-user ID, --not-action NAME, --not-metadata PATH=VALUE\n"                              \
    "                  without what has it, whatever else is asked for; may be\n"                  \
    "                  repeated\n"

#define FOLDER_SERVER_HELP                                                                         \
    "  --url URL       asks this server, such as http://127.0.0.1:3000, instead of a\n"            \
    "                  folder; there --metadata needs a user, an action or a time\n"               \
    "                  beside it\n"                                                                \
    "  --key-file FILE a key for it: a file that nobody else may read; or its text\n"              \
    "                  in the variable USERTRAIL_KEY\n"                                            \
    "  --cacert FILE   who vouches for a server of https, in PEM\n"

#define FOLDER_WAITING_HELP                                                                        \
    "Activities that a server keeps in memory, or had there when it was killed, are\n"             \
    "in its event log only, and are missing in the folder; how many is said on\n"                  \
    "stderr.\n"

#define FOLDER_FIELD_OPTIONS                                                                       \
    {.name = "user", .repeatable = true, .read = folder_read_user},                                \
        {.name = "action", .repeatable = true, .read = folder_read_action},                        \
        {.name = "metadata", .repeatable = true, .read = folder_read_metadata},                    \
        {.name = "not-user", .repeatable = true, .read = folder_read_not_user},                    \
        {.name = "not-action", .repeatable = true, .read = folder_read_not_action},                \
    {                                                                                              \
        .name = "not-metadata", .repeatable = true, .read = folder_read_not_metadata               \
    }

#define FOLDER_FILTER_OPTIONS                                                                      \
    FOLDER_FIELD_OPTIONS, {.name = "from", .read = folder_read_from},                              \
    {                                                                                              \
        .name = "to", .read = folder_read_to                                                       \
    }

struct folder_options {
    const struct folder_option *items;
    size_t count; /* at most OPTIONS_MAX */
};

#define FOLDER_IS_MISSING "the folder is missing: the one that `usertrail serve` has as --data-dir"

/* Fills the question, from where on it asks for everything, newest first, of a folder or a server.
 * INVALID: `err` says what is wrong and what to write. */
MUST_USE enum status folder_arguments_read(const struct folder_options *options, int argument_count,
                                           char **arguments, struct folder_question *out_question,
                                           struct error *err);

/* The same where the folder may be missing: `directory` is NULL then. */
MUST_USE enum status folder_options_read(const struct folder_options *options, int argument_count,
                                         char **arguments, struct folder_question *out_question,
                                         struct error *err);
