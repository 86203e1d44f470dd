#pragma once
/*
 * One part out of several that are neighbours in the order in which they were written: their rows
 * in one order, without those of hidden users. One thread at a time; the parts may be read by
 * others meanwhile. Memory: that of part_writer.h, 4 bytes for each user of each part, the texts of
 * the users, and the samples of a dictionary.
 */
#include "infrastructure/activity_store_local/hidden_users.h"
#include "infrastructure/activity_store_local/part.h"

#include <stdatomic.h>

enum { MERGE_PARTS_MAX = 16 };

struct merge_part {
    struct part *part;
    const struct hidden_users *hidden; /* NULL: nobody */
};

struct merge_job {
    struct disk *disk;
    const char *path;               /* of the new part */
    struct part_name name;          /* of the new part */
    const struct merge_part *parts; /* 1 to MERGE_PARTS_MAX; no id twice among all their rows */
    size_t count;
    int level;                 /* of the compression */
    const atomic_bool *cancel; /* looked at once for each page */
};

/* How many rows the new part will have; with 0 there is nothing to write. */
uint64_t merge_row_count(const struct merge_part *parts, size_t count);

/* Writes and syncs the new part, as part_write does; merge_row_count must be 1 to PART_ROWS_MAX. Of
 * each log and partition it says the whole range that its parts do, also where no row is left.
 * BUSY: cancelled. TOO_LARGE: more logs, partitions or actions than a part can have. CORRUPT names
 * the part. NO_SPACE, NO_MEMORY, what the disk says. After a failure the file may be there,
 * incomplete. */
MUST_USE enum status merge_run(const struct merge_job *job, struct error *err);
