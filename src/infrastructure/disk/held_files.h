#pragma once
/*
 * Files of a data folder that are held open together while a server goes on with the folder: what
 * it removes meanwhile stays readable here, so a copy can take its time. One thread.
 */
#include "infrastructure/disk/disk.h"

#include <stdbool.h>

enum { HELD_NAME_BYTES = 160 };

struct held_file {
    char name[HELD_NAME_BYTES]; /* below the data folder, as "store/chain" */
    struct disk_file *file;
    uint64_t bytes; /* of the file that are meant */
    bool settled;   /* nobody writes to it any more, so that another name for it is a copy */
};

struct held_files {
    struct disk *disk;
    const char *directory; /* the data folder; outlives this */
    struct held_file *items;
    size_t count;
    size_t capacity;
};

void held_files_init(struct held_files *held, struct disk *disk, const char *directory);
void held_files_deinit(struct held_files *held);

/* NULL: it is not held. Until the next one is opened or dropped. */
struct held_file *held_files_find(const struct held_files *held, const char *name);

/* Opens a file that is not held, all of its bytes; not settled. NOT_FOUND, NO_MEMORY, INVALID for
 * too long a name, what the disk says. */
MUST_USE enum status held_files_open(struct held_files *held, const char *name,
                                     struct held_file **out_file, struct error *err);

void held_files_drop(struct held_files *held, struct held_file *file);

/* Drops all whose names begin with this. */
void held_files_drop_all(struct held_files *held, const char *prefix);
