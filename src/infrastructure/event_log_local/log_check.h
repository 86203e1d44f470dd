#pragma once
/*
 * Verifying a log by reading all of it, also one that a server writes to: every commit that was
 * there when it began, to the end that an opening would find. What lies behind that end was never
 * acknowledged and is no damage. Writes nothing; needs the memory of one block. One thread.
 */
#include "application/log_verification.h"
#include "base/error.h"
#include "infrastructure/disk/disk.h"

/* OK: everything was looked at, and `out_found` says how many problems there are. NOT_FOUND: there
 * is no log. CORRUPT: the file of its id is damaged. NO_MEMORY, UNAVAILABLE. */
MUST_USE enum status event_log_local_check(struct disk *disk, const char *directory,
                                           struct log_verification_listener *listener,
                                           struct log_verification *out_found, struct error *err);
