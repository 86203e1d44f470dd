#pragma once
/*
 * One process per data folder. The file "lock" in the folder is locked for as long as it is open,
 * so a process that dies leaves no lock behind; its lines tell others who holds it:
 *
 *     pid 4711
 *     address 127.0.0.1:3000
 *
 * One thread at a time.
 */
#include "base/str.h"
#include "infrastructure/disk/disk.h"

enum { DISK_LOCK_ADDRESS_BYTES_MAX = 256 };

struct disk_lock;

/* BUSY when another process holds the folder; the message names its pid and address. */
MUST_USE enum status disk_lock_take(struct disk *disk, const char *directory,
                                    struct disk_lock **out_lock, struct error *err);

/* Tells others where the holder serves, one line without control characters. */
MUST_USE enum status disk_lock_write_address(struct disk_lock *lock, struct str address,
                                             struct error *err);

/* Where the holder of a folder serves, with a terminator. NOT_FOUND: nothing is written there. Says
 * nothing about whether somebody holds it now. */
MUST_USE enum status disk_lock_read_address(struct disk *disk, const char *directory,
                                            char out_address[DISK_LOCK_ADDRESS_BYTES_MAX + 1],
                                            struct error *err);

/* Takes NULL. The file stays, empty, so that nobody locks one that is about to vanish. */
void disk_lock_release(struct disk_lock *lock);
