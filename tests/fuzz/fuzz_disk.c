#include "fuzz_disk.h"

#include "base/assert.h"
#include "base/crc32c.h"
#include "base/little_endian.h"

#include <stdlib.h>
#include <string.h>

enum { CRC_BYTES = 4 };

struct fuzz_file {
    struct disk_file file;
    struct fuzz_disk *disk; /* NULL: a new one, which keeps nothing */
};

static void repair(const struct fuzz_disk *disk, uint64_t offset, uint8_t *bytes, size_t len)
{
    if (disk->repairs && len >= CRC_BYTES) {
        size_t covered = len - CRC_BYTES;
        uint32_t seed = offset == 0 ? 0 : disk->seed;
        little_endian_put_u32(bytes + covered, crc32c_extend(seed, bytes, covered));
    }
}

static enum status fuzz_read(struct disk_file *file, uint64_t offset, struct iovec into,
                             size_t *out_len, struct error *err)
{
    const struct fuzz_disk *disk = CONTAINER_OF(file, struct fuzz_file, file)->disk;
    (void)err;
    size_t left = disk == NULL || offset >= disk->len ? 0 : disk->len - (size_t)offset;
    size_t len = into.iov_len < left ? into.iov_len : left;
    if (len > 0) {
        memcpy(into.iov_base, disk->bytes + offset, len);
    }
    if (len > 0 && len == into.iov_len) {
        repair(disk, offset, into.iov_base, len);
    }
    *out_len = len;
    return STATUS_OK;
}

static enum status fuzz_write(struct disk_file *file, uint64_t offset, struct disk_parts parts,
                              size_t *out_len, struct error *err)
{
    (void)file;
    (void)offset;
    (void)err;
    *out_len = 0;
    for (size_t i = 0; i < parts.count; i++) {
        *out_len += parts.items[i].iov_len;
    }
    return STATUS_OK;
}

static enum status fuzz_sync(struct disk_file *file, struct error *err)
{
    (void)file;
    (void)err;
    return STATUS_OK;
}

static enum status fuzz_allocate(struct disk_file *file, uint64_t offset, uint64_t len,
                                 struct error *err)
{
    (void)offset;
    (void)len;
    return fuzz_sync(file, err);
}

static enum status fuzz_truncate(struct disk_file *file, uint64_t size, struct error *err)
{
    (void)size;
    return fuzz_sync(file, err);
}

static enum status fuzz_size(struct disk_file *file, uint64_t *out_size, struct error *err)
{
    const struct fuzz_disk *disk = CONTAINER_OF(file, struct fuzz_file, file)->disk;
    (void)err;
    *out_size = disk == NULL ? 0 : disk->len;
    return STATUS_OK;
}

static void fuzz_close(struct disk_file *file)
{
    free(CONTAINER_OF(file, struct fuzz_file, file));
}

static const struct disk_file_operations file_operations = {
    .read = fuzz_read,
    .write = fuzz_write,
    .sync = fuzz_sync,
    .allocate = fuzz_allocate,
    .truncate = fuzz_truncate,
    .size = fuzz_size,
    .lock = fuzz_sync,
    .close = fuzz_close,
};

static enum status fuzz_open(struct disk *disk, const char *path, enum disk_mode mode,
                             struct disk_file **out_file, struct error *err)
{
    struct fuzz_file *file = calloc(1, sizeof *file);
    (void)path;
    (void)err;
    ASSERT(file != NULL);
    file->file.operations = &file_operations;
    file->disk = mode == DISK_MAKE ? NULL : CONTAINER_OF(disk, struct fuzz_disk, disk);
    *out_file = &file->file;
    return STATUS_OK;
}

static enum status fuzz_name(struct disk *disk, const char *path, struct error *err)
{
    (void)disk;
    (void)path;
    (void)err;
    return STATUS_OK;
}

static enum status fuzz_rename(struct disk *disk, const char *from, const char *to,
                               struct error *err)
{
    (void)from;
    return fuzz_name(disk, to, err);
}

static enum status fuzz_list(struct disk *disk, const char *path, disk_visit *visit, void *context,
                             struct error *err)
{
    (void)visit;
    (void)context;
    return fuzz_name(disk, path, err);
}

static enum status fuzz_free_bytes(struct disk *disk, const char *path, uint64_t *out_bytes,
                                   struct error *err)
{
    *out_bytes = UINT32_MAX;
    return fuzz_name(disk, path, err);
}

static const struct disk_operations operations = {
    .open = fuzz_open,
    .remove = fuzz_name,
    .rename = fuzz_rename,
    .make_directory = fuzz_name,
    .sync_directory = fuzz_name,
    .list = fuzz_list,
    .free_bytes = fuzz_free_bytes,
};

void fuzz_disk_init(struct fuzz_disk *disk, const uint8_t *bytes, size_t len)
{
    *disk = (struct fuzz_disk){.disk = {.operations = &operations}, .bytes = bytes, .len = len};
}
