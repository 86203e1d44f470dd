#include "infrastructure/event_log_local/log_hold.h"

#include "base/array.h"
#include "infrastructure/event_log_local/log_end.h"
#include "infrastructure/event_log_local/segment_list.h"

#include <stdio.h>
#include <stdlib.h>

/* One call under way. */
struct holding {
    struct held_files *held;
    const char *folder;
    char directory[DISK_PATH_BYTES_MAX];
    struct log_end end;
    uint64_t *ordinals; /* of the segments that the folder shows, up to the end's */
    size_t count;
    size_t capacity;
    bool no_memory;
    bool again;
};

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to list the event log");
}

static void name_of(const struct holding *holding, uint64_t ordinal, char out_name[HELD_NAME_BYTES])
{
    char name[SEGMENT_NAME_BYTES];
    segment_name(ordinal, name);
    snprintf(out_name, HELD_NAME_BYTES, "%s/%s", holding->folder, name);
}

/* The number of a held file that is a segment of this log; 0: it is none. */
static uint64_t ordinal_of(const struct holding *holding, const struct held_file *file)
{
    size_t len = strlen(holding->folder);
    uint64_t ordinal = 0;
    bool ours = strncmp(file->name, holding->folder, len) == 0 && file->name[len] == '/';
    return ours && segment_name_parse(file->name + len + 1, &ordinal) ? ordinal : 0;
}

/* What is there -------------------------------------------------------------------------------- */

static void see_name(void *context, const char *name)
{
    struct holding *holding = context;
    uint64_t ordinal;
    if (!segment_name_parse(name, &ordinal) || ordinal > holding->end.ordinal ||
        holding->no_memory) {
        return;
    }
    holding->no_memory = !ARRAY_RESERVE(holding->ordinals, holding->capacity, holding->count + 1);
    if (!holding->no_memory) {
        holding->ordinals[holding->count++] = ordinal;
    }
}

static enum status open_segment(struct holding *holding, uint64_t ordinal, struct error *err)
{
    char name[HELD_NAME_BYTES];
    struct held_file *file;
    name_of(holding, ordinal, name);
    return held_files_find(holding->held, name) != NULL
               ? STATUS_OK
               : held_files_open(holding->held, name, &file, err);
}

/* The one with the last commit is not settled: it grows, or will when a server starts. One that was
 * the last when it was opened may have got more since, and have no name any more. */
static enum status measure(struct holding *holding, struct held_file *file, struct error *err)
{
    uint64_t ordinal = ordinal_of(holding, file);
    if (ordinal == 0 || file->settled) {
        return STATUS_OK;
    }
    if (ordinal == holding->end.ordinal) {
        file->bytes = holding->end.used;
        return disk_file_sync(file->file, err);
    }
    enum status status = disk_file_size(file->file, &file->bytes, err);
    file->settled = status == STATUS_OK;
    return status;
}

/* Those that are removed at this moment show as a gap. */
static enum status hold_segments(struct holding *holding, struct error *err)
{
    struct held_files *held = holding->held;
    enum status status = disk_list(held->disk, holding->directory, see_name, holding, err);
    if (status == STATUS_OK && holding->no_memory) {
        status = no_memory(err);
    }
    for (size_t i = 0; status == STATUS_OK && i < holding->count; i++) {
        status = open_segment(holding, holding->ordinals[i], err);
        status = status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    for (size_t i = 0; status == STATUS_OK && i < held->count; i++) {
        status = measure(holding, &held->items[i], err);
    }
    return status;
}

/* Gaps ----------------------------------------------------------------------------------------- */

/* The highest number of a held segment below `below`; 0: there is none. */
static uint64_t held_below(const struct holding *holding, uint64_t below)
{
    uint64_t found = 0;
    for (size_t i = 0; i < holding->held->count; i++) {
        uint64_t ordinal = ordinal_of(holding, &holding->held->items[i]);
        found = ordinal < below && ordinal > found ? ordinal : found;
    }
    return found;
}

static void drop_up_to(struct holding *holding, uint64_t last)
{
    for (size_t i = holding->held->count; i > 0; i--) {
        struct held_file *file = &holding->held->items[i - 1];
        uint64_t ordinal = ordinal_of(holding, file);
        if (ordinal != 0 && ordinal <= last) {
            held_files_drop(holding->held, file);
        }
    }
}

/* A server removes the oldest first. So where the segment before a gap is in the folder still, no
 * server made the gap: it is damage, the rest is what there is, and all of it is held. */
static enum status close_gap(struct holding *holding, uint64_t before, struct error *err)
{
    char path[DISK_PATH_BYTES_MAX];
    CLEANUP(disk_file_close) struct disk_file *file = NULL;
    enum status status = segment_path(holding->directory, before, path, err);
    if (status == STATUS_OK) {
        status = disk_open(holding->held->disk, path, DISK_READ, &file, err);
    }
    if (status == STATUS_NOT_FOUND) {
        drop_up_to(holding, before);
        holding->again = true;
        status = STATUS_OK;
    }
    return status;
}

static enum status close_gaps(struct holding *holding, struct error *err)
{
    enum status status = STATUS_OK;
    uint64_t ordinal = held_below(holding, holding->end.ordinal + 1);
    /* The newest one itself may be gone, if the server wrote that much since. */
    holding->again = ordinal != holding->end.ordinal;
    while (status == STATUS_OK && ordinal != 0) {
        uint64_t before = held_below(holding, ordinal);
        if (before != 0 && before + 1 != ordinal) {
            status = close_gap(holding, before, err);
        }
        ordinal = before;
    }
    return status;
}

/* All of it ------------------------------------------------------------------------------------ */

static enum status hold_id(const struct holding *holding, struct error *err)
{
    char name[HELD_NAME_BYTES];
    struct held_file *file;
    snprintf(name, sizeof name, "%s/log-id", holding->folder);
    return held_files_find(holding->held, name) != NULL
               ? STATUS_OK
               : held_files_open(holding->held, name, &file, err);
}

static enum status hold(struct holding *holding, struct error *err)
{
    enum status status =
        event_log_local_find_end(holding->held->disk, holding->directory, &holding->end, err);
    if (status == STATUS_OK) {
        status = hold_id(holding, err);
    }
    if (status == STATUS_OK && holding->end.ordinal != 0) {
        status = hold_segments(holding, err);
    }
    if (status == STATUS_OK && holding->end.ordinal != 0) {
        status = close_gaps(holding, err);
    }
    return status;
}

/* A folder whose log has no id yet holds nothing that was acknowledged. */
static bool has_id(const struct holding *holding)
{
    char path[DISK_PATH_BYTES_MAX];
    CLEANUP(disk_file_close) struct disk_file *file = NULL;
    return disk_path(holding->directory, "log-id", path, NULL) != STATUS_OK ||
           disk_open(holding->held->disk, path, DISK_READ, &file, NULL) != STATUS_NOT_FOUND;
}

enum status event_log_local_hold(struct held_files *held, const char *folder,
                                 struct held_log *out_log, struct error *err)
{
    struct holding holding = {.held = held, .folder = folder};
    enum status status = disk_path(held->directory, folder, holding.directory, err);
    if (status != STATUS_OK) {
        return status;
    }
    if (!has_id(&holding)) {
        *out_log = (struct held_log){0};
        return STATUS_OK;
    }
    status = hold(&holding, err);
    /* A segment that is removed while it is read is no failure. */
    bool vanished = status == STATUS_NOT_FOUND;
    free(holding.ordinals);
    if (status == STATUS_OK || vanished) {
        *out_log = (struct held_log){.found = true,
                                     .again = holding.again || vanished,
                                     .log_id = holding.end.log_id,
                                     .end = holding.end.offset};
        return STATUS_OK;
    }
    return status;
}
