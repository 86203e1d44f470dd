#pragma once
/*
 * What happens to bytes that cannot be served: they are copied to set-aside/ for a person, told in
 * the log and counted. Any thread.
 */
#include "base/logger.h"
#include "infrastructure/disk/disk.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct damage_report {
    struct disk *disk;     /* NULL: of one who only looks; damage is then left to others to tell */
    const char *directory; /* of the log */
    const struct logger *logger;
    _Atomic uint64_t ranges;
    _Atomic uint64_t activities_missing;
    _Atomic uint64_t segments_missing;
    _Atomic uint64_t torn_tails;
    _Atomic uint64_t set_aside;
};

/* Bytes `from` to `to` of a segment. */
struct damaged_range {
    struct disk_file *file;
    uint64_t ordinal;
    uint64_t from;
    uint64_t to;
};

/* Copies the range durably; OK when that was done before. */
MUST_USE enum status damage_set_aside(struct damage_report *report,
                                      const struct damaged_range *range, struct error *err);

/* Damage in the middle of the log: set aside, if the disk takes it, and told. */
void damage_found(struct damage_report *report, const struct damaged_range *range);

void damage_found_missing(struct damage_report *report, uint64_t ordinal, int64_t activities);
void damage_found_segments_missing(struct damage_report *report, uint64_t first, uint64_t count);

/* A torn tail was cut; `kept` when it went to set-aside/. */
void damage_found_torn_tail(struct damage_report *report, const struct damaged_range *range,
                            bool kept);
