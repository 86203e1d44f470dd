#include "infrastructure/event_log_spill/moved_mark.h"

#include "infrastructure/event_log_spill/mark_line.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_START "usertrail-moved 1 "

enum { START_BYTES = sizeof LINE_START - 1 };

static void format_line(struct uuid log_id, int64_t offset, char out_line[MARK_LINE_BYTES_MAX])
{
    char id[UUID_TEXT_BYTES + 1] = {0};
    uuid_format(log_id, id);
    int len = snprintf(out_line, MARK_LINE_BYTES_MAX, LINE_START "%s %" PRId64, id, offset);
    mark_line_end(out_line, (size_t)len);
}

/* The offset below which all of this log is moved; 0: nobody knows. */
static int64_t read_mark(const struct moved_mark *mark)
{
    char line[MARK_LINE_BYTES_MAX];
    char expected[MARK_LINE_BYTES_MAX];
    if (mark_line_read(mark->disk, mark->directory, "moved", line) != STATUS_OK ||
        strlen(line) <= START_BYTES + UUID_TEXT_BYTES) {
        return 0;
    }
    /* Right is what would be written for the number that it begins with. */
    int64_t offset = strtoll(line + START_BYTES + UUID_TEXT_BYTES, NULL, 10);
    format_line(mark->log_id, offset, expected);
    return offset > 0 && strcmp(line, expected) == 0 ? offset : 0;
}

enum status moved_mark_write(const struct moved_mark *mark, int64_t offset, struct error *err)
{
    char line[MARK_LINE_BYTES_MAX];
    format_line(mark->log_id, offset, line);
    return mark_line_write(mark->disk, mark->directory, "moved", line, err);
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
        return moved_mark_write(mark, 0, err);
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
    if (moved_mark_write(mark, offset, &err) != STATUS_OK) {
        log_error(mark->logger,
                  "how far the spill was moved could not be kept; a crash would bring some of it "
                  "up again, which is stored once",
                  &err);
    }
}
