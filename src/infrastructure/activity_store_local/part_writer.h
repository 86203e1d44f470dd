#pragma once
/*
 * Writes a part from front to back, as part_format.h draws it. Memory: 24 bytes for each row, 16
 * for each user and page. One thread at a time.
 */
#include "infrastructure/activity_store_local/part_format.h"

/* What a part is made of. Rows come one by one in the order of answers; everything else is known
 * before. */
struct part_input {
    const struct str *users; /* in byte order, each with a row at least */
    uint32_t user_count;
    const struct str *actions; /* likewise */
    uint32_t action_count;
    const struct part_source *sources;
    uint32_t source_count;
    uint32_t row_count;    /* 1 to PART_ROWS_MAX */
    struct str dictionary; /* for metadata; empty: none */
    int level;             /* of the compression */
    /* The next row; its texts live until PAGE_ROWS further ones were asked for. */
    enum status (*next)(void *context, struct page_row *out_row, struct error *err);
    void *context;
};

struct part_name {
    struct uuid store_id;
    uint64_t number;
};

/* Makes the file and syncs it; its name is not durable before the directory is synced. On failure
 * the file may be there, incomplete. NO_SPACE, NO_MEMORY, what the disk and the input say. */
MUST_USE enum status part_write(struct disk *disk, const char *path, const struct part_name *name,
                                const struct part_input *input, struct error *err);
