#include "infrastructure/folder_backup/folder_backup.h"

#include "infrastructure/activity_store_local/store_hold.h"
#include "infrastructure/event_log_local/log_end.h"
#include "infrastructure/event_log_local/log_hold.h"
#include "infrastructure/folder_backup/backup_marker.h"
#include "infrastructure/folder_backup/backup_names.h"
#include "infrastructure/folder_backup/folder_names.h"
#include "infrastructure/refusal_list_local/refusal_copy.h"

#include <stdio.h>

/* Segments are dropped and manifests replaced every few seconds at the most, and an attempt takes
 * some milliseconds. */
enum { ATTEMPTS_MAX = 20 };

/* One backup under way. */
struct making {
    struct disk *disk;
    const struct folder_copy_request *request;
    struct folder_copy_listener *listener;
    char partial[DISK_PATH_BYTES_MAX]; /* where it is made */
    struct held_files held;
    struct held_log log;
    uint64_t all_bytes;
    struct folder_copy_sums sums;
};

/* --- what is in the folder --- */

static enum status look_for_others(struct making *making, const char *folder, struct error *err)
{
    struct folder_names names;
    enum status status =
        folder_names_list_below(making->disk, making->request->from, folder, &names, err);
    if (status != STATUS_OK) {
        return status == STATUS_NOT_FOUND && folder[0] != '\0' ? STATUS_OK : status;
    }
    for (size_t i = 0; i < names.count; i++) {
        if (backup_care_of(folder, names.items[i]) == BACKUP_IGNORES) {
            char name[HELD_NAME_BYTES];
            snprintf(name, sizeof name, "%s%s%.80s", folder, folder[0] == '\0' ? "" : "/",
                     names.items[i]);
            making->listener->left_out(making->listener, name);
        }
    }
    folder_names_deinit(&names);
    return STATUS_OK;
}

static enum status tell_left_out(struct making *making, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < BACKUP_FOLDERS; i++) {
        status = look_for_others(making, backup_folders[i], err);
    }
    return status;
}

/* --- holding it --- */

/* What the store covers of the log may not end behind it: such a folder could not be served. */
static bool meet(const struct coverage *covered, const struct held_log *log)
{
    const struct position_set *positions = log->found ? coverage_find(covered, log->log_id) : NULL;
    return positions == NULL || position_set_get(positions, 0) <= log->end;
}

static enum status copy_refused(struct making *making, struct error *err)
{
    char from[DISK_PATH_BYTES_MAX];
    char to[DISK_PATH_BYTES_MAX];
    struct folder_names names;
    enum status status = disk_path(making->request->from, "refused", from, err);
    if (status == STATUS_OK) {
        status = disk_path(making->partial, "refused", to, err);
    }
    if (status == STATUS_OK) {
        status = folder_names_list(making->disk, from, &names, err);
    }
    if (status != STATUS_OK) {
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    folder_names_deinit(&names);
    status = disk_make_directory(making->disk, to, err);
    uint64_t bytes = 0;
    return status == STATUS_OK ? refusal_list_local_copy(making->disk, from, to, &bytes, err)
                               : status;
}

/* From the manifest on. `out_met`: log and store make a whole. */
static enum status hold_once(struct making *making, struct coverage *covered, bool *out_met,
                             struct error *err)
{
    enum status status = activity_store_local_hold(&making->held, "store", covered, err);
    status = status == STATUS_NOT_FOUND ? STATUS_OK : status;
    if (status == STATUS_OK) {
        status = copy_refused(making, err);
    }
    if (status == STATUS_OK) {
        status = event_log_local_hold(&making->held, "log", &making->log, err);
    }
    if (status == STATUS_OK) {
        *out_met = !making->log.again && meet(covered, &making->log);
    }
    return status;
}

static enum status hold_together(struct making *making, struct error *err)
{
    bool met = false;
    enum status status = event_log_local_hold(&making->held, "log", &making->log, err);
    for (unsigned attempt = 0; status == STATUS_OK && !met && attempt < ATTEMPTS_MAX; attempt++) {
        struct coverage covered;
        coverage_init(&covered);
        status = hold_once(making, &covered, &met, err);
        coverage_deinit(&covered);
    }
    if (status == STATUS_OK && !met) {
        status = error_set(err, STATUS_UNAVAILABLE, 0,
                           "log and store did not meet in %d attempts; `usertrail verify` says "
                           "whether something is missing",
                           ATTEMPTS_MAX);
    }
    return status;
}

static enum status hold_if_there(struct making *making, const char *name, struct error *err)
{
    struct held_file *file;
    enum status status = held_files_open(&making->held, name, &file, err);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status hold_set_aside(struct making *making, const char *folder, struct error *err)
{
    struct folder_names names;
    enum status status =
        folder_names_list_below(making->disk, making->request->from, folder, &names, err);
    if (status != STATUS_OK) {
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    for (size_t i = 0; status == STATUS_OK && i < names.count; i++) {
        char name[DISK_PATH_BYTES_MAX];
        status = disk_path(folder, names.items[i], name, err);
        if (status == STATUS_OK) {
            status = hold_if_there(making, name, err);
        }
    }
    folder_names_deinit(&names);
    return status;
}

/* What was moved is in the log that it went to, so a gap is no reason to look at anything again. */
static enum status hold_spill(struct making *making, struct error *err)
{
    struct held_log spill = {.again = true};
    enum status status = hold_if_there(making, "spill/moved", err);
    if (status == STATUS_OK) {
        status = hold_if_there(making, "spill/topic", err);
    }
    for (unsigned attempt = 0; status == STATUS_OK && spill.again && attempt < ATTEMPTS_MAX;
         attempt++) {
        status = event_log_local_hold(&making->held, "spill", &spill, err);
    }
    if (status == STATUS_OK && spill.again) {
        status = error_set(err, STATUS_UNAVAILABLE, 0,
                           "the spill changed %d times while it was read", ATTEMPTS_MAX);
    }
    return status == STATUS_OK ? hold_set_aside(making, "spill/set-aside", err) : status;
}

static enum status hold_all(struct making *making, struct error *err)
{
    enum status status = hold_together(making, err);
    if (status == STATUS_OK) {
        status = hold_spill(making, err);
    }
    if (status == STATUS_OK) {
        status = hold_set_aside(making, "log/set-aside", err);
    }
    return status == STATUS_OK && making->held.count == 0
               ? error_set(err, STATUS_NOT_FOUND, 0,
                           "there is neither an event log, nor a store, nor a spill in it")
               : status;
}

/* --- putting it there --- */

static enum status place(struct making *making, const struct held_file *file, struct error *err)
{
    char source[DISK_PATH_BYTES_MAX];
    bool links = file->settled && !making->request->copies;
    bool linked = false;
    enum status status = disk_path(making->request->from, file->name, source, err);
    if (status == STATUS_OK) {
        status = folder_place(&(struct folder_placing){.disk = making->disk,
                                                       .directory = making->partial,
                                                       .name = file->name,
                                                       .source = links ? source : NULL,
                                                       .file = file->file,
                                                       .bytes = file->bytes},
                              &linked, err);
    }
    if (status == STATUS_OK) {
        making->sums.bytes += file->bytes;
        making->sums.linked_bytes += linked ? file->bytes : 0;
        making->listener->progress(making->listener, making->sums.bytes, making->all_bytes);
    }
    return status;
}

static enum status place_all(struct making *making, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < making->held.count; i++) {
        making->all_bytes += making->held.items[i].bytes;
    }
    for (size_t i = 0; status == STATUS_OK && i < making->held.count; i++) {
        status = place(making, &making->held.items[i], err);
    }
    return status;
}

/* An opening must find the end that was meant. */
static enum status check_log(const struct making *making, struct error *err)
{
    char path[DISK_PATH_BYTES_MAX];
    struct log_end end;
    if (!making->log.found) {
        return STATUS_OK;
    }
    enum status status = disk_path(making->partial, "log", path, err);
    if (status == STATUS_OK) {
        status = event_log_local_find_end(making->disk, path, &end, err);
    }
    if (status == STATUS_OK && end.offset != making->log.end) {
        status = error_set(err, STATUS_CORRUPT, 0,
                           "the copy of the event log ends at %lld instead of %lld",
                           (long long)end.offset, (long long)making->log.end);
    }
    return status;
}

/* --- its list --- */

/* What is linked was not read, and is not for its sum. */
static enum status list_file(struct making *making, const char *name, struct backup_list *list,
                             struct error *err)
{
    char path[DISK_PATH_BYTES_MAX];
    CLEANUP(disk_file_close) struct disk_file *file = NULL;
    uint64_t bytes = 0;
    enum status status = disk_path(making->partial, name, path, err);
    if (status == STATUS_OK) {
        status = disk_open(making->disk, path, DISK_READ, &file, err);
    }
    if (status == STATUS_OK) {
        status = disk_file_size(file, &bytes, err);
    }
    const struct held_file *held = held_files_find(&making->held, name);
    if (status == STATUS_OK && held != NULL && held->settled) {
        return backup_list_add(list, name, bytes, NULL, err);
    }
    uint32_t sum = 0;
    if (status == STATUS_OK) {
        status = folder_sum_file(file, bytes, &sum, err);
    }
    return status == STATUS_OK ? backup_list_add(list, name, bytes, &sum, err) : status;
}

static enum status list_folder(struct making *making, const char *folder, struct backup_list *list,
                               struct error *err)
{
    struct folder_names names;
    enum status status =
        folder_names_list_below(making->disk, making->partial, folder, &names, err);
    if (status != STATUS_OK) {
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    for (size_t i = 0; status == STATUS_OK && i < names.count; i++) {
        char name[DISK_PATH_BYTES_MAX];
        if (backup_care_of(folder, names.items[i]) == BACKUP_TAKES) {
            status = disk_path(folder, names.items[i], name, err);
            status = status == STATUS_OK ? list_file(making, name, list, err) : status;
        }
    }
    folder_names_deinit(&names);
    return status;
}

static enum status finish_marker(struct making *making, struct error *err)
{
    struct backup_list list = {.made_at_ms = making->request->now_ms};
    enum status status = STATUS_OK;
    making->sums.bytes = 0;
    for (size_t i = 1; status == STATUS_OK && i < BACKUP_FOLDERS; i++) {
        status = list_folder(making, backup_folders[i], &list, err);
    }
    for (size_t i = 0; i < list.count; i++) {
        making->sums.bytes += list.entries[i].bytes;
    }
    making->sums.files = list.count;
    if (status == STATUS_OK) {
        status = backup_marker_finish(making->disk, making->partial, &list, err);
    }
    backup_list_deinit(&list);
    return status;
}

/* --- from its beginning to its end --- */

static enum status name_partial(struct making *making, char out_target[DISK_PATH_BYTES_MAX],
                                struct error *err)
{
    enum status status = folder_trim(making->request->to, out_target, err);
    if (status != STATUS_OK) {
        return status;
    }
    int len = snprintf(making->partial, sizeof making->partial, "%s.partial", out_target);
    return len > 0 && len < DISK_PATH_BYTES_MAX
               ? STATUS_OK
               : error_set(err, STATUS_INVALID, 0, "the path of the backup is too long");
}

static enum status check_absent(struct disk *disk, const char *path, const char *advice,
                                struct error *err)
{
    struct folder_names names;
    enum status status = folder_names_list(disk, path, &names, NULL);
    if (status == STATUS_NOT_FOUND) {
        return STATUS_OK;
    }
    if (status == STATUS_OK) {
        folder_names_deinit(&names);
    }
    return error_set(err, STATUS_DUPLICATE, 0, "%s is there already; %s", error_path(path), advice);
}

static enum status check_source(const struct making *making, struct error *err)
{
    bool is_backup = false;
    enum status status = backup_marker_find(making->disk, making->request->from, &is_backup, err);
    return status == STATUS_OK && is_backup
               ? error_set(err, STATUS_INVALID, 0,
                           "it is a backup itself, or an unfinished one; copy it by other means")
               : status;
}

static enum status remove_folder(struct disk *disk, const char *folder)
{
    struct folder_names names;
    enum status status = folder_names_list(disk, folder, &names, NULL);
    if (status != STATUS_OK) {
        return status;
    }
    for (size_t i = 0; status == STATUS_OK && i < names.count; i++) {
        char path[DISK_PATH_BYTES_MAX];
        status = disk_path(folder, names.items[i], path, NULL);
        status = status == STATUS_OK ? disk_remove(disk, path, NULL) : status;
    }
    folder_names_deinit(&names);
    return status == STATUS_OK ? disk_remove(disk, folder, NULL) : status;
}

/* Whatever cannot be removed says itself that it is unfinished. */
static void remove_partial(const struct making *making)
{
    for (size_t i = BACKUP_FOLDERS; i > 0; i--) {
        char folder[DISK_PATH_BYTES_MAX];
        if (folder_path(making->partial, backup_folders[i - 1], folder, NULL) == STATUS_OK) {
            enum status removed = remove_folder(making->disk, folder);
            (void)removed;
        }
    }
}

static enum status make(struct making *making, const char *target, struct error *err)
{
    enum status status = disk_make_durable_directory(making->disk, making->partial, err);
    if (status == STATUS_OK) {
        status = backup_marker_begin(making->disk, making->partial, err);
    }
    if (status == STATUS_OK) {
        status = hold_all(making, err);
    }
    if (status == STATUS_OK) {
        status = place_all(making, err);
    }
    if (status == STATUS_OK) {
        status = check_log(making, err);
    }
    if (status == STATUS_OK) {
        status = folder_sync_all(making->disk, making->partial, err);
    }
    if (status == STATUS_OK) {
        status = finish_marker(making, err);
    }
    if (status == STATUS_OK) {
        status = disk_rename(making->disk, making->partial, target, err);
    }
    return status;
}

static enum status make_or_remove(struct making *making, struct error *err)
{
    char target[DISK_PATH_BYTES_MAX];
    enum status status = name_partial(making, target, err);
    if (status == STATUS_OK) {
        status = check_source(making, err);
    }
    if (status == STATUS_OK) {
        status = check_absent(making->disk, target, "name another folder", err);
    }
    if (status == STATUS_OK) {
        status =
            check_absent(making->disk, making->partial,
                         "an earlier backup was not finished, or one is under way; remove it", err);
    }
    if (status == STATUS_OK) {
        status = tell_left_out(making, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    status = make(making, target, err);
    if (status != STATUS_OK) {
        remove_partial(making);
        return status;
    }
    /* It is whole, and there; whether its name would survive a power cut is not known. */
    return disk_sync_parent(making->disk, target, err);
}

enum status folder_backup_make(struct disk *disk, const struct folder_copy_request *request,
                               struct folder_copy_listener *listener,
                               struct folder_copy_sums *out_sums, struct error *err)
{
    struct making making = {.disk = disk,
                            .request = request,
                            .listener = listener,
                            .sums = {.made_at_ms = request->now_ms}};
    held_files_init(&making.held, disk, request->from);
    enum status status = make_or_remove(&making, err);
    held_files_deinit(&making.held);
    if (status == STATUS_OK) {
        *out_sums = making.sums;
    }
    return status;
}
