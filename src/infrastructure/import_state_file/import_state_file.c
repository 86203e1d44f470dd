#include "infrastructure/import_state_file/import_state_file.h"

#include <stdio.h>
#include <string.h>

enum status import_state_file_load(struct disk *disk, const char *path,
                                   struct import_state *out_state, struct error *err)
{
    char text[IMPORT_STATE_BYTES_MAX + 1];
    size_t len = 0;
    CLEANUP(disk_file_close) struct disk_file *file = NULL;
    enum status status = disk_open(disk, path, DISK_READ, &file, err);
    if (status == STATUS_OK) {
        struct iovec into = {.iov_base = text, .iov_len = sizeof text};
        status = disk_file_read(file, 0, into, &len, err);
    }
    return status == STATUS_OK ? import_state_parse((struct str){text, len}, out_state, err)
                               : status;
}

static enum status write_draft(struct disk *disk, const char *draft, struct str text,
                               struct error *err)
{
    CLEANUP(disk_file_close) struct disk_file *file = NULL;
    enum status status = disk_open(disk, draft, DISK_WRITE_OR_MAKE, &file, err);
    if (status == STATUS_OK) {
        status = disk_file_truncate(file, 0, err);
    }
    if (status == STATUS_OK) {
        struct iovec part = {.iov_base = (void *)(uintptr_t)text.data, .iov_len = text.len};
        status = disk_file_write(file, 0, &part, 1, err);
    }
    return status == STATUS_OK ? disk_file_sync(file, err) : status;
}

/* Makes the name durable in the folder that `path` lies in. */
static enum status sync_folder(struct disk *disk, const char *path, struct error *err)
{
    char folder[DISK_PATH_BYTES_MAX];
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : (size_t)(slash - path);
    if (slash == NULL) {
        return disk_sync_directory(disk, ".", err);
    }
    len = len == 0 ? 1 : len;
    memcpy(folder, path, len);
    folder[len] = '\0';
    return disk_sync_directory(disk, folder, err);
}

static enum status replace(struct disk *disk, const char *path, struct str text, struct error *err)
{
    char draft[DISK_PATH_BYTES_MAX];
    int len = snprintf(draft, sizeof draft, "%s" IMPORT_STATE_DRAFT, path);
    if (len < 0 || (size_t)len >= sizeof draft) {
        return error_set(err, STATUS_INVALID, 0, "the name of the state is too long");
    }
    enum status status = write_draft(disk, draft, text, err);
    if (status == STATUS_OK) {
        status = disk_rename(disk, draft, path, err);
    }
    return status == STATUS_OK ? sync_folder(disk, path, err) : status;
}

enum status import_state_file_save(struct disk *disk, const char *path,
                                   const struct import_state *state, struct error *err)
{
    struct buffer text;
    buffer_init(&text, IMPORT_STATE_BYTES_MAX);
    import_state_append(&text, state);
    enum status status =
        text.failed == STATUS_OK
            ? replace(disk, path, buffer_str(&text), err)
            : error_set(err, text.failed, 0, "there is no memory for the state of the import");
    buffer_deinit(&text);
    return status;
}

enum status import_state_file_remove(struct disk *disk, const char *path, struct error *err)
{
    enum status status = disk_remove(disk, path, err);
    if (status == STATUS_NOT_FOUND) {
        return STATUS_OK;
    }
    return status == STATUS_OK ? sync_folder(disk, path, err) : status;
}
