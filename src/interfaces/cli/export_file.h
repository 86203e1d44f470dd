#pragma once
/*
 * Where an export goes: standard output, or a file that appears under its name only when all of it
 * is on the disk; until then it is NAME.part beside it. One thread.
 */
#include "base/error.h"

#include <stdio.h>

struct export_file {
    FILE *stream;
    const char *path; /* NULL: standard output */
    char *part_path;
};

/* `path` is borrowed; NULL: standard output. INVALID: there is something that is no file.
 * UNAVAILABLE, NO_SPACE, NO_MEMORY. */
MUST_USE enum status export_file_open(struct export_file *file, const char *path,
                                      struct error *err);

/* Writes everything out and gives the file its name. On failure export_file_abandon is left. */
MUST_USE enum status export_file_finish(struct export_file *file, struct error *err);

/* Removes NAME.part, unless it was finished. */
void export_file_abandon(struct export_file *file);
