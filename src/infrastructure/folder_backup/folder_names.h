#pragma once
/*
 * The names in a folder as a list, since who visits a folder may not use the disk meanwhile. One
 * thread.
 */
#include "infrastructure/disk/disk.h"

#include <stdbool.h>

struct folder_names {
    char **items; /* in byte order */
    size_t count;
    size_t capacity;
};

/* NOT_FOUND: there is no such folder. NO_MEMORY, what the disk says; then there is nothing to free.
 */
MUST_USE enum status folder_names_list(struct disk *disk, const char *directory,
                                       struct folder_names *out_names, struct error *err);
void folder_names_deinit(struct folder_names *names);

/* "directory/folder", or the directory itself for "". INVALID when it is too long. */
MUST_USE enum status folder_path(const char *directory, const char *folder,
                                 char out_path[DISK_PATH_BYTES_MAX], struct error *err);

/* The names in folder_path's folder, as folder_names_list gives them. */
MUST_USE enum status folder_names_list_below(struct disk *disk, const char *directory,
                                             const char *folder, struct folder_names *out_names,
                                             struct error *err);

/* The path without slashes at its end, so that what lies beside it is found. INVALID: too long. */
MUST_USE enum status folder_trim(const char *path, char out_path[DISK_PATH_BYTES_MAX],
                                 struct error *err);

/* Makes the folders in which the file `name` lies below the directory. */
MUST_USE enum status folder_make_for(struct disk *disk, const char *directory, const char *name,
                                     struct error *err);

/* Makes durable what stands in the directory and in the folders of a backup below it. */
MUST_USE enum status folder_sync_all(struct disk *disk, const char *directory, struct error *err);

/* CRC-32C of the first `bytes` of a file. CORRUPT: it has fewer. */
MUST_USE enum status folder_sum_file(struct disk_file *file, uint64_t bytes, uint32_t *out_sum,
                                     struct error *err);

/* Has another name, in the directory, for `bytes` of the file, or a copy of them; durable but for
 * its name. `source`: the path that it has now; NULL: only a copy will do. `out_linked` says which
 * it is. */
struct folder_placing {
    struct disk *disk;
    const char *directory;
    const char *name;
    const char *source;
    struct disk_file *file;
    uint64_t bytes;
};
MUST_USE enum status folder_place(const struct folder_placing *placing, bool *out_linked,
                                  struct error *err);
