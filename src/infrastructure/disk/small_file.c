#include "infrastructure/disk/small_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 1024, READ_BYTES = 16 * 1024, FILE_MODE = 0600 };

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

static bool write_all(int file, struct str text)
{
    size_t done = 0;
    while (done < text.len) {
        ssize_t len = write(file, text.data + done, text.len - done);
        if (len < 0 && errno != EINTR) {
            return false;
        }
        done += len < 0 ? 0 : (size_t)len;
    }
    return true;
}

/* One that was left behind by whoever died is made anew, so that its mode is ours. */
static enum status write_draft(const char *draft, struct str text, struct error *err)
{
    unlink(draft);
    int file = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    if (file < 0) {
        return fail(err, errno, draft);
    }
    bool written = write_all(file, text) && fsync(file) == 0;
    int cause = errno;
    close(file);
    if (!written) {
        unlink(draft);
        return fail(err, cause, draft);
    }
    return STATUS_OK;
}

static enum status open_folder(const char *path, int *out_folder, struct error *err)
{
    char folder[PATH_BYTES];
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 1 : (size_t)(slash - path) + (slash == path);
    if (len >= sizeof folder) {
        return error_set(err, STATUS_INVALID, 0, "the path of a file is too long");
    }
    memcpy(folder, slash == NULL ? "." : path, len);
    folder[len] = '\0';
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) {
        return fail(err, errno, folder);
    }
    *out_folder = descriptor;
    return STATUS_OK;
}

static enum status sync_folder(const char *path, struct error *err)
{
    int folder = -1;
    enum status status = open_folder(path, &folder, err);
    if (status != STATUS_OK) {
        return status;
    }
    if (fsync(folder) != 0) {
        status = fail(err, errno, path);
    }
    close(folder);
    return status;
}

enum status small_file_replace(const char *path, struct str text, struct error *err)
{
    char draft[PATH_BYTES];
    int len = snprintf(draft, sizeof draft, "%s.draft", path);
    if (len < 0 || (size_t)len >= sizeof draft) {
        return error_set(err, STATUS_INVALID, 0, "the path of a file is too long");
    }
    enum status status = write_draft(draft, text, err);
    if (status == STATUS_OK && rename(draft, path) != 0) {
        status = fail(err, errno, path);
        unlink(draft);
    }
    return status == STATUS_OK ? sync_folder(path, err) : status;
}

/* The folder itself is locked: the file is another one after each write, and a lock file would have
 * to be left there. */
enum status small_file_lock(const char *path, int *out_lock, struct error *err)
{
    int folder = -1;
    enum status status = open_folder(path, &folder, err);
    if (status != STATUS_OK) {
        return status;
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
