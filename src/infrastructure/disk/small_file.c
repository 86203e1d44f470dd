#include "infrastructure/disk/small_file.h"

#include "infrastructure/disk/disk_posix.h"
#include "infrastructure/disk/whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_BYTES = 16 * 1024 };

static enum status fail(struct error *err, int cause, const char *path)
{
    enum status status = error_set_system(err, cause, "the file %s", error_path(path));
    if (cause == ENOENT) {
        status = STATUS_NOT_FOUND;
    }
    if (err != NULL) {
        err->status = status;
    }
    return status;
}

/* --- reading --- */

static enum status check(int file, const char *path, mode_t forbidden, struct error *err)
{
    struct stat about;
    if (fstat(file, &about) != 0) {
        return fail(err, errno, path);
    }
    if (!S_ISREG(about.st_mode)) {
        return error_set(err, STATUS_INVALID, 0, "%s is no regular file", error_path(path));
    }
    if ((about.st_mode & forbidden) != 0) {
        return error_set(err, STATUS_INVALID, 0,
                         "others may %s the file %s (mode %04o); take that away: chmod 600",
                         forbidden == SMALL_FILE_SECRET ? "look into" : "write", error_path(path),
                         (unsigned)about.st_mode & 07777u);
    }
    return STATUS_OK;
}

static enum status read_all(int file, const char *path, struct buffer *out_text, struct error *err)
{
    char bytes[READ_BYTES];
    for (;;) {
        ssize_t got = read(file, bytes, sizeof bytes);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return fail(err, errno, path);
        }
        if (got == 0) {
            return STATUS_OK;
        }
        buffer_append(out_text, bytes, (size_t)got);
        if (out_text->failed == STATUS_TOO_LARGE) {
            return error_set(err, STATUS_INVALID, 0, "the file %s is longer than %zu bytes",
                             error_path(path), out_text->bytes_max);
        }
        if (out_text->failed != STATUS_OK) {
            return error_set(err, out_text->failed, 0, "there is no memory for the file %s",
                             error_path(path));
        }
    }
}

/* Without waiting for a writer, should the path be that of a pipe. */
enum status small_file_read(const char *path, mode_t forbidden, struct buffer *out_text,
                            struct error *err)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) {
        return fail(err, errno, path);
    }
    enum status status = check(file, path, forbidden, err);
    if (status == STATUS_OK) {
        status = read_all(file, path, out_text, err);
    }
    close(file);
    return status;
}

/* --- writing --- */

/* What failed is told of the file, whichever name it had at that moment. */
enum status small_file_replace(const char *path, struct str text, struct error *err)
{
    struct error why;
    enum status status = whole_file_replace(disk_posix(), path, DISK_MAKE_SECRET, text, &why);
    if (status == STATUS_OK || why.cause != 0) {
        return status == STATUS_OK ? STATUS_OK : fail(err, why.cause, path);
    }
    return error_set(err, status, 0, "%s", why.message);
}

/* The folder itself is locked: the file is another one after each write, and a lock file would have
 * to be left there. */
enum status small_file_lock(const char *path, int *out_lock, struct error *err)
{
    char parent[DISK_PATH_BYTES_MAX];
    enum status status = disk_parent(path, parent, err);
    if (status != STATUS_OK) {
        return status;
    }
    int folder = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        return fail(err, errno, parent);
    }
    int locked;
    do {
        locked = flock(folder, LOCK_EX);
    } while (locked != 0 && errno == EINTR);
    if (locked != 0) {
        status = fail(err, errno, path);
        close(folder);
        return status;
    }
    *out_lock = folder;
    return STATUS_OK;
}

void small_file_unlock(int lock)
{
    close(lock);
}
