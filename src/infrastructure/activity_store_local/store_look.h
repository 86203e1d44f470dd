#pragma once
/*
 * A store as its folder shows it, for whoever only reads: the manifest and the parts that it names,
 * all of them opened at once. A server may merge meanwhile: the parts of a manifest that it
 * replaced vanish, but those that are open stay readable. No lock is taken, nothing is written. One
 * thread at a time.
 */
#include "infrastructure/activity_store_local/local_store.h"

struct looked_part {
    struct snapshot_part part; /* zeros when it could not be opened */
    struct error err;          /* and then why; STATUS_OK otherwise */
};

struct store_look {
    struct manifest manifest;
    struct looked_part *parts; /* one for each that the manifest names */
};

/* OK also when parts cannot be opened, each of which says why. NOT_FOUND: there is no manifest.
 * UNAVAILABLE: parts vanished again and again. What manifest_load says. */
MUST_USE enum status store_look_open(const struct store_folder *folder, struct store_look *out_look,
                                     struct error *err);
void store_look_close(struct store_look *look);
