#pragma once
/*
 * Files that are written as a whole, and never in place: whatever fails and wherever the power
 * goes, such a file is what it was before or the new one, never a mixture and never nothing.
 *
 * What stands under the name that is written is removed first: a link would lead the text somewhere
 * else, and a pipe would keep it. A folder goes only when nothing is in it. One thread at a time.
 */
#include "base/str.h"
#include "infrastructure/disk/disk.h"

/* Behind the name of a file: the one that is written before it gets that name. */
#define WHOLE_FILE_DRAFT ".draft"

/* Makes the file, whose content is durable when this returns OK; its name is not. `mode` is
 * DISK_MAKE or DISK_MAKE_SECRET. On failure there is none, as far as that can be. */
MUST_USE enum status whole_file_make(struct disk *disk, const char *path, enum disk_mode mode,
                                     struct str text, struct error *err);

/* Makes the file or replaces it at once, by way of PATH.draft; durable when this returns OK. */
MUST_USE enum status whole_file_replace(struct disk *disk, const char *path, enum disk_mode mode,
                                        struct str text, struct error *err);
