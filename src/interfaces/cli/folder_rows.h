#pragma once
/*
 * What query, stats and export have in common: a folder's store opened with words for people, and
 * its rows read page by page in bounded memory. One thread.
 */
#include "interfaces/cli/folder_arguments.h"
#include "interfaces/cli/folder_commands.h"

/* Says on stderr what is wrong with the arguments; returns the exit code. */
int folder_refuse_arguments(const char *command, const struct error *err);

/* OK when there is such a folder; NOT_FOUND or INVALID with words. */
MUST_USE enum status folder_check(const char *directory, struct error *err);

/* NOT_FOUND, in words. */
MUST_USE enum status folder_has_no_store(struct error *err);

/* Says on stderr what failed in this folder and what to do; returns the exit code. */
int folder_tell_failure(const char *directory, const struct error *err);

/* Opens the store for reading; says on stderr if its newest activities are not in it yet. As
 * folder_check and open_store. */
MUST_USE enum status folder_open(const struct folder_access *access, const char *directory,
                                 struct activity_store **out_store, struct error *err);

/* Hears of each row; its texts live until it returns. Anything but OK ends the walk. */
typedef enum status folder_visit_row(void *context, const struct activity *activity,
                                     struct error *err);

struct folder_visitor {
    folder_visit_row *visit;
    void *context;
    bool *more; /* becomes whether rows follow those up to the limit; NULL: nobody wants to know */
};

/* All rows that the question asks for, in its order, up to its limit. */
MUST_USE enum status folder_walk_rows(struct activity_store *store,
                                      const struct folder_question *question,
                                      const struct folder_visitor *visitor, struct error *err);
