#include "infrastructure/event_log_spill/mark_line.h"

#include "base/assert.h"
#include "base/crc32c.h"

#include <stdio.h>
#include <string.h>

enum { MARK_END_BYTES = 10, NAME_BYTES_MAX = 32 };

void mark_line_end(char line[MARK_LINE_BYTES_MAX], size_t len)
{
    ASSERT(len + MARK_END_BYTES < MARK_LINE_BYTES_MAX);
    line[len++] = ' ';
    snprintf(line + len, MARK_LINE_BYTES_MAX - len, "%08x\n", (unsigned)crc32c(line, len));
}

enum status mark_line_read(struct disk *disk, const char *directory, const char *name,
                           char out_line[MARK_LINE_BYTES_MAX])
{
    char path[DISK_PATH_BYTES_MAX];
    size_t len = 0;
    CLEANUP(disk_file_close) struct disk_file *file = NULL;
    enum status status = disk_path(directory, name, path, NULL);
    if (status == STATUS_OK) {
        status = disk_open(disk, path, DISK_READ, &file, NULL);
    }
    if (status == STATUS_OK) {
        struct iovec into = {.iov_base = out_line, .iov_len = MARK_LINE_BYTES_MAX - 1};
        status = disk_file_read(file, 0, into, &len, NULL);
    }
    if (status == STATUS_OK) {
        out_line[len] = '\0';
        status = strlen(out_line) == len ? STATUS_OK : STATUS_CORRUPT;
    }
    return status;
}

static enum status write_file(struct disk *disk, const char *path, const char *line,
                              struct error *err)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)line, .iov_len = strlen(line)};
    CLEANUP(disk_file_close) struct disk_file *file = NULL;
    enum status status = disk_open(disk, path, DISK_WRITE_OR_MAKE, &file, err);
    if (status == STATUS_OK) {
        status = disk_file_truncate(file, 0, err);
    }
    if (status == STATUS_OK) {
        status = disk_file_write(file, 0, &part, 1, err);
    }
    return status == STATUS_OK ? disk_file_sync(file, err) : status;
}

enum status mark_line_write(struct disk *disk, const char *directory, const char *name,
                            const char *line, struct error *err)
{
    char draft_name[NAME_BYTES_MAX];
    char draft[DISK_PATH_BYTES_MAX];
    char path[DISK_PATH_BYTES_MAX];
    snprintf(draft_name, sizeof draft_name, "%s.draft", name);
    enum status status = disk_path(directory, draft_name, draft, err);
    if (status == STATUS_OK) {
        status = disk_path(directory, name, path, err);
    }
    if (status == STATUS_OK) {
        status = write_file(disk, draft, line, err);
    }
    if (status == STATUS_OK) {
        status = disk_rename(disk, draft, path, err);
    }
    return status == STATUS_OK ? disk_sync_directory(disk, directory, err) : status;
}
