#pragma once
/*
 * An activity store that behaves as a durable one would, for tests of the worker and of a log that
 * drops what is covered: everything is in memory, but what was made durable survives a crash, and
 * nothing else does. It keeps a journal of all changes; a crash replays the durable part of it.
 * Threads: as domain/activity_store.h says; crash when no other call is under way.
 */
#include "domain/activity_store.h"

enum durable_when {
    DURABLE_AT_SYNC, /* as a store that gathers rows in memory and writes them at times */
    DURABLE_AT_PUT   /* as a database that confirms each batch */
};

/* Never fails; aborts without memory. An erasure is durable at once, with everything before it. */
struct activity_store *durable_store_double_new(enum durable_when when);

/* Frees the store, and gives what a process that starts after the crash would open. */
struct activity_store *durable_store_double_crash(struct activity_store *store);
