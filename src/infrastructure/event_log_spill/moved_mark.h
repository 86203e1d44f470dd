#pragma once
/*
 * How far a spill was moved, in a file of its folder, so that a process that comes after a crash
 * does not move again what the spill's last file still holds. One line:
 *
 *     usertrail-moved 1 <log id> <offset> <CRC-32C of all before, 8 digits>
 *
 * It may be old or missing, which costs doubles only. One thread at a time.
 */
#include "base/uuid.h"
#include "infrastructure/disk/disk.h"

/* The offset below which all of this log is moved; 0: nobody knows. */
int64_t moved_mark_read(struct disk *disk, const char *directory, struct uuid log_id);

/* Durable when it returns OK. */
MUST_USE enum status moved_mark_write(struct disk *disk, const char *directory, struct uuid log_id,
                                      int64_t offset, struct error *err);
