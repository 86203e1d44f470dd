#pragma once
/*
 * Holds the files of a store as they are while a server changes it, for a copy of the store: the
 * manifest of one moment, the parts that it names, which nobody writes again, and of the chain what
 * that manifest says counts, which nobody writes again either. No lock is taken. One thread.
 */
#include "domain/coverage.h"
#include "infrastructure/disk/held_files.h"

/* `folder` is below that of the held files; what was held of it before is dropped. `out_covered`,
 * an empty one, gets what the store covers of each log. NOT_FOUND: there is no store. UNAVAILABLE:
 * parts vanished again and again, or a part is missing. What manifest_load says. */
MUST_USE enum status activity_store_local_hold(struct held_files *held, const char *folder,
                                               struct coverage *out_covered, struct error *err);
