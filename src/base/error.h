#pragma once
/*
 * Why something failed, in words for a person. The structure is the caller's, usually on its stack;
 * functions at ports, parsers and configuration fill it, everything else returns a bare status.
 * Every function here accepts a NULL error and then only hands the status through. Any thread.
 */
#include "base/macros.h"
#include "base/status.h"

enum { ERROR_MESSAGE_BYTES = 160 };

struct error {
    enum status status;
    int cause;                         /* errno of the failed call, 0 when there was none */
    char message[ERROR_MESSAGE_BYTES]; /* a sentence without a final period; cut when too long */
};

/* Fills `err` and returns `status`, so that a failure is one statement: `return error_set(…);`. */
PRINTF_LIKE(4, 5)
enum status error_set(struct error *err, enum status status, int cause, const char *format, ...);

/* As error_set for a failed system call: appends the text of `cause`, and chooses the status from
 * it: no space (ENOSPC, EDQUOT, EFBIG), no memory (ENOMEM), anything else unavailable. */
PRINTF_LIKE(3, 4)
enum status error_set_system(struct error *err, int cause, const char *format, ...);

/* As much of a path as a message has room for beside its words: the end of a long one, which says
 * more than its beginning. Points into it. */
const char *error_path(const char *path);
