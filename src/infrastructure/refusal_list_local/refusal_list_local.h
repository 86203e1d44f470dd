#pragma once
/*
 * The refused list as files in a folder of its own, durable when add returns; record_format.h draws
 * them. Threads: as refusal_list.h says.
 */
#include "application/refusal_list.h"
#include "base/clock.h"
#include "base/logger.h"
#include "infrastructure/disk/disk.h"

struct refusal_list_local_config {
    struct disk *disk;     /* borrowed, as the others */
    const char *directory; /* made when missing; its parent must exist */
    uint64_t bytes_max;    /* of files and of what finding their entries takes; >= 1 */
    const struct clock *clock;
    const struct logger *logger;
};

/* BUSY: another process holds the folder. INVALID: a newer version wrote it. What the disk says. */
MUST_USE enum status refusal_list_local_new(const struct refusal_list_local_config *config,
                                            struct refusal_list **out_list, struct error *err);
