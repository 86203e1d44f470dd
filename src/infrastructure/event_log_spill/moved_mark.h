#pragma once
/*
 * How far a spill was moved, in a file of its folder, so that a process that comes after a crash
 * does not move again what the spill's last file still holds. One line:
 *
 *     usertrail-moved 1 <log id> <offset> <CRC-32C of all before, 8 digits>
 *
 * It may be old or missing, which costs doubles only. One thread at a time.
 */
#include "application/forward_activities.h"
#include "base/logger.h"
#include "base/uuid.h"
#include "infrastructure/disk/disk.h"

struct moved_mark {
    struct disk *disk;
    const char *directory; /* of the spill; outlives this */
    const struct logger *logger;
    struct uuid log_id; /* of the log whose offsets it has */
};

struct moved_mark moved_mark_of(struct disk *disk, const char *directory, struct event_log *log,
                                const struct logger *logger);

/* Lets a log that was looked at, and nothing else done with, leave out what an earlier process
 * moved; raises waiting->begin. */
MUST_USE enum status moved_mark_pass(const struct moved_mark *mark, struct event_log *log,
                                     struct forward_waiting *waiting, struct error *err);

/* Durable when it returns OK. */
MUST_USE enum status moved_mark_write(const struct moved_mark *mark, int64_t offset,
                                      struct error *err);

/* The same for who can do nothing about it: a line of the log says that it could not be kept. */
void moved_mark_keep(const struct moved_mark *mark, int64_t offset);
