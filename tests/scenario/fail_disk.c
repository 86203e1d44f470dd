/*
 * Makes the disk fail on request: loaded before the C library, it fails the calls that write to
 * files under the folder FAIL_DISK_FOLDER while a file of that name lies beside it: FOLDER.enospc
 * (no space for new or longer files and writes), FOLDER.eio-write, FOLDER.eio-sync, and
 * FOLDER.slow-sync, where a sync takes SLOW_SYNC_MS more. For tests only; any thread.
 */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { SLOW_SYNC_MS = 300 };

int fallocate64(int descriptor, int mode, off_t offset, off_t len);
ssize_t pwritev64(int descriptor, const struct iovec *parts, int count, off_t offset);
ssize_t pwrite64(int descriptor, const void *data, size_t len, off_t offset);

static bool wanted(const char *kind)
{
    const char *folder = getenv("FAIL_DISK_FOLDER");
    char path[PATH_MAX];
    return folder != NULL &&
           snprintf(path, sizeof path, "%s.%s", folder, kind) < (int)sizeof path &&
           access(path, F_OK) == 0;
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

static void dawdle(int descriptor)
{
    if (wanted("slow-sync") && is_ours(descriptor)) {
        nanosleep(&(struct timespec){.tv_nsec = SLOW_SYNC_MS * 1000000L}, NULL);
    }
}

int fdatasync(int descriptor)
{
    dawdle(descriptor);
    return fails(descriptor, "eio-sync", EIO) ? -1 : REAL(fdatasync)(descriptor);
}

int fsync(int descriptor)
{
    return fails(descriptor, "eio-sync", EIO) ? -1 : REAL(fsync)(descriptor);
}
