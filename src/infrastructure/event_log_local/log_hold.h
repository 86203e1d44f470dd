#pragma once
/*
 * Holds the files of a log as they are while a server writes to it, for a copy of the log.
 *
 * Whatever was acknowledged before the call is in them, or was in segments that the server removed
 * because the store has it durably. A segment with a commit behind it is never written again, also
 * not by a server that starts after a crash: that commit is synced before this returns. The newest
 * one grows, so of it only what stands up to its last whole commit is meant.
 *
 * Asked again, newer segments come to those that are held. Where the server removed segments
 * between two calls there is a gap, and what is held before it is of no use: it is dropped, and
 * `again` says so. A store's manifest that is read from then on covers it. One thread.
 */
#include "base/uuid.h"
#include "infrastructure/disk/held_files.h"

struct held_log {
    bool found; /* false: the folder has no log, and nothing else here counts */
    bool again; /* read the manifest again, and then call this again */
    struct uuid log_id;
    int64_t end; /* behind the last activity that is held */
};

/* `folder` is below that of the held files. CORRUPT, INVALID as an opening says; NO_MEMORY, what
 * the disk says. */
MUST_USE enum status event_log_local_hold(struct held_files *held, const char *folder,
                                          struct held_log *out_log, struct error *err);
