#include "infrastructure/event_log_spill/set_aside.h"

#include "application/activity_message.h"

/* The last byte is something else where a crash tore the line; the next one begins anew. */
static enum status ends_with_line(struct disk_file *file, uint64_t size, bool *out_whole,
                                  struct error *err)
{
    char last = '\n';
    size_t len = 0;
    enum status status = STATUS_OK;
    if (size > 0) {
        struct iovec into = {.iov_base = &last, .iov_len = 1};
        status = disk_file_read(file, size - 1, into, &len, err);
    }
    if (status == STATUS_OK) {
        *out_whole = last == '\n';
    }
    return status;
}

static enum status append_line(struct disk_file *file, struct str line, struct error *err)
{
    char line_end = '\n';
    struct iovec parts[] = {{&line_end, 1}, {(void *)(uintptr_t)line.data, line.len}};
    uint64_t size = 0;
    bool whole = false;
    enum status status = disk_file_size(file, &size, err);
    if (status == STATUS_OK) {
        status = ends_with_line(file, size, &whole, err);
    }
    if (status == STATUS_OK) {
        status = whole ? disk_file_write(file, size, parts + 1, 1, err)
                       : disk_file_write(file, size, parts, 2, err);
    }
    return status == STATUS_OK ? disk_file_sync(file, err) : status;
}

static enum status write_line(const struct set_aside *set_aside, const char *folder,
                              const char *path, struct str line, struct error *err)
{
    CLEANUP(disk_file_close) struct disk_file *file = NULL;
    enum status status = disk_make_durable_directory(set_aside->disk, folder, err);
    if (status == STATUS_OK) {
        status = disk_open(set_aside->disk, path, DISK_WRITE_OR_MAKE, &file, err);
    }
    if (status == STATUS_OK) {
        status = append_line(file, line, err);
    }
    return status == STATUS_OK ? disk_sync_directory(set_aside->disk, folder, err) : status;
}

static void tell(const struct set_aside *set_aside, const char *path, struct str id)
{
    log_write(set_aside->logger, LOG_WARNING,
              "an activity is larger than the event log takes; it is in this file now, and what "
              "comes behind it goes on",
              LOG_FIELDS(log_text("id", id), log_text("file", str_from(path)),
                         log_number("activities", (int64_t)set_aside->count)));
}

static enum status keep(struct forward_aside *aside, const struct activity *activity,
                        struct error *err)
{
    struct set_aside *set_aside = CONTAINER_OF(aside, struct set_aside, aside);
    char folder[DISK_PATH_BYTES_MAX];
    char path[DISK_PATH_BYTES_MAX];
    struct buffer line;
    buffer_init(&line, ACTIVITY_MESSAGE_BYTES_MAX);
    activity_message_append(&line, activity);
    buffer_append_char(&line, '\n');
    enum status status = line.failed;
    if (status != STATUS_OK) {
        error_set(err, status, 0, "there is no memory to set an activity aside");
    }
    if (status == STATUS_OK) {
        status = disk_path(set_aside->directory, "set-aside", folder, err);
    }
    if (status == STATUS_OK) {
        status = disk_path(folder, "too-large.ndjson", path, err);
    }
    if (status == STATUS_OK) {
        status = write_line(set_aside, folder, path, buffer_str(&line), err);
    }
    buffer_deinit(&line);
    if (status == STATUS_OK) {
        set_aside->count++;
        tell(set_aside, path, activity->id);
    }
    return status;
}

struct set_aside set_aside_in(struct disk *disk, const char *directory, const struct logger *logger)
{
    return (struct set_aside){
        .aside.keep = keep, .disk = disk, .directory = directory, .logger = logger};
}
