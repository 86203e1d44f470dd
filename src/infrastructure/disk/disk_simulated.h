#pragma once
/*
 * A disk in memory that exists to be nasty. Every file has two images: what the operating system
 * shows and what would survive a power cut. Syncing a file copies its dirty sectors (512 bytes)
 * from the first to the second; syncing a directory does the same with its names. A power cut keeps
 * a seeded subset of what was not synced, so writes tear, sizes and names may or may not be there.
 * A folder is renamed with what is in it, whose names should be durable by then.
 * After a failed sync the dirty sectors count as clean, kept or lost by the seed, as Linux does it.
 *
 * Every operation but close counts; a test runs its scenario once, asks for the count, and repeats
 * it with a fault or a power cut at each number. Same seed and same operations, same outcome.
 * Any thread.
 */
#include "infrastructure/disk/disk.h"

#include <stdbool.h>

struct disk_simulated_options {
    uint64_t seed;
    bool lying_fsync;  /* syncs say OK and do nothing: the negative control */
    bool short_writes; /* reads and writes often do less than asked */
};

MUST_USE struct disk *disk_simulated_new(const struct disk_simulated_options *options);

/* Takes NULL. All files must be closed. */
void disk_simulated_free(struct disk *disk);
CLEANUP_FUNCTION(struct disk *, disk_simulated_free)

/* Operations so far. */
uint64_t disk_simulated_count(struct disk *disk);

/* Lets the `nth` operation from now (1: the next) fail with `cause` (an errno), once or every one
 * from then on. ENOSPC spares operations that take no space. 0: heals the disk. */
void disk_simulated_fail_at(struct disk *disk, uint64_t nth, int cause, bool from_then_on);

/* Cuts the power at the `nth` operation from now; a write gets to the sectors first. */
void disk_simulated_cut_power_at(struct disk *disk, uint64_t nth);

/* Now. Every later operation fails, and files that are open stay dead after the power is back. */
void disk_simulated_cut_power(struct disk *disk);
void disk_simulated_power_on(struct disk *disk);

/* Allocated bytes beyond this are ENOSPC. UINT64_MAX, as at the start: no limit. */
void disk_simulated_set_capacity(struct disk *disk, uint64_t bytes);

/* While on, a sync of a file does not return. */
void disk_simulated_hold_syncs(struct disk *disk, bool hold);

/* Flips one bit of a file in both images; false when there is no such bit. */
bool disk_simulated_flip_bit(struct disk *disk, const char *path, uint64_t bit);
