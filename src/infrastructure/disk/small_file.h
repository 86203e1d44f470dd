#pragma once
/*
 * Small files that people write and programs read as a whole: keys, rules, secrets. One thread at a
 * time for a file that is written.
 */
#include "base/buffer.h"
#include "base/error.h"
#include "base/macros.h"

#include <sys/types.h>

enum {
    SMALL_FILE_SECRET = 077, /* nobody else may look into it */
    SMALL_FILE_OURS = 022    /* nobody else may write it */
};

/* Appends what is in the file to `out_text`, whose maximum is the most that it may be. NOT_FOUND:
 * there is no such file. INVALID: it is no regular file, others may do with it what `forbidden`
 * says, or it is too long. UNAVAILABLE, NO_MEMORY. */
MUST_USE enum status small_file_read(const char *path, mode_t forbidden, struct buffer *out_text,
                                     struct error *err);

/* Makes the file or replaces it at once, durably, for nobody else to look into (0600). */
MUST_USE enum status small_file_replace(const char *path, struct str text, struct error *err);

/* Keeps other processes that ask for it from writing the files of the folder in which `path` lies,
 * until it is given back; waits for them. UNAVAILABLE. */
MUST_USE enum status small_file_lock(const char *path, int *out_lock, struct error *err);
void small_file_unlock(int lock);
