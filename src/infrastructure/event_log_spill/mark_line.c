#include "infrastructure/event_log_spill/mark_line.h"

#include "base/assert.h"
#include "base/crc32c.h"
#include "infrastructure/disk/whole_file.h"

#include <stdio.h>
#include <string.h>

enum { MARK_END_BYTES = 10 };

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

enum status mark_line_write(struct disk *disk, const char *directory, const char *name,
                            const char *line, struct error *err)
{
    char path[DISK_PATH_BYTES_MAX];
    enum status status = disk_path(directory, name, path, err);
    return status == STATUS_OK ? whole_file_replace(disk, path, DISK_MAKE, str_from(line), err)
                               : status;
}
