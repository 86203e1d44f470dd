/*
 * Makes the disk fail on request: loaded before the C library, it fails the calls that write to
 * files under the folder FAIL_DISK_FOLDER while a file of that name lies beside it: FOLDER.enospc
 * (no space for new or longer files and writes), FOLDER.eio-write, FOLDER.eio-sync. While
 * FOLDER.hold-sync is there a sync does not begin, so that a test says how long the disk takes.
 * FOLDER.count-sync grows by a byte with each sync. For tests only; any thread.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { HOLD_MS_MAX = 60000 }; /* a test that forgot to let go */

int fallocate64(int descriptor, int mode, off_t offset, off_t len);
ssize_t pwritev64(int descriptor, const struct iovec *parts, int count, off_t offset);
ssize_t pwrite64(int descriptor, const void *data, size_t len, off_t offset);

static bool path_of(const char *kind, char out_path[PATH_MAX])
{
    const char *folder = getenv("FAIL_DISK_FOLDER");
    return folder != NULL && snprintf(out_path, PATH_MAX, "%s.%s", folder, kind) < PATH_MAX;
}

static bool wanted(const char *kind)
{
    char path[PATH_MAX];
    return path_of(kind, path) && access(path, F_OK) == 0;
}

static bool is_ours(int descriptor)
{
    const char *folder = getenv("FAIL_DISK_FOLDER");
    char link[64];
    char path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t len = readlink(link, path, sizeof path - 1);
    return folder != NULL && len > 0 && strncmp(path, folder, strlen(folder)) == 0;
}

/* errno is set when it fails. */
static bool fails(int descriptor, const char *kind, int code)
{
    int before = errno;
    if (wanted(kind) && is_ours(descriptor)) {
        errno = code;
        return true;
    }
    errno = before;
    return false;
}

static bool write_fails(int descriptor)
{
    return fails(descriptor, "enospc", ENOSPC) || fails(descriptor, "eio-write", EIO);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t pwritev(int descriptor, const struct iovec *parts, int count, off_t offset)
{
    return write_fails(descriptor) ? -1 : REAL(pwritev)(descriptor, parts, count, offset);
}

ssize_t pwritev64(int descriptor, const struct iovec *parts, int count, off_t offset)
{
    return write_fails(descriptor) ? -1 : REAL(pwritev64)(descriptor, parts, count, offset);
}

ssize_t pwrite(int descriptor, const void *data, size_t len, off_t offset)
{
    return write_fails(descriptor) ? -1 : REAL(pwrite)(descriptor, data, len, offset);
}

ssize_t pwrite64(int descriptor, const void *data, size_t len, off_t offset)
{
    return write_fails(descriptor) ? -1 : REAL(pwrite64)(descriptor, data, len, offset);
}

int fallocate(int descriptor, int mode, off_t offset, off_t len)
{
    return fails(descriptor, "enospc", ENOSPC) ? -1
                                               : REAL(fallocate)(descriptor, mode, offset, len);
}

int fallocate64(int descriptor, int mode, off_t offset, off_t len)
{
    return fails(descriptor, "enospc", ENOSPC) ? -1
                                               : REAL(fallocate64)(descriptor, mode, offset, len);
}

static void wait_while_held(int descriptor)
{
    for (int ms = 0; ms < HOLD_MS_MAX && wanted("hold-sync") && is_ours(descriptor); ms++) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000L}, NULL);
    }
}

static void count(int descriptor)
{
    char path[PATH_MAX];
    if (!path_of("count-sync", path) || !is_ours(descriptor)) {
        return;
    }
    int counter = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (counter >= 0) {
        if (write(counter, ".", 1) != 1) {
            abort();
        }
        close(counter);
    }
}

int fdatasync(int descriptor)
{
    wait_while_held(descriptor);
    count(descriptor);
    return fails(descriptor, "eio-sync", EIO) ? -1 : REAL(fdatasync)(descriptor);
}

int fsync(int descriptor)
{
    return fails(descriptor, "eio-sync", EIO) ? -1 : REAL(fsync)(descriptor);
}
