#pragma once
/*
 * Which topic a spill's activities are meant for, in a file of its folder: what a process has to
 * know of a topic that it cannot reach when it starts. One line:
 *
 *     usertrail-topic 1 <log id> <settings> <partitions> <bytes of a message> <CRC-32C, 8 digits>
 *
 * It is durable before the spill takes the first activity for that topic, unless the disk had no
 * room for it when the log was opened; then there is none. One thread at a time.
 */
#include "base/uuid.h"
#include "infrastructure/disk/disk.h"

struct topic_mark {
    struct uuid log_id;        /* of the topic's log */
    struct uuid settings;      /* stands for what the settings said of where and which it is */
    int32_t partition_count;   /* >= 1 */
    int64_t message_bytes_max; /* that it takes; -1: not known */
};

/* False: there is none, or it is torn or of another version. */
bool topic_mark_read(struct disk *disk, const char *directory, struct topic_mark *out_mark);

/* Leaves the folder without one; there need not be any. Durable when it returns OK. */
MUST_USE enum status topic_mark_remove(struct disk *disk, const char *directory, struct error *err);

/* Has the folder keep it; nothing is written where it is kept already. Durable when it returns OK.
 */
MUST_USE enum status topic_mark_keep(struct disk *disk, const char *directory,
                                     const struct topic_mark *mark, struct error *err);
