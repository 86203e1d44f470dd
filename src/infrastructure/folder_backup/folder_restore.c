#include "infrastructure/folder_backup/folder_restore.h"

#include "infrastructure/folder_backup/backup_marker.h"
#include "infrastructure/folder_backup/folder_names.h"

/* One restoring under way. */
struct restoring {
    struct disk *disk;
    const struct folder_copy_request *request;
    struct folder_copy_listener *listener;
    const struct backup_list *list;
    uint64_t all_bytes;
    struct folder_copy_sums sums;
};

static enum status open_entry(struct disk *disk, const char *directory,
                              const struct backup_entry *entry, struct disk_file **out_file,
                              struct error *err)
{
    char path[DISK_PATH_BYTES_MAX];
    uint64_t bytes = 0;
    enum status status = disk_path(directory, entry->name, path, err);
    if (status == STATUS_OK) {
        status = disk_open(disk, path, DISK_READ, out_file, err);
    }
    if (status == STATUS_NOT_FOUND) {
        return error_set(err, STATUS_CORRUPT, 0, "its file %.80s is missing", entry->name);
    }
    if (status == STATUS_OK) {
        status = disk_file_size(*out_file, &bytes, err);
    }
    if (status == STATUS_OK && bytes != entry->bytes) {
        status =
            error_set(err, STATUS_CORRUPT, 0, "its file %.60s has %llu bytes instead of %llu",
                      entry->name, (unsigned long long)bytes, (unsigned long long)entry->bytes);
    }
    return status;
}

static enum status check_entry(struct disk *disk, const char *directory,
                               const struct backup_entry *entry, struct error *err)
{
    CLEANUP(disk_file_close) struct disk_file *file = NULL;
    uint32_t sum = entry->sum;
    enum status status = open_entry(disk, directory, entry, &file, err);
    if (status == STATUS_OK && entry->summed) {
        status = folder_sum_file(file, entry->bytes, &sum, err);
    }
    return status == STATUS_OK && sum != entry->sum
               ? error_set(err, STATUS_CORRUPT, 0, "its file %.80s is damaged", entry->name)
               : status;
}

static enum status check_entries(struct disk *disk, const char *directory,
                                 const struct backup_list *list, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < list->count; i++) {
        status = check_entry(disk, directory, &list->entries[i], err);
    }
    return status;
}

static enum status read_list(struct disk *disk, const char *directory, struct backup_list *out_list,
                             struct error *err)
{
    enum status status = backup_marker_read(disk, directory, out_list, err);
    return status == STATUS_NOT_FOUND
               ? error_set(err, STATUS_INVALID, 0,
                           "it is no backup: it has no file \"" BACKUP_MARKER "\"")
               : status;
}

enum status folder_backup_check(struct disk *disk, const char *directory, struct error *err)
{
    struct backup_list list;
    enum status status = read_list(disk, directory, &list, err);
    if (status == STATUS_OK) {
        status = check_entries(disk, directory, &list, err);
        backup_list_deinit(&list);
    }
    return status;
}

/* An empty folder that is there is made use of: it may be a mount. */
static enum status make_target(struct disk *disk, const char *directory, struct error *err)
{
    char path[DISK_PATH_BYTES_MAX];
    struct folder_names names;
    enum status status = folder_trim(directory, path, err);
    if (status == STATUS_OK) {
        status = folder_names_list(disk, path, &names, err);
    }
    if (status == STATUS_NOT_FOUND) {
        return disk_make_durable_directory(disk, path, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    bool empty = names.count == 0;
    folder_names_deinit(&names);
    return empty ? STATUS_OK
                 : error_set(err, STATUS_DUPLICATE, 0,
                             "%s is not empty; name another folder, or move away what is in it",
                             error_path(directory));
}

static enum status restore_entry(struct restoring *restoring, const struct backup_entry *entry,
                                 struct error *err)
{
    CLEANUP(disk_file_close) struct disk_file *file = NULL;
    bool linked;
    enum status status = open_entry(restoring->disk, restoring->request->from, entry, &file, err);
    if (status == STATUS_OK) {
        status = folder_place(&(struct folder_placing){.disk = restoring->disk,
                                                       .directory = restoring->request->to,
                                                       .name = entry->name,
                                                       .file = file,
                                                       .bytes = entry->bytes},
                              &linked, err);
    }
    if (status == STATUS_OK) {
        restoring->sums.files++;
        restoring->sums.bytes += entry->bytes;
        restoring->listener->progress(restoring->listener, restoring->sums.bytes,
                                      restoring->all_bytes);
    }
    return status;
}

static enum status restore_all(struct restoring *restoring, struct error *err)
{
    const struct backup_list *list = restoring->list;
    const char *target = restoring->request->to;
    enum status status = make_target(restoring->disk, target, err);
    if (status == STATUS_OK) {
        status = backup_marker_begin(restoring->disk, target, err);
    }
    for (size_t i = 0; i < list->count; i++) {
        restoring->all_bytes += list->entries[i].bytes;
    }
    for (size_t i = 0; status == STATUS_OK && i < list->count; i++) {
        status = restore_entry(restoring, &list->entries[i], err);
    }
    return status == STATUS_OK ? folder_sync_all(restoring->disk, target, err) : status;
}

enum status folder_restore_copy(struct disk *disk, const struct folder_copy_request *request,
                                struct folder_copy_listener *listener,
                                struct folder_copy_sums *out_sums, struct error *err)
{
    struct backup_list list;
    enum status status = read_list(disk, request->from, &list, err);
    if (status != STATUS_OK) {
        return status;
    }
    struct restoring restoring = {.disk = disk,
                                  .request = request,
                                  .listener = listener,
                                  .list = &list,
                                  .sums = {.made_at_ms = list.made_at_ms}};
    status = check_entries(disk, request->from, &list, err);
    if (status == STATUS_OK) {
        status = restore_all(&restoring, err);
    }
    backup_list_deinit(&list);
    if (status == STATUS_OK) {
        *out_sums = restoring.sums;
    }
    return status;
}

enum status folder_restore_finish(struct disk *disk, const char *directory, struct error *err)
{
    return backup_marker_remove(disk, directory, err);
}

enum status folder_backup_refuse(struct disk *disk, const char *directory, struct error *err)
{
    bool found = false;
    enum status status = backup_marker_find(disk, directory, &found, err);
    return status == STATUS_OK && found
               ? error_set(err, STATUS_INVALID, 0,
                           "%s is a backup, or unfinished; use what `usertrail restore` makes "
                           "of one",
                           error_path(directory))
               : status;
}
