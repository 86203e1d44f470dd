#pragma once
/*
 * Where activities go that were promised and that the event log will never take, as when its limit
 * was lowered after they came into the spill: behind each other, a line each as
 * activity_message.h writes them, in the file set-aside/too-large.ndjson of the spill's folder,
 * for a person. A crash may leave a line that is torn, or one twice. One thread at a time.
 */
#include "application/forward_activities.h"
#include "base/logger.h"
#include "infrastructure/disk/disk.h"

struct set_aside {
    struct forward_aside aside;
    struct disk *disk;
    const char *directory; /* of the spill; outlives this */
    const struct logger *logger;
    uint64_t count; /* since it was made */
};

struct set_aside set_aside_in(struct disk *disk, const char *directory,
                              const struct logger *logger);
