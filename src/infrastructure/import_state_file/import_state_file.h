#pragma once
/*
 * The state of an import in a file that is replaced at once: whatever fails, it holds the state
 * before or the new one. One thread at a time.
 */
#include "application/import_state.h"
#include "infrastructure/disk/disk.h"

/* NOT_FOUND: there is none. INVALID: it is no state. */
MUST_USE enum status import_state_file_load(struct disk *disk, const char *path,
                                            struct import_state *out_state, struct error *err);

/* By way of PATH.draft. The state is durable when this returns OK. */
MUST_USE enum status import_state_file_save(struct disk *disk, const char *path,
                                            const struct import_state *state, struct error *err);

/* OK when there is none. */
MUST_USE enum status import_state_file_remove(struct disk *disk, const char *path,
                                              struct error *err);
