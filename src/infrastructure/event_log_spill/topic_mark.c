#include "infrastructure/event_log_spill/topic_mark.h"

#include "infrastructure/event_log_spill/mark_line.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_START "usertrail-topic 1 "

enum {
    LOG_ID_AT = sizeof LINE_START - 1,
    SETTINGS_AT = LOG_ID_AT + UUID_TEXT_BYTES + 1,
    NUMBERS_AT = SETTINGS_AT + UUID_TEXT_BYTES
};

static void format_line(const struct topic_mark *mark, char out_line[MARK_LINE_BYTES_MAX])
{
    char log_id[UUID_TEXT_BYTES + 1] = {0};
    char settings[UUID_TEXT_BYTES + 1] = {0};
    uuid_format(mark->log_id, log_id);
    uuid_format(mark->settings, settings);
    int len = snprintf(out_line, MARK_LINE_BYTES_MAX, LINE_START "%s %s %" PRId32 " %" PRId64,
                       log_id, settings, mark->partition_count, mark->message_bytes_max);
    mark_line_end(out_line, (size_t)len);
}

bool topic_mark_read(struct disk *disk, const char *directory, struct topic_mark *out_mark)
{
    char line[MARK_LINE_BYTES_MAX];
    char expected[MARK_LINE_BYTES_MAX];
    struct topic_mark mark;
    if (mark_line_read(disk, directory, "topic", line) != STATUS_OK || strlen(line) <= NUMBERS_AT ||
        !uuid_parse((struct str){line + LOG_ID_AT, UUID_TEXT_BYTES}, &mark.log_id) ||
        !uuid_parse((struct str){line + SETTINGS_AT, UUID_TEXT_BYTES}, &mark.settings)) {
        return false;
    }
    char *at = NULL;
    mark.partition_count = (int32_t)strtol(line + NUMBERS_AT, &at, 10);
    mark.message_bytes_max = strtoll(at, NULL, 10);
    /* Right is what would be written for what it seems to say. */
    format_line(&mark, expected);
    bool right = strcmp(line, expected) == 0 && mark.partition_count >= 1;
    if (right) {
        *out_mark = mark;
    }
    return right;
}

enum status topic_mark_keep(struct disk *disk, const char *directory, const struct topic_mark *mark,
                            struct error *err)
{
    char line[MARK_LINE_BYTES_MAX];
    char kept[MARK_LINE_BYTES_MAX];
    format_line(mark, line);
    if (mark_line_read(disk, directory, "topic", kept) == STATUS_OK && strcmp(line, kept) == 0) {
        return STATUS_OK;
    }
    return mark_line_write(disk, directory, "topic", line, err);
}

enum status topic_mark_remove(struct disk *disk, const char *directory, struct error *err)
{
    char path[DISK_PATH_BYTES_MAX];
    enum status status = disk_path(directory, "topic", path, err);
    if (status == STATUS_OK) {
        status = disk_remove(disk, path, err);
    }
    return status == STATUS_OK || status == STATUS_NOT_FOUND
               ? disk_sync_directory(disk, directory, err)
               : status;
}
