#pragma once
/*
 * Reads the newest segment as a whole and says where the log ends. Only while the log is opened.
 */
#include "infrastructure/event_log_local/segment_walk.h"

/* What stands in a segment that may be the last one. */
struct tail_scan {
    uint64_t used;        /* behind the last commit that counts; 0: none does */
    int64_t first_offset; /* of the first commit or frame that holds; -1: there is none */
    int64_t next_offset;  /* behind the last commit that counts */
    uint64_t sequence;    /* the highest seen */
    uint64_t last_at;     /* where the last commit starts, when nothing torn lies behind it */
    bool sealed;          /* the last commit is a seal */
    uint64_t tail_to;     /* the torn tail is `used` to here; none when not above `used` */
    uint64_t tail_frames; /* whole frames in it */
};

/* Scans `file` (closed here) of `size` bytes with a fresh walk. */
MUST_USE enum status tail_scan_run(struct uuid log_id, struct disk_file *file, uint64_t size,
                                   struct tail_scan *out_scan, struct error *err);

/* Lowers `offset`, the first one behind this segment, to the first one that stands in its file
 * (closed here), if any does. */
MUST_USE enum status tail_scan_first_offset(struct uuid log_id, struct disk_file *file,
                                            uint64_t size, int64_t *offset, struct error *err);
