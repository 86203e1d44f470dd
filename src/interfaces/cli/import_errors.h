#pragma once
/*
 * The file of refused lines, one JSON object each:
 *
 *     {"line":17,"error":{"detail":"userId: is required","errors":[…]},"text":"{\"action\":…"}
 *
 * It appears with the first of them. One thread.
 */
#include "application/import_target.h"

#include <stdio.h>

struct import_errors {
    const char *path; /* borrowed */
    FILE *stream;     /* NULL: nothing was refused yet */
    bool regular;
    struct buffer line;
};

/* Goes on behind `bytes` of what an earlier run wrote; 0: begins anew, and removes a file of that
 * name that was left. */
MUST_USE enum status import_errors_open(struct import_errors *errors, const char *path,
                                        uint64_t bytes, struct error *err);

MUST_USE enum status import_errors_write(struct import_errors *errors,
                                         const struct import_fault *fault, struct error *err);

/* Makes durable what was written, and says how many bytes the file has. */
MUST_USE enum status import_errors_sync(struct import_errors *errors, uint64_t *out_bytes,
                                        struct error *err);

/* Takes one that is all zero, too. */
void import_errors_close(struct import_errors *errors);
