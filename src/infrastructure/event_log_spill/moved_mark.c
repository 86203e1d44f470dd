#include "infrastructure/event_log_spill/moved_mark.h"

#include "base/crc32c.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_START "usertrail-moved 1 "

enum { START_BYTES = sizeof LINE_START - 1, LINE_BYTES_MAX = 128 };

static size_t format_line(struct uuid log_id, int64_t offset, char out_line[LINE_BYTES_MAX])
{
    char id[UUID_TEXT_BYTES + 1] = {0};
    uuid_format(log_id, id);
    int len = snprintf(out_line, LINE_BYTES_MAX, LINE_START "%s %" PRId64 " ", id, offset);
    len += snprintf(out_line + len, LINE_BYTES_MAX - (size_t)len, "%08x\n",
                    (unsigned)crc32c(out_line, (size_t)len));
    return (size_t)len;
}

static enum status read_line(struct disk *disk, const char *directory,
                             char out_line[LINE_BYTES_MAX], size_t *out_len)
{
    char path[DISK_PATH_BYTES_MAX];
    CLEANUP(disk_file_close) struct disk_file *file = NULL;
    enum status status = disk_path(directory, "moved", path, NULL);
    if (status == STATUS_OK) {
        status = disk_open(disk, path, DISK_READ, &file, NULL);
    }
    if (status == STATUS_OK) {
        struct iovec into = {.iov_base = out_line, .iov_len = LINE_BYTES_MAX - 1};
        status = disk_file_read(file, 0, into, out_len, NULL);
    }
    return status;
}

int64_t moved_mark_read(struct disk *disk, const char *directory, struct uuid log_id)
{
    char line[LINE_BYTES_MAX] = {0};
    char expected[LINE_BYTES_MAX];
    size_t len = 0;
    if (read_line(disk, directory, line, &len) != STATUS_OK ||
        len <= START_BYTES + UUID_TEXT_BYTES) {
        return 0;
    }
    /* Right is what would be written for the number that it begins with. */
    int64_t offset = strtoll(line + START_BYTES + UUID_TEXT_BYTES, NULL, 10);
    size_t expected_len = format_line(log_id, offset, expected);
    return offset > 0 && len == expected_len && memcmp(line, expected, len) == 0 ? offset : 0;
}

static enum status write_file(struct disk *disk, const char *path, struct iovec line,
                              struct error *err)
{
    CLEANUP(disk_file_close) struct disk_file *file = NULL;
    enum status status = disk_open(disk, path, DISK_WRITE_OR_MAKE, &file, err);
    if (status == STATUS_OK) {
        status = disk_file_truncate(file, 0, err);
    }
    if (status == STATUS_OK) {
        status = disk_file_write(file, 0, &line, 1, err);
    }
    return status == STATUS_OK ? disk_file_sync(file, err) : status;
}

enum status moved_mark_write(struct disk *disk, const char *directory, struct uuid log_id,
                             int64_t offset, struct error *err)
{
    char line[LINE_BYTES_MAX];
    char draft[DISK_PATH_BYTES_MAX];
    char path[DISK_PATH_BYTES_MAX];
    struct iovec part = {.iov_base = line, .iov_len = format_line(log_id, offset, line)};
    enum status status = disk_path(directory, "moved.draft", draft, err);
    if (status == STATUS_OK) {
        status = disk_path(directory, "moved", path, err);
    }
    if (status == STATUS_OK) {
        status = write_file(disk, draft, part, err);
    }
    if (status == STATUS_OK) {
        status = disk_rename(disk, draft, path, err);
    }
    return status == STATUS_OK ? disk_sync_directory(disk, directory, err) : status;
}
