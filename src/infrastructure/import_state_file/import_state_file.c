#include "infrastructure/import_state_file/import_state_file.h"

#include "infrastructure/disk/whole_file.h"

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

enum status import_state_file_save(struct disk *disk, const char *path,
                                   const struct import_state *state, struct error *err)
{
    struct buffer text;
    buffer_init(&text, IMPORT_STATE_BYTES_MAX);
    import_state_append(&text, state);
    enum status status =
        text.failed == STATUS_OK
            ? whole_file_replace(disk, path, DISK_MAKE, buffer_str(&text), err)
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
    return status == STATUS_OK ? disk_sync_parent(disk, path, err) : status;
}
