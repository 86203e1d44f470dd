#pragma once
/*
 * The file of refused lines, one JSON object each:
 *
 *     {"line":17,"error":{"detail":"userId: is required","errors":[…]},"text":"{\"action\":…"}
 *
 * It appears with the first of them, and nothing that is there is touched before. One thread.
 */
#include "application/import_target.h"

#include <stdio.h>

struct import_errors {
    const char *path; /* borrowed */
    FILE *stream;     /* NULL: nothing was written yet */
    uint64_t bytes;   /* of what an earlier run wrote, which is kept */
    bool regular;
    bool made; /* by this run, and its name is not durable yet */
    struct buffer line;
};

/* Whether refused lines may be written there without a loss: there is no such file, or it is empty
 * or no ordinary file, or, unless it must be new, it begins as a file of refused lines does.
 * INVALID when not. UNAVAILABLE, NO_MEMORY: it cannot be looked into. */
MUST_USE enum status import_errors_check(const char *path, bool must_be_new, struct error *err);

/* Goes on behind `bytes` of what an earlier run wrote, and takes away what is behind them; behind
 * all of it when that is less. 0: begins anew with the first line that is written. Fails only for a
 * file that has some bytes already: INVALID, it is none of refused lines, or no line ends there;
 * else as write. */
MUST_USE enum status import_errors_open(struct import_errors *errors, const char *path,
                                        uint64_t bytes, struct error *err);

/* UNAVAILABLE, NO_SPACE, NO_MEMORY: the file cannot be opened or written. What was written may wait
 * in this process until sync. */
MUST_USE enum status import_errors_write(struct import_errors *errors,
                                         const struct import_fault *fault, struct error *err);

/* Makes durable what was written and the file's name, and says how many bytes the file has; 0 for
 * what is no ordinary file. UNAVAILABLE, NO_SPACE, NO_MEMORY. */
MUST_USE enum status import_errors_sync(struct import_errors *errors, uint64_t *out_bytes,
                                        struct error *err);

/* Takes one that is all zero, too. */
void import_errors_close(struct import_errors *errors);
