#pragma once
/*
 * Verifying a store by reading all of it, also one that a server has open: each part is read as
 * part_verify does and held against what the manifest says of it, and every id is looked for in the
 * parts before it. Whatever is wrong is told, up to VERIFIED_PROBLEMS_MAX things of one part; where
 * footer or directory of a part are damaged, nothing else of it can be read.
 *
 * Memory: what a server keeps of the parts (their filters and directories, about 2 bytes for each
 * activity), and the leaves of one part, 64 bytes for each of its activities, 128 MiB at the most.
 * Looking for ids uses these filters, so there is no set of all ids. One thread.
 */
#include "application/store_verification.h"
#include "infrastructure/disk/disk.h"

/* OK: everything was looked at, and `out_found` says how many problems there are. NOT_FOUND: there
 * is no store. INVALID: a newer version wrote it, or checkpoint, key or receipt are missing or
 * none, or the first two do not belong together. CORRUPT: its manifest is damaged. NO_MEMORY,
 * UNAVAILABLE. */
MUST_USE enum status activity_store_local_verify(struct disk *disk,
                                                 const struct verification_request *request,
                                                 struct verification_listener *listener,
                                                 struct store_verification *out_found,
                                                 struct error *err);
