#include "infrastructure/disk/whole_file.h"

#include "base/assert.h"

#include <stdio.h>

/* What is there was left by whoever died, or is none of ours. */
static enum status open_new(struct disk *disk, const char *path, enum disk_mode mode,
                            struct disk_file **out_file, struct error *err)
{
    enum status status = disk_open(disk, path, mode, out_file, err);
    if (status != STATUS_DUPLICATE) {
        return status;
    }
    status = disk_remove(disk, path, err);
    return status == STATUS_OK ? disk_open(disk, path, mode, out_file, err) : status;
}

/* Nobody reads what was written in part, and on a full disk its room is wanted. Where it cannot be
 * removed, either, the caller tells why it could not be written, which says more. */
static void abandon(struct disk *disk, const char *path)
{
    enum status removed = disk_remove(disk, path, NULL);
    (void)removed;
}

static enum status write_and_sync(struct disk_file *file, struct str text, struct error *err)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)text.data, .iov_len = text.len};
    enum status status = disk_file_write(file, 0, &part, 1, err);
    return status == STATUS_OK ? disk_file_sync(file, err) : status;
}

enum status whole_file_make(struct disk *disk, const char *path, enum disk_mode mode,
                            struct str text, struct error *err)
{
    ASSERT(mode == DISK_MAKE || mode == DISK_MAKE_SECRET);
    struct disk_file *file = NULL;
    enum status status = open_new(disk, path, mode, &file, err);
    if (status != STATUS_OK) {
        return status;
    }
    status = write_and_sync(file, text, err);
    disk_file_close(file);
    if (status != STATUS_OK) {
        abandon(disk, path);
    }
    return status;
}

enum status whole_file_replace(struct disk *disk, const char *path, enum disk_mode mode,
                               struct str text, struct error *err)
{
    char draft[DISK_PATH_BYTES_MAX];
    int len = snprintf(draft, sizeof draft, "%s" WHOLE_FILE_DRAFT, path);
    if (len < 0 || (size_t)len >= sizeof draft) {
        return error_set(err, STATUS_INVALID, 0, "the path %s is too long", error_path(path));
    }
    enum status status = whole_file_make(disk, draft, mode, text, err);
    if (status != STATUS_OK) {
        return status;
    }
    status = disk_rename(disk, draft, path, err);
    if (status != STATUS_OK) {
        abandon(disk, draft);
    }
    return status == STATUS_OK ? disk_sync_parent(disk, path, err) : status;
}
