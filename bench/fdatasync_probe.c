/* What this disk's own fdatasync costs: the yardstick for a durable answer.
 *
 *     bench_fdatasync_probe FOLDER BYTES COUNT [fallocate|zeros]
 *
 * Makes a file in FOLDER, preallocated for all writes, then COUNT times: one pwrite of BYTES behind
 * the last one, one fdatasync. "fallocate" (the usual) reserves blocks without writing them, so
 * the first write to each also changes the file system's records; "zeros" writes them beforehand.
 * Prints p50, p90, p99 and max of write + fdatasync in microseconds as JSON and removes the file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BYTES_MAX = 64 << 20, COUNT_MAX = 10000000 };

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "bench_fdatasync_probe: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double now_us(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        fail("no clock");
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int compare(const void *left, const void *right)
{
    double difference = *(const double *)left - *(const double *)right;
    return (difference > 0) - (difference < 0);
}

static int open_file(const char *folder)
{
    char path[4096];
    int len = snprintf(path, sizeof path, "%s/fdatasync-probe", folder);
    if (len < 0 || len >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        fail(folder);
    }
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    // Without a name at once: a probe that is killed leaves nothing behind.
    if (file < 0 || unlink(path) != 0)
        fail(path);
    return file;
}

static void write_fully(int file, const char *bytes, size_t len, off_t offset)
{
    if (pwrite(file, bytes, len, offset) != (ssize_t)len)
        fail("write");
}

static void preallocate(int file, off_t bytes, int with_zeros)
{
    static const char zeros[1 << 16];
    if (posix_fallocate(file, 0, bytes) != 0)
        fail("fallocate");
    for (off_t done = 0; with_zeros && done < bytes; done += (off_t)sizeof zeros)
        write_fully(file, zeros, sizeof zeros, done);
    if (fsync(file) != 0)
        fail("fsync");
}

int main(int argc, char **argv)
{
    size_t bytes = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    size_t count = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
    if (bytes < 1 || bytes > BYTES_MAX || count < 1 || count > COUNT_MAX) {
        fprintf(stderr, "usage: bench_fdatasync_probe FOLDER BYTES COUNT [fallocate|zeros]\n");
        return 2;
    }
    int file = open_file(argv[1]);
    char *block = malloc(bytes);
    double *times = calloc(count, sizeof *times);
    if (block == NULL || times == NULL)
        fail("out of memory");
    memset(block, 'x', bytes);
    preallocate(file, (off_t)(bytes * count), argc > 4 && strcmp(argv[4], "zeros") == 0);
    for (size_t index = 0; index < count; index++) {
        double started = now_us();
        write_fully(file, block, bytes, (off_t)(index * bytes));
        if (fdatasync(file) != 0)
            fail("fdatasync");
        times[index] = now_us() - started;
    }
    qsort(times, count, sizeof *times, compare);
    printf("{\"count\":%zu,\"bytes\":%zu,\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"max\":%.1f}\n",
           count, bytes, times[count / 2], times[count * 90 / 100], times[count * 99 / 100],
           times[count - 1]);
    free(times);
    free(block);
    close(file);
    return 0;
}
