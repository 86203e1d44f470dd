#pragma once
/*
 * Something that many threads read and one replaces now and then, as what is reloaded while a
 * service runs. Readers take no lock and write nothing that another reader writes: each has a slot
 * of its own that says what it holds, and who replaces waits until no slot names the old one
 * (hazard pointers: M. Michael, IEEE TPDS 15(6), 2004).
 *
 * A reader's slot is used by one thread at a time and holds one thing at a time; replacing is for
 * one thread at a time, which holds nothing.
 */
#include "base/macros.h"
#include "base/status.h"

#include <stdatomic.h>

struct shared_snapshot_slot;

struct shared_snapshot {
    _Atomic(void *) current;
    struct shared_snapshot_slot *slots;
    unsigned slot_count;
};

/* With NULL as what there is to read, for `readers` slots. NO_MEMORY, and then there is nothing to
 * free. */
MUST_USE enum status shared_snapshot_init(struct shared_snapshot *shared, unsigned readers);

/* Nobody holds anything; what is current is the caller's again. Takes zeros, too. */
void shared_snapshot_deinit(struct shared_snapshot *shared);

/* What is current, which stays until it is released. */
const void *shared_snapshot_hold(struct shared_snapshot *shared, unsigned reader);
void shared_snapshot_release(struct shared_snapshot *shared, unsigned reader);

/* Returns what was current, once nobody holds it any more: the caller's to free. */
MUST_USE void *shared_snapshot_replace(struct shared_snapshot *shared, void *next);
