#pragma once
/*
 * Copies the files of a list while a server adds to it and removes from it. One thread.
 *
 * Whatever was listed before the call and is not taken off the list meanwhile is in the copy. What
 * a removal overwrites is overwritten after the removal is written, further behind; so the files
 * are gone through, oldest first, until nothing came behind what was copied, and no entry that is
 * half overwritten lacks the removal that makes it one that nobody misses. A group that is being
 * written may be torn in the copy: an opening cuts it, and the log brings its entries again.
 */
#include "infrastructure/disk/disk.h"

/* From one folder to another, which is there; durable when it returns OK, but for their names.
 * `out_bytes` counts what was copied. NOT_FOUND: there is no list. NO_SPACE, NO_MEMORY, what the
 * disk says. */
MUST_USE enum status refusal_list_local_copy(struct disk *disk, const char *from, const char *to,
                                             uint64_t *out_bytes, struct error *err);
