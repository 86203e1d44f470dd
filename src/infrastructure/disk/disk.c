#include "infrastructure/disk/disk.h"

#include "base/assert.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COPY_BYTES = 1 << 20 };

enum status disk_open(struct disk *disk, const char *path, enum disk_mode mode,
                      struct disk_file **out_file, struct error *err)
{
    struct disk_file *file = NULL;
    enum status status = disk->operations->open(disk, path, mode, &file, err);
    ASSERT((status == STATUS_OK) == (file != NULL));
    if (status == STATUS_OK) {
        *out_file = file;
    }
    return status;
}

enum status disk_remove(struct disk *disk, const char *path, struct error *err)
{
    return disk->operations->remove(disk, path, err);
}

enum status disk_link(struct disk *disk, const char *from, const char *to, struct error *err)
{
    return disk->operations->link(disk, from, to, err);
}

enum status disk_rename(struct disk *disk, const char *from, const char *to, struct error *err)
{
    return disk->operations->rename(disk, from, to, err);
}

enum status disk_make_directory(struct disk *disk, const char *path, struct error *err)
{
    return disk->operations->make_directory(disk, path, err);
}

enum status disk_parent(const char *path, char out_parent[DISK_PATH_BYTES_MAX], struct error *err)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : (size_t)(slash - path);
    if (len >= DISK_PATH_BYTES_MAX) {
        return error_set(err, STATUS_INVALID, 0, "the path %s is too long", error_path(path));
    }
    if (len == 0) {
        memcpy(out_parent, slash == NULL ? "." : "/", sizeof ".");
        return STATUS_OK;
    }
    memcpy(out_parent, path, len);
    out_parent[len] = '\0';
    return STATUS_OK;
}

enum status disk_sync_parent(struct disk *disk, const char *path, struct error *err)
{
    char parent[DISK_PATH_BYTES_MAX];
    enum status status = disk_parent(path, parent, err);
    return status == STATUS_OK ? disk_sync_directory(disk, parent, err) : status;
}

enum status disk_make_durable_directory(struct disk *disk, const char *path, struct error *err)
{
    char parent[DISK_PATH_BYTES_MAX];
    enum status status = disk_parent(path, parent, err);
    if (status == STATUS_OK) {
        status = disk_make_directory(disk, path, err);
    }
    return status == STATUS_OK ? disk_sync_directory(disk, parent, err) : status;
}

enum status disk_sync_directory(struct disk *disk, const char *path, struct error *err)
{
    return disk->operations->sync_directory(disk, path, err);
}

enum status disk_list(struct disk *disk, const char *path, disk_visit *visit, void *context,
                      struct error *err)
{
    return disk->operations->list(disk, path, visit, context, err);
}

enum status disk_free_bytes(struct disk *disk, const char *path, uint64_t *out_bytes,
                            struct error *err)
{
    return disk->operations->free_bytes(disk, path, out_bytes, err);
}

enum status disk_file_read(struct disk_file *file, uint64_t offset, struct iovec into,
                           size_t *out_len, struct error *err)
{
    size_t total = 0;
    while (total < into.iov_len) {
        struct iovec rest = {.iov_base = (char *)into.iov_base + total,
                             .iov_len = into.iov_len - total};
        size_t len = 0;
        enum status status = file->operations->read(file, offset + total, rest, &len, err);
        if (status != STATUS_OK) {
            return status;
        }
        ASSERT(len <= rest.iov_len);
        if (len == 0) {
            break;
        }
        total += len;
    }
    *out_len = total;
    return STATUS_OK;
}

/* One write, and the new offset behind it. */
static enum status write_some(struct disk_file *file, uint64_t *offset, const struct iovec *parts,
                              size_t count, struct error *err)
{
    size_t len = 0;
    enum status status =
        file->operations->write(file, *offset, (struct disk_parts){parts, count}, &len, err);
    if (status == STATUS_OK) {
        ASSERT(len > 0);
        *offset += len;
    }
    return status;
}

enum status disk_file_write(struct disk_file *file, uint64_t offset, const struct iovec *parts,
                            size_t count, struct error *err)
{
    uint64_t part_start = offset; /* where the first of the remaining parts belongs */
    while (count > 0) {
        if (offset - part_start >= parts->iov_len) {
            part_start += parts->iov_len;
            parts++;
            count--;
            continue;
        }
        enum status status;
        size_t done = (size_t)(offset - part_start);
        if (done == 0) {
            status = write_some(file, &offset, parts, count, err);
        } else { /* a short write ended inside this part */
            struct iovec rest = {.iov_base = (char *)parts->iov_base + done,
                                 .iov_len = parts->iov_len - done};
            status = write_some(file, &offset, &rest, 1, err);
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

enum status disk_file_sync(struct disk_file *file, struct error *err)
{
    return file->operations->sync(file, err);
}

enum status disk_file_allocate(struct disk_file *file, uint64_t offset, uint64_t len,
                               struct error *err)
{
    ASSERT(len > 0);
    return file->operations->allocate(file, offset, len, err);
}

enum status disk_file_truncate(struct disk_file *file, uint64_t size, struct error *err)
{
    return file->operations->truncate(file, size, err);
}

enum status disk_file_size(struct disk_file *file, uint64_t *out_size, struct error *err)
{
    return file->operations->size(file, out_size, err);
}

enum status disk_file_lock(struct disk_file *file, struct error *err)
{
    return file->operations->lock(file, err);
}

void disk_file_close(struct disk_file *file)
{
    if (file != NULL) {
        file->operations->close(file);
    }
}

static enum status copy_block(struct disk_file *from, struct disk_file *to, uint64_t at,
                              struct iovec part, struct error *err)
{
    size_t len = 0;
    enum status status = disk_file_read(from, at, part, &len, err);
    if (status == STATUS_OK && len < part.iov_len) {
        status = error_set(err, STATUS_UNAVAILABLE, 0, "a file was cut while it was copied");
    }
    return status == STATUS_OK ? disk_file_write(to, at, &part, 1, err) : status;
}

enum status disk_file_copy(struct disk_file *from, struct disk_file *to, uint64_t begin,
                           uint64_t end, struct error *err)
{
    enum status status = STATUS_OK;
    struct iovec part = {.iov_base = malloc(COPY_BYTES)};
    if (part.iov_base == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to copy a file");
    }
    for (uint64_t at = begin; status == STATUS_OK && at < end; at += part.iov_len) {
        part.iov_len = end - at < COPY_BYTES ? (size_t)(end - at) : COPY_BYTES;
        status = copy_block(from, to, at, part, err);
    }
    free(part.iov_base);
    return status;
}

enum status disk_read_named(const struct disk_named_file *named, struct iovec into, size_t *out_len,
                            struct error *err)
{
    CLEANUP(disk_file_close) struct disk_file *file = NULL;
    enum status status = disk_open(named->disk, named->path, DISK_READ, &file, err);
    if (status == STATUS_OK) {
        status = disk_file_read(file, 0, into, out_len, err);
    }
    return status == STATUS_NOT_FOUND ? error_set(err, STATUS_INVALID, 0, "there is no %s %s",
                                                  named->what, error_path(named->path))
                                      : status;
}

enum status disk_path(const char *directory, const char *name, char out_path[DISK_PATH_BYTES_MAX],
                      struct error *err)
{
    int len = snprintf(out_path, DISK_PATH_BYTES_MAX, "%s/%s", directory, name);
    if (len < 0 || len >= DISK_PATH_BYTES_MAX) {
        return error_set(err, STATUS_INVALID, 0, "the path of \"%.40s\" is longer than %d bytes",
                         name, DISK_PATH_BYTES_MAX - 1);
    }
    return STATUS_OK;
}

enum status disk_error(struct error *err, int cause, const char *operation, const char *path)
{
    enum status status = error_set_system(err, cause, "%s %s", operation, error_path(path));
    switch (cause) {
    case ENOENT:
        status = STATUS_NOT_FOUND;
        break;
    case EEXIST:
        status = STATUS_DUPLICATE;
        break;
    case EWOULDBLOCK:
        status = STATUS_BUSY;
        break;
    default:
        break;
    }
    if (err != NULL) {
        err->status = status;
    }
    return status;
}
