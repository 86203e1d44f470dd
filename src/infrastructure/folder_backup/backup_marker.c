#include "infrastructure/folder_backup/backup_marker.h"

#include "base/array.h"
#include "base/crc32c.h"
#include "base/timestamp.h"
#include "infrastructure/disk/whole_file.h"
#include "infrastructure/folder_backup/backup_names.h"

#include <stdio.h>
#include <stdlib.h>

#define FIRST_LINE     "usertrail-backup 1\n"
#define UNFINISHED     FIRST_LINE "unfinished\n"
#define TEXT_BYTES_MAX ((size_t)64 << 20)

/* --- the list --- */

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for the list of a backup");
}

void backup_list_deinit(struct backup_list *list)
{
    free(list->entries);
    *list = (struct backup_list){0};
}

enum status backup_list_add(struct backup_list *list, const char *name, uint64_t bytes,
                            const uint32_t *sum, struct error *err)
{
    size_t len = strlen(name);
    if (len > BACKUP_NAME_BYTES_MAX || strchr(name, '\n') != NULL) {
        return error_set(err, STATUS_INVALID, 0, "the name %.60s cannot be in a backup", name);
    }
    if (!ARRAY_RESERVE(list->entries, list->capacity, list->count + 1)) {
        return no_memory(err);
    }
    struct backup_entry *entry = &list->entries[list->count++];
    *entry =
        (struct backup_entry){.bytes = bytes, .summed = sum != NULL, .sum = sum == NULL ? 0 : *sum};
    memcpy(entry->name, name, len);
    return STATUS_OK;
}

/* --- as text --- */

static void append_entry(const struct backup_entry *entry, struct buffer *out_text)
{
    buffer_append_format(out_text, "file %llu ", (unsigned long long)entry->bytes);
    if (entry->summed) {
        buffer_append_format(out_text, "%08x", (unsigned)entry->sum);
    } else {
        buffer_append_char(out_text, '-');
    }
    buffer_append_format(out_text, " %s\n", entry->name);
}

void backup_list_append(const struct backup_list *list, struct buffer *out_text)
{
    char made_at[TIMESTAMP_TEXT_BYTES];
    timestamp_format(list->made_at_ms, made_at);
    buffer_append_literal(out_text, FIRST_LINE);
    buffer_append_format(out_text, "made %.*s\n", TIMESTAMP_TEXT_BYTES, made_at);
    for (size_t i = 0; i < list->count; i++) {
        append_entry(&list->entries[i], out_text);
    }
    if (out_text->failed == STATUS_OK) {
        buffer_append_format(out_text, "end %zu %08x\n", list->count,
                             (unsigned)crc32c(out_text->data, out_text->len));
    }
}

static enum status corrupt(struct error *err)
{
    return error_set(err, STATUS_CORRUPT, 0, "the list of its files is damaged");
}

/* "1c291ca3", or "-" for none; whatever else it is is found when all is written again. */
static bool read_sum(struct str text, uint32_t *out_sum)
{
    char digits[16] = {0};
    memcpy(digits, text.data, text.len < sizeof digits ? text.len : sizeof digits - 1);
    *out_sum = (uint32_t)strtoul(digits, NULL, 16);
    return !str_equal(text, STR("-"));
}

/* "file 75 1c291ca3 log/log-id": what is in no backup is not followed, wherever it points. */
static enum status read_file_line(struct str line, struct backup_list *list, struct error *err)
{
    unsigned long long bytes;
    uint32_t sum = 0;
    char name[BACKUP_NAME_BYTES_MAX + 1];
    struct str word = str_split(&line, ' ');
    struct str number = str_split(&line, ' ');
    struct str sum_text = line.data == NULL ? line : str_split(&line, ' ');
    if (!str_equal(word, STR("file")) || !str_parse_u64(number, INT64_MAX, &bytes) ||
        line.data == NULL || line.len > BACKUP_NAME_BYTES_MAX) {
        return corrupt(err);
    }
    memcpy(name, line.data, line.len);
    name[line.len] = '\0';
    if (strlen(name) != line.len || backup_care_of_path(name) != BACKUP_TAKES) {
        return corrupt(err);
    }
    return backup_list_add(list, name, bytes, read_sum(sum_text, &sum) ? &sum : NULL, err);
}

static enum status read_made_line(struct str line, struct backup_list *list, struct error *err)
{
    struct str word = str_split(&line, ' ');
    bool right = str_equal(word, STR("made")) && line.data != NULL &&
                 timestamp_parse(line, &list->made_at_ms);
    return right ? STATUS_OK : corrupt(err);
}

/* Right is what would be written for what was read. */
static enum status compare(const struct backup_list *list, struct str text, struct error *err)
{
    struct buffer again;
    buffer_init(&again, TEXT_BYTES_MAX);
    backup_list_append(list, &again);
    enum status status = again.failed == STATUS_OK ? STATUS_OK : no_memory(err);
    if (status == STATUS_OK && !str_equal(buffer_str(&again), text)) {
        status = corrupt(err);
    }
    buffer_deinit(&again);
    return status;
}

static enum status read_lines(struct str text, struct backup_list *list, struct error *err)
{
    struct str rest = {text.data + sizeof FIRST_LINE - 1, text.len - (sizeof FIRST_LINE - 1)};
    enum status status = read_made_line(str_split(&rest, '\n'), list, err);
    while (status == STATUS_OK && rest.data != NULL && !str_starts_with(rest, STR("end "))) {
        status = read_file_line(str_split(&rest, '\n'), list, err);
    }
    return status == STATUS_OK ? compare(list, text, err) : status;
}

enum status backup_list_parse(struct str text, struct backup_list *out_list, struct error *err)
{
    struct backup_list list = {0};
    if (str_equal(text, STR(UNFINISHED))) {
        return error_set(err, STATUS_INVALID, 0,
                         "it was never finished, and is neither a backup nor to be served");
    }
    if (!str_starts_with(text, STR(FIRST_LINE))) {
        return str_starts_with(text, STR("usertrail-backup "))
                   ? error_set(err, STATUS_INVALID, 0,
                               "it was made by a newer version of this program; use that version")
                   : corrupt(err);
    }
    enum status status = read_lines(text, &list, err);
    if (status != STATUS_OK) {
        backup_list_deinit(&list);
        return status;
    }
    *out_list = list;
    return STATUS_OK;
}

/* --- in a folder --- */

enum status backup_marker_find(struct disk *disk, const char *directory, bool *out_found,
                               struct error *err)
{
    char path[DISK_PATH_BYTES_MAX];
    CLEANUP(disk_file_close) struct disk_file *file = NULL;
    enum status status = disk_path(directory, BACKUP_MARKER, path, err);
    if (status == STATUS_OK) {
        status = disk_open(disk, path, DISK_READ, &file, err);
    }
    if (status == STATUS_OK || status == STATUS_NOT_FOUND) {
        *out_found = status == STATUS_OK;
        status = STATUS_OK;
    }
    return status;
}

static enum status replace(struct disk *disk, const char *directory, struct str text,
                           struct error *err)
{
    char path[DISK_PATH_BYTES_MAX];
    enum status status = disk_path(directory, BACKUP_MARKER, path, err);
    return status == STATUS_OK ? whole_file_replace(disk, path, DISK_MAKE, text, err) : status;
}

enum status backup_marker_begin(struct disk *disk, const char *directory, struct error *err)
{
    return replace(disk, directory, STR(UNFINISHED), err);
}

enum status backup_marker_finish(struct disk *disk, const char *directory,
                                 const struct backup_list *list, struct error *err)
{
    struct buffer text;
    buffer_init(&text, TEXT_BYTES_MAX);
    backup_list_append(list, &text);
    enum status status = text.failed == STATUS_OK ? replace(disk, directory, buffer_str(&text), err)
                                                  : no_memory(err);
    buffer_deinit(&text);
    return status;
}

enum status backup_marker_remove(struct disk *disk, const char *directory, struct error *err)
{
    char path[DISK_PATH_BYTES_MAX];
    enum status status = disk_path(directory, BACKUP_MARKER, path, err);
    if (status == STATUS_OK) {
        status = disk_remove(disk, path, err);
    }
    return status == STATUS_OK ? disk_sync_directory(disk, directory, err) : status;
}

static enum status read_text(struct disk_file *file, struct buffer *out_text, struct error *err)
{
    uint64_t size = 0;
    size_t len = 0;
    enum status status = disk_file_size(file, &size, err);
    if (status == STATUS_OK && size > TEXT_BYTES_MAX) {
        return corrupt(err);
    }
    if (status == STATUS_OK && buffer_reserve(out_text, (size_t)size) != STATUS_OK) {
        return no_memory(err);
    }
    if (status == STATUS_OK) {
        struct iovec into = {.iov_base = out_text->data, .iov_len = (size_t)size};
        status = disk_file_read(file, 0, into, &len, err);
    }
    out_text->len = status == STATUS_OK ? len : 0;
    return status;
}

enum status backup_marker_read(struct disk *disk, const char *directory,
                               struct backup_list *out_list, struct error *err)
{
    char path[DISK_PATH_BYTES_MAX];
    struct buffer text;
    CLEANUP(disk_file_close) struct disk_file *file = NULL;
    buffer_init(&text, TEXT_BYTES_MAX);
    enum status status = disk_path(directory, BACKUP_MARKER, path, err);
    if (status == STATUS_OK) {
        status = disk_open(disk, path, DISK_READ, &file, err);
    }
    if (status == STATUS_OK) {
        status = read_text(file, &text, err);
    }
    if (status == STATUS_OK) {
        status = backup_list_parse(buffer_str(&text), out_list, err);
    }
    buffer_deinit(&text);
    return status;
}
