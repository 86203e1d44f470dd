#pragma once
/*
 * The file log-id: one line "usertrail-event-log 1 <uuid> <CRC-32C of all before, hexadecimal>".
 * Made once, by a rename, before the first segment. Only while the log is opened.
 *
 * The number is the format of the whole log. A version that writes another one raises it first and
 * keeps a line of this shape, so that older versions can tell a newer log from damage.
 */
#include "base/error.h"
#include "base/uuid.h"
#include "infrastructure/disk/disk.h"

/* NOT_FOUND when there is no file; INVALID when a newer version wrote the log; CORRUPT when the
 * line is not right. */
MUST_USE enum status log_id_read(struct disk *disk, const char *directory, struct uuid *out_log_id,
                                 struct error *err);

/* Durable when it returns OK. */
MUST_USE enum status log_id_write(struct disk *disk, const char *directory, struct uuid log_id,
                                  struct error *err);
