#include "infrastructure/disk/disk_posix.h"

#include "base/assert.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

struct posix_file {
    struct disk_file file;
    int descriptor;
    char path[]; /* for messages */
};

static struct posix_file *posix_file_of(struct disk_file *file)
{
    return CONTAINER_OF(file, struct posix_file, file);
}

static enum status fail(struct posix_file *file, const char *operation, struct error *err)
{
    return disk_error(err, errno, operation, file->path);
}

static enum status posix_read(struct disk_file *base, uint64_t offset, struct iovec into,
                              size_t *out_len, struct error *err)
{
    struct posix_file *file = posix_file_of(base);
    ssize_t len;
    do {
        len = pread(file->descriptor, into.iov_base, into.iov_len, (off_t)offset);
    } while (len < 0 && errno == EINTR);
    if (len < 0) {
        return fail(file, "cannot read", err);
    }
    *out_len = (size_t)len;
    return STATUS_OK;
}

static enum status posix_write(struct disk_file *base, uint64_t offset, struct disk_parts parts,
                               size_t *out_len, struct error *err)
{
    struct posix_file *file = posix_file_of(base);
    int count = parts.count > IOV_MAX ? IOV_MAX : (int)parts.count;
    ssize_t len;
    do {
        len = pwritev(file->descriptor, parts.items, count, (off_t)offset);
    } while (len < 0 && errno == EINTR);
    if (len <= 0) {
        errno = len < 0 ? errno : EIO;
        return fail(file, "cannot write", err);
    }
    *out_len = (size_t)len;
    return STATUS_OK;
}

/* What has no name any more is gone after a restart, however well it was synced. */
static enum status posix_sync(struct disk_file *base, struct error *err)
{
    struct posix_file *file = posix_file_of(base);
    struct stat about;
    if (fdatasync(file->descriptor) != 0 || fstat(file->descriptor, &about) != 0) {
        return fail(file, "cannot sync", err);
    }
    if (about.st_nlink == 0) {
        errno = ESTALE;
        return fail(file, "somebody removed the file", err);
    }
    return STATUS_OK;
}

/* File systems without reservations only get a longer file; a full disk then shows at the write. */
static enum status posix_allocate(struct disk_file *base, uint64_t offset, uint64_t len,
                                  struct error *err)
{
    struct posix_file *file = posix_file_of(base);
    int result;
    do {
        result = fallocate(file->descriptor, 0, (off_t)offset, (off_t)len);
    } while (result != 0 && errno == EINTR);
    if (result != 0 && errno == EOPNOTSUPP) {
        struct stat about;
        result = fstat(file->descriptor, &about);
        if (result == 0 && (uint64_t)about.st_size < offset + len) {
            result = ftruncate(file->descriptor, (off_t)(offset + len));
        }
    }
    return result == 0 ? STATUS_OK : fail(file, "cannot reserve space in", err);
}

static enum status posix_truncate(struct disk_file *base, uint64_t size, struct error *err)
{
    struct posix_file *file = posix_file_of(base);
    int result;
    do {
        result = ftruncate(file->descriptor, (off_t)size);
    } while (result != 0 && errno == EINTR);
    return result == 0 ? STATUS_OK : fail(file, "cannot cut", err);
}

static enum status posix_size(struct disk_file *base, uint64_t *out_size, struct error *err)
{
    struct posix_file *file = posix_file_of(base);
    struct stat about;
    if (fstat(file->descriptor, &about) != 0) {
        return fail(file, "cannot look at", err);
    }
    *out_size = (uint64_t)about.st_size;
    return STATUS_OK;
}

static enum status posix_lock(struct disk_file *base, struct error *err)
{
    struct posix_file *file = posix_file_of(base);
    int result;
    do {
        result = flock(file->descriptor, LOCK_EX | LOCK_NB);
    } while (result != 0 && errno == EINTR);
    return result == 0 ? STATUS_OK : fail(file, "cannot lock", err);
}

static void posix_close(struct disk_file *base)
{
    struct posix_file *file = posix_file_of(base);
    close(file->descriptor);
    free(file);
}

static const struct disk_file_operations posix_file_operations = {
    .read = posix_read,
    .write = posix_write,
    .sync = posix_sync,
    .allocate = posix_allocate,
    .truncate = posix_truncate,
    .size = posix_size,
    .lock = posix_lock,
    .close = posix_close,
};

static const int open_flags[] = {
    [DISK_READ] = O_RDONLY,
    [DISK_WRITE] = O_RDWR,
    [DISK_MAKE] = O_RDWR | O_CREAT | O_EXCL,
    [DISK_MAKE_SECRET] = O_RDWR | O_CREAT | O_EXCL,
    [DISK_WRITE_OR_MAKE] = O_RDWR | O_CREAT,
};

enum { FILE_MODE = 0640, SECRET_MODE = 0600 };

static enum status posix_open(struct disk *disk, const char *path, enum disk_mode mode,
                              struct disk_file **out_file, struct error *err)
{
    (void)disk;
    size_t path_bytes = strlen(path) + 1;
    struct posix_file *file = malloc(sizeof *file + path_bytes);
    if (file == NULL) {
        return error_set(err, STATUS_NO_MEMORY, ENOMEM, "no memory to open a file");
    }
    file->file.operations = &posix_file_operations;
    memcpy(file->path, path, path_bytes);
    mode_t permissions = mode == DISK_MAKE_SECRET ? SECRET_MODE : FILE_MODE;
    /* Opening a pipe would wait for its other end; of a file this flag changes nothing. */
    do {
        file->descriptor = open(path, open_flags[mode] | O_CLOEXEC | O_NONBLOCK, permissions);
    } while (file->descriptor < 0 && errno == EINTR);
    struct stat about;
    bool opened = file->descriptor >= 0 && fstat(file->descriptor, &about) == 0;
    if (opened && !S_ISREG(about.st_mode)) {
        errno = EINVAL;
        opened = false;
    }
    if (!opened) {
        enum status status = fail(file, "cannot open as a file", err);
        if (file->descriptor >= 0) {
            close(file->descriptor);
        }
        free(file);
        return status;
    }
    *out_file = &file->file;
    return STATUS_OK;
}

static enum status posix_remove(struct disk *disk, const char *path, struct error *err)
{
    (void)disk;
    bool removed = unlink(path) == 0 || (errno == EISDIR && rmdir(path) == 0);
    return removed ? STATUS_OK : disk_error(err, errno, "cannot remove", path);
}

/* Other file systems, such that know no links, files with too many of them, and kernels that let
 * only a file's owner do it. */
static bool is_unlinkable(int cause)
{
    return cause == EXDEV || cause == EPERM || cause == EMLINK || cause == ENOTSUP ||
           cause == ENOSYS;
}

static enum status posix_link(struct disk *disk, const char *from, const char *to,
                              struct error *err)
{
    (void)disk;
    if (link(from, to) == 0) {
        return STATUS_OK;
    }
    return is_unlinkable(errno)
               ? error_set(err, STATUS_INVALID, errno, "cannot link %s", error_path(from))
               : disk_error(err, errno, "cannot link", from);
}

static enum status posix_rename(struct disk *disk, const char *from, const char *to,
                                struct error *err)
{
    (void)disk;
    return rename(from, to) == 0 ? STATUS_OK : disk_error(err, errno, "cannot rename", from);
}

static enum status posix_make_directory(struct disk *disk, const char *path, struct error *err)
{
    (void)disk;
    if (mkdir(path, 0750) == 0 || errno == EEXIST) {
        return STATUS_OK;
    }
    return disk_error(err, errno, "cannot make the folder", path);
}

static enum status posix_sync_directory(struct disk *disk, const char *path, struct error *err)
{
    (void)disk;
    int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) {
        return disk_error(err, errno, "cannot open the folder", path);
    }
    enum status status = STATUS_OK;
    if (fsync(descriptor) != 0) {
        status = disk_error(err, errno, "cannot sync the folder", path);
    }
    close(descriptor);
    return status;
}

static enum status posix_list(struct disk *disk, const char *path, disk_visit *visit, void *context,
                              struct error *err)
{
    (void)disk;
    DIR *directory = opendir(path); /* opens with O_CLOEXEC */
    if (directory == NULL) {
        return disk_error(err, errno, "cannot list the folder", path);
    }
    enum status status = STATUS_OK;
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(directory);
        if (entry == NULL) {
            if (errno != 0) {
                status = disk_error(err, errno, "cannot list the folder", path);
            }
            break;
        }
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            visit(context, entry->d_name);
        }
    }
    closedir(directory);
    return status;
}

static enum status posix_free_bytes(struct disk *disk, const char *path, uint64_t *out_bytes,
                                    struct error *err)
{
    (void)disk;
    struct statvfs about;
    if (statvfs(path, &about) != 0) {
        return disk_error(err, errno, "cannot ask for free space at", path);
    }
    *out_bytes = (uint64_t)about.f_bavail * about.f_frsize;
    return STATUS_OK;
}

static const struct disk_operations posix_operations = {
    .open = posix_open,
    .remove = posix_remove,
    .rename = posix_rename,
    .make_directory = posix_make_directory,
    .sync_directory = posix_sync_directory,
    .list = posix_list,
    .free_bytes = posix_free_bytes,
    .link = posix_link,
};

struct disk *disk_posix(void)
{
    static struct disk disk = {.operations = &posix_operations};
    return &disk;
}
