#include "infrastructure/folder_backup/folder_names.h"

#include "base/array.h"
#include "base/crc32c.h"
#include "infrastructure/folder_backup/backup_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SUM_BYTES = 256 * 1024 };

struct listing {
    struct folder_names names;
    bool no_memory;
};

static void see_name(void *context, const char *name)
{
    struct listing *listing = context;
    struct folder_names *names = &listing->names;
    char *copy = listing->no_memory ? NULL : strdup(name);
    if (copy == NULL || !ARRAY_RESERVE(names->items, names->capacity, names->count + 1)) {
        free(copy);
        listing->no_memory = true;
        return;
    }
    names->items[names->count++] = copy;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void folder_names_deinit(struct folder_names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        free(names->items[i]);
    }
    free(names->items);
    *names = (struct folder_names){0};
}

enum status folder_names_list(struct disk *disk, const char *directory,
                              struct folder_names *out_names, struct error *err)
{
    struct listing listing = {0};
    enum status status = disk_list(disk, directory, see_name, &listing, err);
    if (status == STATUS_OK && listing.no_memory) {
        status = error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to list a folder");
    }
    if (status != STATUS_OK) {
        folder_names_deinit(&listing.names);
        return status;
    }
    if (listing.names.count > 0) {
        qsort(listing.names.items, listing.names.count, sizeof *listing.names.items, compare_names);
    }
    *out_names = listing.names;
    return STATUS_OK;
}

enum status folder_path(const char *directory, const char *folder,
                        char out_path[DISK_PATH_BYTES_MAX], struct error *err)
{
    if (folder[0] != '\0') {
        return disk_path(directory, folder, out_path, err);
    }
    int len = snprintf(out_path, DISK_PATH_BYTES_MAX, "%s", directory);
    return len > 0 && len < DISK_PATH_BYTES_MAX
               ? STATUS_OK
               : error_set(err, STATUS_INVALID, 0, "the path of a folder is too long");
}

enum status folder_names_list_below(struct disk *disk, const char *directory, const char *folder,
                                    struct folder_names *out_names, struct error *err)
{
    char path[DISK_PATH_BYTES_MAX];
    enum status status = folder_path(directory, folder, path, err);
    return status == STATUS_OK ? folder_names_list(disk, path, out_names, err) : status;
}

enum status folder_trim(const char *path, char out_path[DISK_PATH_BYTES_MAX], struct error *err)
{
    enum status status = folder_path(path, "", out_path, err);
    for (size_t len = status == STATUS_OK ? strlen(out_path) : 0;
         len > 1 && out_path[len - 1] == '/'; len--) {
        out_path[len - 1] = '\0';
    }
    return status;
}

enum status folder_make_for(struct disk *disk, const char *directory, const char *name,
                            struct error *err)
{
    char path[DISK_PATH_BYTES_MAX];
    enum status status = disk_path(directory, name, path, err);
    if (status != STATUS_OK) {
        return status;
    }
    for (char *slash = strchr(path + strlen(directory) + 1, '/');
         status == STATUS_OK && slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        status = disk_make_directory(disk, path, err);
        *slash = '/';
    }
    return status;
}

enum status folder_sync_all(struct disk *disk, const char *directory, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = BACKUP_FOLDERS; status == STATUS_OK && i > 0; i--) {
        char path[DISK_PATH_BYTES_MAX];
        status = folder_path(directory, backup_folders[i - 1], path, err);
        if (status == STATUS_OK) {
            status = disk_sync_directory(disk, path, err);
            status = status == STATUS_NOT_FOUND ? STATUS_OK : status;
        }
    }
    return status;
}

enum status folder_sum_file(struct disk_file *file, uint64_t bytes, uint32_t *out_sum,
                            struct error *err)
{
    enum status status = STATUS_OK;
    uint32_t sum = 0;
    uint8_t *block = malloc(SUM_BYTES);
    if (block == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to read a file");
    }
    for (uint64_t at = 0; status == STATUS_OK && at < bytes;) {
        size_t len = 0;
        struct iovec into = {.iov_base = block,
                             .iov_len = bytes - at < SUM_BYTES ? (size_t)(bytes - at) : SUM_BYTES};
        status = disk_file_read(file, at, into, &len, err);
        if (status == STATUS_OK && len < into.iov_len) {
            status = error_set(err, STATUS_CORRUPT, 0, "a file was cut while it was read");
        }
        sum = status == STATUS_OK ? crc32c_extend(sum, block, len) : sum;
        at += len;
    }
    free(block);
    if (status == STATUS_OK) {
        *out_sum = sum;
    }
    return status;
}

static enum status copy(const struct folder_placing *placing, const char *path, struct error *err)
{
    CLEANUP(disk_file_close) struct disk_file *target = NULL;
    enum status status = disk_open(placing->disk, path, DISK_MAKE, &target, err);
    if (status == STATUS_OK) {
        status = disk_file_copy(placing->file, target, 0, placing->bytes, err);
    }
    return status == STATUS_OK ? disk_file_sync(target, err) : status;
}

/* What has no name any more, since a server removed it, and what cannot be linked is copied. */
enum status folder_place(const struct folder_placing *placing, bool *out_linked, struct error *err)
{
    char path[DISK_PATH_BYTES_MAX];
    enum status status = folder_make_for(placing->disk, placing->directory, placing->name, err);
    if (status == STATUS_OK) {
        status = disk_path(placing->directory, placing->name, path, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    *out_linked = false;
    if (placing->source != NULL) {
        status = disk_link(placing->disk, placing->source, path, err);
        *out_linked = status == STATUS_OK;
    }
    if (*out_linked) {
        return disk_file_sync(placing->file, err);
    }
    bool copies = placing->source == NULL || status == STATUS_NOT_FOUND || status == STATUS_INVALID;
    return copies ? copy(placing, path, err) : status;
}
