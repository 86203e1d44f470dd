#include "infrastructure/disk/held_files.h"

#include "base/array.h"
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void held_files_init(struct held_files *held, struct disk *disk, const char *directory)
{
    *held = (struct held_files){.disk = disk, .directory = directory};
}

void held_files_deinit(struct held_files *held)
{
    for (size_t i = 0; i < held->count; i++) {
        disk_file_close(held->items[i].file);
    }
    free(held->items);
    held->items = NULL;
    held->count = 0;
    held->capacity = 0;
}

struct held_file *held_files_find(const struct held_files *held, const char *name)
{
    for (size_t i = 0; i < held->count; i++) {
        if (strcmp(held->items[i].name, name) == 0) {
            return &held->items[i];
        }
    }
    return NULL;
}

static enum status open_file(struct held_files *held, struct held_file *file, struct error *err)
{
    char path[DISK_PATH_BYTES_MAX];
    CLEANUP(disk_file_close) struct disk_file *opened = NULL;
    enum status status = disk_path(held->directory, file->name, path, err);
    if (status == STATUS_OK) {
        status = disk_open(held->disk, path, DISK_READ, &opened, err);
    }
    if (status == STATUS_OK) {
        status = disk_file_size(opened, &file->bytes, err);
    }
    if (status == STATUS_OK) {
        file->file = TAKE(opened);
    }
    return status;
}

enum status held_files_open(struct held_files *held, const char *name, struct held_file **out_file,
                            struct error *err)
{
    struct held_file file = {0};
    ASSERT(held_files_find(held, name) == NULL);
    int len = snprintf(file.name, sizeof file.name, "%s", name);
    if (len < 0 || (size_t)len >= sizeof file.name) {
        return error_set(err, STATUS_INVALID, 0, "the name %.60s… is too long", name);
    }
    if (!ARRAY_RESERVE(held->items, held->capacity, held->count + 1)) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to hold files");
    }
    enum status status = open_file(held, &file, err);
    if (status == STATUS_OK) {
        held->items[held->count] = file;
        *out_file = &held->items[held->count++];
    }
    return status;
}

void held_files_drop(struct held_files *held, struct held_file *file)
{
    size_t at = (size_t)(file - held->items);
    ASSERT(at < held->count);
    disk_file_close(file->file);
    held->count--;
    memmove(file, file + 1, (held->count - at) * sizeof *file);
}

void held_files_drop_all(struct held_files *held, const char *prefix)
{
    for (size_t i = held->count; i > 0; i--) {
        struct held_file *file = &held->items[i - 1];
        if (strncmp(file->name, prefix, strlen(prefix)) == 0) {
            held_files_drop(held, file);
        }
    }
}
