#pragma once
/*
 * The file log-id: one line "usertrail-event-log <format> <uuid> <CRC-32C of all before,
 * hexadecimal>". Made by a rename, before the first segment. While the log is opened, and by the
 * committer.
 *
 * The number is the format of the whole log. A version that writes another one raises it first and
 * keeps a line of this shape, so that older versions can tell a newer log from damage.
 */
#include "base/error.h"
#include "base/uuid.h"
#include "infrastructure/disk/disk.h"

enum log_id_format {
    LOG_ID_FORMAT_PLAIN = 1,
    LOG_ID_FORMAT_TRACES = 2, /* frames may have a trace */
    LOG_ID_FORMAT_NEWEST = LOG_ID_FORMAT_TRACES
};

struct log_identity {
    struct uuid id;
    enum log_id_format format;
};

/* NOT_FOUND when there is no file; INVALID when a newer version wrote the log; CORRUPT when the
 * line is not right. */
MUST_USE enum status log_id_read(struct disk *disk, const char *directory,
                                 struct log_identity *out_identity, struct error *err);

/* Durable when it returns OK. */
MUST_USE enum status log_id_write(struct disk *disk, const char *directory,
                                  const struct log_identity *identity, struct error *err);
