#pragma once
/*
 * The file "backup" in a folder: who finds one may not serve the folder, since a server would
 * change what is to stay as it is. It is there, and says that it is unfinished, from the moment a
 * backup is begun, or restored into the folder; a whole backup has one that lists every file:
 *
 *     usertrail-backup 1
 *     made 2026-01-14T23:58:05.442Z
 *     file 75 1c291ca3 log/log-id              for each file: bytes, CRC-32C, name
 *     file 4096 - log/0000000001.segment       one that was not read, and says itself if it is
 * whole end 2 5f2a0c11                           files, CRC-32C of all before this line,
 * hexadecimal
 *
 * So a file that was lost since is missed, and nothing that was cut off half-way is taken for a
 * backup. What ends a log has a CRC: damage in its last commit would look like one that a crash
 * tore. A folder that was restored has no such file any more. One thread.
 */
#include "base/buffer.h"
#include "infrastructure/disk/disk.h"

#include <stdbool.h>

#define BACKUP_MARKER "backup"

enum { BACKUP_NAME_BYTES_MAX = 160 };

struct backup_entry {
    char name[BACKUP_NAME_BYTES_MAX + 1]; /* below the folder */
    uint64_t bytes;
    bool summed; /* `sum` is there */
    uint32_t sum;
};

struct backup_list {
    int64_t made_at_ms;
    struct backup_entry *entries;
    size_t count;
    size_t capacity;
};

void backup_list_deinit(struct backup_list *list);

/* `sum`: the file's CRC-32C; NULL: none. INVALID: too long a name. NO_MEMORY. */
MUST_USE enum status backup_list_add(struct backup_list *list, const char *name, uint64_t bytes,
                                     const uint32_t *sum, struct error *err);

/* Reads what a marker says. INVALID: an unfinished one, or of a later format. CORRUPT: it is none,
 * or names what is in no backup. NO_MEMORY. On failure there is nothing to free. */
MUST_USE enum status backup_list_parse(struct str text, struct backup_list *out_list,
                                       struct error *err);
void backup_list_append(const struct backup_list *list, struct buffer *out_text);

/* Whether the folder has a marker of either kind. */
MUST_USE enum status backup_marker_find(struct disk *disk, const char *directory, bool *out_found,
                                        struct error *err);

/* Durable when it returns OK, but for the name of the folder. */
MUST_USE enum status backup_marker_begin(struct disk *disk, const char *directory,
                                         struct error *err);
MUST_USE enum status backup_marker_finish(struct disk *disk, const char *directory,
                                          const struct backup_list *list, struct error *err);
MUST_USE enum status backup_marker_remove(struct disk *disk, const char *directory,
                                          struct error *err);

/* As backup_list_parse; NOT_FOUND: there is none. */
MUST_USE enum status backup_marker_read(struct disk *disk, const char *directory,
                                        struct backup_list *out_list, struct error *err);
