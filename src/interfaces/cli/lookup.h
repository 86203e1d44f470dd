#pragma once
/*
 * Where query, stats, export and tail look: into a data folder, or at a server. One thread.
 */
#include "base/clock.h"
#include "interfaces/cli/folder_commands.h"
#include "interfaces/cli/folder_rows.h"
#include "interfaces/cli/server_link.h"

struct lookup_access {
    const struct folder_access *folder;
    const struct server_access *server;
    const struct clock *clock;
};

struct lookup {
    const struct lookup_access *access;
    const struct folder_question *question; /* borrowed */
    struct activity_store *store;           /* this or the next; the other is NULL */
    struct server_link *link;
    bool wrong_usage; /* what names the server cannot be meant */
};

/* What a command does with what was opened. */
typedef enum status lookup_answer(struct lookup *lookup, struct error *err);

/* Opens what the question names and has it answered; says on stderr what failed, of this command.
 * Returns the exit code. */
int lookup_run(const struct lookup_access *access, const struct folder_question *question,
               const char *command, lookup_answer *answer);

/* Also of one that was not opened, or only in part. */
void lookup_close(struct lookup *lookup);

/* All rows that the question asks for, in its order, up to its limit. */
MUST_USE enum status lookup_walk(struct lookup *lookup, const struct folder_visitor *visitor,
                                 struct error *err);

/* How many there are. */
MUST_USE enum status lookup_count(struct lookup *lookup, uint64_t *out_count, struct error *err);
