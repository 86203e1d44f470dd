#include "infrastructure/disk/disk_lock.h"

#include "base/assert.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LOCK_TEXT_BYTES_MAX = 512 };

#define ADDRESS_LINE "address "

struct disk_lock {
    struct disk_file *file;
};

/* The holder's lines as one, for a message; empty when it wrote none. */
static void read_holder(struct disk_file *file, char out_text[LOCK_TEXT_BYTES_MAX])
{
    size_t len = 0;
    struct iovec into = {.iov_base = out_text, .iov_len = LOCK_TEXT_BYTES_MAX - 1};
    if (disk_file_read(file, 0, into, &len, NULL) != STATUS_OK) {
        len = 0;
    }
    while (len > 0 && out_text[len - 1] == '\n') {
        len--;
    }
    out_text[len] = '\0';
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)out_text[i] < ' ') {
            out_text[i] = ' ';
        }
    }
}

static enum status write_lines(struct disk_lock *lock, struct str address, struct error *err)
{
    char text[LOCK_TEXT_BYTES_MAX];
    int len = address.len == 0 ? snprintf(text, sizeof text, "pid %ld\n", (long)getpid())
                               : snprintf(text, sizeof text, "pid %ld\n" ADDRESS_LINE "%.*s\n",
                                          (long)getpid(), STR_FORMAT(address));
    ASSERT(len > 0 && len < LOCK_TEXT_BYTES_MAX);
    enum status status = disk_file_truncate(lock->file, 0, err);
    if (status == STATUS_OK) {
        struct iovec part = {.iov_base = text, .iov_len = (size_t)len};
        status = disk_file_write(lock->file, 0, &part, 1, err);
    }
    return status;
}

static enum status refuse(struct disk_file *file, const char *directory, struct error *err)
{
    char holder[LOCK_TEXT_BYTES_MAX];
    read_holder(file, holder);
    return error_set(
        err, STATUS_BUSY, 0,
        "another process (%.60s) holds the folder %.50s; stop it or use another folder",
        holder[0] != '\0' ? holder : "unknown", directory);
}

enum status disk_lock_take(struct disk *disk, const char *directory, struct disk_lock **out_lock,
                           struct error *err)
{
    char path[DISK_PATH_BYTES_MAX];
    enum status status = disk_path(directory, "lock", path, err);
    CLEANUP(disk_file_close) struct disk_file *file = NULL;
    if (status == STATUS_OK) {
        status = disk_open(disk, path, DISK_WRITE_OR_MAKE, &file, err);
    }
    if (status == STATUS_OK) {
        status = disk_file_lock(file, err);
        status = status == STATUS_BUSY ? refuse(file, directory, err) : status;
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct disk_lock *lock = malloc(sizeof *lock);
    if (lock == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "no memory for the lock of %.80s", directory);
    }
    lock->file = TAKE(file);
    enum status written = write_lines(lock, (struct str){0}, NULL);
    (void)written; /* the lines are a courtesy: on a full disk the lock still holds */
    *out_lock = lock;
    return STATUS_OK;
}

enum status disk_lock_write_address(struct disk_lock *lock, struct str address, struct error *err)
{
    bool printable = true;
    for (size_t i = 0; i < address.len; i++) {
        printable = printable && (unsigned char)address.data[i] >= ' ';
    }
    if (address.len == 0 || address.len > DISK_LOCK_ADDRESS_BYTES_MAX || !printable) {
        return error_set(err, STATUS_INVALID, 0,
                         "an address in a lock file has 1 to %d bytes and no control characters",
                         DISK_LOCK_ADDRESS_BYTES_MAX);
    }
    return write_lines(lock, address, err);
}

/* The address in the lines of a holder. */
static struct str find_address(struct str lines)
{
    while (lines.data != NULL) {
        struct str line = str_split(&lines, '\n');
        if (str_starts_with(line, STR(ADDRESS_LINE))) {
            size_t before = sizeof ADDRESS_LINE - 1;
            return (struct str){line.data + before, line.len - before};
        }
    }
    return (struct str){0};
}

enum status disk_lock_read_address(struct disk *disk, const char *directory,
                                   char out_address[DISK_LOCK_ADDRESS_BYTES_MAX + 1],
                                   struct error *err)
{
    char path[DISK_PATH_BYTES_MAX];
    char text[LOCK_TEXT_BYTES_MAX];
    size_t len = 0;
    CLEANUP(disk_file_close) struct disk_file *file = NULL;
    enum status status = disk_path(directory, "lock", path, err);
    if (status == STATUS_OK) {
        status = disk_open(disk, path, DISK_READ, &file, err);
    }
    if (status == STATUS_OK) {
        struct iovec into = {.iov_base = text, .iov_len = sizeof text};
        status = disk_file_read(file, 0, into, &len, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct str address = find_address((struct str){text, len});
    if (address.len == 0 || address.len > DISK_LOCK_ADDRESS_BYTES_MAX) {
        return error_set(err, STATUS_NOT_FOUND, 0, "the lock of %.80s names no address", directory);
    }
    memcpy(out_address, address.data, address.len);
    out_address[address.len] = '\0';
    return STATUS_OK;
}

void disk_lock_release(struct disk_lock *lock)
{
    if (lock == NULL) {
        return;
    }
    enum status cleared = disk_file_truncate(lock->file, 0, NULL);
    (void)cleared; /* a stale pid misleads nobody: who gets the lock overwrites it */
    disk_file_close(lock->file);
    free(lock);
}
