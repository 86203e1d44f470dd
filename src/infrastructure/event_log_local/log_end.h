#pragma once
/*
 * Where a log ends, for whoever only reads its folder, also while a server writes to it: finds what
 * an opening would find, and changes nothing. Reads the newest segment as a whole. Any thread.
 */
#include "base/error.h"
#include "base/uuid.h"
#include "infrastructure/disk/disk.h"

struct log_end {
    struct uuid log_id;
    int64_t offset;   /* behind the newest whole commit; 0: there is none */
    uint64_t ordinal; /* of the segment that holds it, and ... */
    uint64_t used;    /* ... how many of its bytes are commits */
};

/* NOT_FOUND: there is no log, or it changed meanwhile. CORRUPT: the file of its id is damaged.
 * UNAVAILABLE, NO_MEMORY. */
MUST_USE enum status event_log_local_find_end(struct disk *disk, const char *directory,
                                              struct log_end *out_end, struct error *err);
