#pragma once
/*
 * The machine's own disk. Descriptors are closed on exec. Any thread.
 */
#include "infrastructure/disk/disk.h"

/* One for the whole process; there is nothing to free. */
struct disk *disk_posix(void);
