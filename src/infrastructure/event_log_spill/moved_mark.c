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

/* The offset below which all of this log is moved; 0: nobody knows. */
static int64_t read_mark(const struct moved_mark *mark)
{
    char line[LINE_BYTES_MAX] = {0};
    char expected[LINE_BYTES_MAX];
    size_t len = 0;
    if (read_line(mark->disk, mark->directory, line, &len) != STATUS_OK ||
        len <= START_BYTES + UUID_TEXT_BYTES) {
        return 0;
    }
    /* Right is what would be written for the number that it begins with. */
    int64_t offset = strtoll(line + START_BYTES + UUID_TEXT_BYTES, NULL, 10);
    size_t expected_len = format_line(mark->log_id, offset, expected);
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

static enum status write_mark(const struct moved_mark *mark, int64_t offset, struct error *err)
{
    char line[LINE_BYTES_MAX];
    char draft[DISK_PATH_BYTES_MAX];
    char path[DISK_PATH_BYTES_MAX];
    struct iovec part = {.iov_base = line, .iov_len = format_line(mark->log_id, offset, line)};
    enum status status = disk_path(mark->directory, "moved.draft", draft, err);
    if (status == STATUS_OK) {
        status = disk_path(mark->directory, "moved", path, err);
    }
    if (status == STATUS_OK) {
        status = write_file(mark->disk, draft, part, err);
    }
    if (status == STATUS_OK) {
        status = disk_rename(mark->disk, draft, path, err);
    }
    return status == STATUS_OK ? disk_sync_directory(mark->disk, mark->directory, err) : status;
}

struct moved_mark moved_mark_of(struct disk *disk, const char *directory, struct event_log *log,
                                const struct logger *logger)
{
    struct event_log_state state;
    event_log_describe(log, &state);
    return (struct moved_mark){
        .disk = disk, .directory = directory, .logger = logger, .log_id = state.log_id};
}

/* A mark beyond the end is of a spill that lost what it had promised, so that its numbers mean
 * nothing any more. */
enum status moved_mark_pass(const struct moved_mark *mark, struct event_log *log,
                            struct forward_waiting *waiting, struct error *err)
{
    struct position end = {.offset = read_mark(mark)};
    const struct position_set moved = {.items = &end, .count = 1, .capacity = 1};
    if (end.offset > waiting->end) {
        return write_mark(mark, 0, err);
    }
    if (end.offset <= waiting->begin) {
        return STATUS_OK;
    }
    waiting->begin = end.offset;
    enum status status = event_log_seek(log, &moved, err);
    return status == STATUS_OK ? event_log_commit(log, &moved, err) : status;
}

void moved_mark_keep(const struct moved_mark *mark, int64_t offset)
{
    struct error err;
    if (write_mark(mark, offset, &err) != STATUS_OK) {
        log_error(mark->logger,
                  "how far the spill was moved could not be kept; a crash would bring some of it "
                  "up again, which is stored once",
                  &err);
    }
}
