#include "infrastructure/event_log_local/log_id.h"

#include "base/assert.h"
#include "base/crc32c.h"
#include "infrastructure/disk/whole_file.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_NAME  "usertrail-event-log "
#define LINE_START LINE_NAME "1 " /* or another digit */

enum {
    NAME_BYTES = sizeof LINE_NAME - 1,
    NUMBER_BYTES_MAX = 10,
    CRC_DIGITS = 8,
    START_BYTES = sizeof LINE_START - 1,
    CHECKED_BYTES = START_BYTES + UUID_TEXT_BYTES + 1,
    LINE_BYTES = CHECKED_BYTES + CRC_DIGITS + 1,
    BUFFER_BYTES = LINE_BYTES + NUMBER_BYTES_MAX
};

static void format_line(const struct log_identity *identity, char out_line[BUFFER_BYTES])
{
    memcpy(out_line, LINE_START, START_BYTES);
    out_line[NAME_BYTES] = (char)('0' + identity->format);
    uuid_format(identity->id, out_line + START_BYTES);
    out_line[CHECKED_BYTES - 1] = ' ';
    int len = snprintf(out_line + CHECKED_BYTES, BUFFER_BYTES - CHECKED_BYTES, "%08x\n",
                       (unsigned)crc32c(out_line, CHECKED_BYTES));
    ASSERT(len == LINE_BYTES - CHECKED_BYTES);
}

/* Whether the line is one that this version writes. */
static bool read_line(const char *line, size_t len, struct log_identity *out_identity)
{
    char expected[BUFFER_BYTES];
    struct log_identity identity;
    if (len != LINE_BYTES ||
        !uuid_parse((struct str){.data = line + START_BYTES, .len = UUID_TEXT_BYTES},
                    &identity.id)) {
        return false;
    }
    for (identity.format = LOG_ID_FORMAT_PLAIN; identity.format <= LOG_ID_FORMAT_NEWEST;
         identity.format++) {
        format_line(&identity, expected);
        if (memcmp(line, expected, LINE_BYTES) == 0) {
            *out_identity = identity;
            return true;
        }
    }
    return false;
}

/* The format of a line that is right but for a number that is too high; 0: it is no such line. */
static unsigned long newer_format(const char *line, size_t len)
{
    if (len <= LINE_BYTES - 1 || len == BUFFER_BYTES || memcmp(line, LINE_NAME, NAME_BYTES) != 0) {
        return 0;
    }
    char crc[CRC_DIGITS + 1];
    size_t checked = len - CRC_DIGITS - 1;
    snprintf(crc, sizeof crc, "%08x", (unsigned)crc32c(line, checked));
    unsigned long format = strtoul(line + NAME_BYTES, NULL, 10);
    bool whole = memcmp(line + checked, crc, CRC_DIGITS) == 0;
    return whole && format > LOG_ID_FORMAT_NEWEST ? format : 0;
}

enum status log_id_read(struct disk *disk, const char *directory, struct log_identity *out_identity,
                        struct error *err)
{
    char path[DISK_PATH_BYTES_MAX];
    CLEANUP(disk_file_close) struct disk_file *file = NULL;
    enum status status = disk_path(directory, "log-id", path, err);
    if (status == STATUS_OK) {
        status = disk_open(disk, path, DISK_READ, &file, err);
    }
    char line[BUFFER_BYTES] = {0};
    size_t len = 0;
    if (status == STATUS_OK) {
        struct iovec into = {.iov_base = line, .iov_len = sizeof line};
        status = disk_file_read(file, 0, into, &len, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (read_line(line, len, out_identity)) {
        return STATUS_OK;
    }
    unsigned long newer = newer_format(line, len);
    if (newer != 0) {
        return error_set(err, STATUS_INVALID, 0,
                         "the event log was written by a newer version of this program (format "
                         "%lu, this one knows %d); use that version",
                         newer, LOG_ID_FORMAT_NEWEST);
    }
    return error_set(err, STATUS_CORRUPT, 0, "the file log-id in %.100s is damaged", directory);
}

enum status log_id_write(struct disk *disk, const char *directory,
                         const struct log_identity *identity, struct error *err)
{
    char line[BUFFER_BYTES];
    char path[DISK_PATH_BYTES_MAX];
    format_line(identity, line);
    enum status status = disk_path(directory, "log-id", path, err);
    return status == STATUS_OK
               ? whole_file_replace(disk, path, DISK_MAKE, (struct str){line, LINE_BYTES}, err)
               : status;
}
