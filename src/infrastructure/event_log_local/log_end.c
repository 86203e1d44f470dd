#include "infrastructure/event_log_local/log_end.h"

#include "infrastructure/event_log_local/log_id.h"
#include "infrastructure/event_log_local/segment_list.h"
#include "infrastructure/event_log_local/tail_scan.h"

/* Goes through the segments from the newest one back. */
struct end_search {
    struct disk *disk;
    const char *directory;
    struct uuid log_id;
    uint64_t below;
    uint64_t ordinal; /* the highest number of a segment below `below`; 0: there is none */
    struct tail_scan found;
};

static void see_name(void *context, const char *name)
{
    struct end_search *search = context;
    uint64_t ordinal;
    if (segment_name_parse(name, &ordinal) && ordinal < search->below &&
        ordinal > search->ordinal) {
        search->ordinal = ordinal;
    }
}

static enum status scan_segment(struct end_search *search, struct error *err)
{
    char path[DISK_PATH_BYTES_MAX];
    CLEANUP(disk_file_close) struct disk_file *file = NULL;
    uint64_t size = 0;
    enum status status = segment_path(search->directory, search->ordinal, path, err);
    if (status == STATUS_OK) {
        status = disk_open(search->disk, path, DISK_READ, &file, err);
    }
    if (status == STATUS_OK) {
        status = disk_file_size(file, &size, err);
    }
    return status == STATUS_OK
               ? tail_scan_run(search->log_id, TAKE(file), size, &search->found, err)
               : status;
}

enum status event_log_local_find_end(struct disk *disk, const char *directory,
                                     struct log_end *out_end, struct error *err)
{
    struct end_search search = {.disk = disk, .directory = directory, .ordinal = UINT64_MAX};
    struct log_identity identity = {0};
    enum status status = log_id_read(disk, directory, &identity, err);
    search.log_id = identity.id;
    /* Segments that are reserved ahead hold no commit. */
    while (status == STATUS_OK && search.found.used == 0 && search.ordinal != 0) {
        search.below = search.ordinal;
        search.ordinal = 0;
        status = disk_list(disk, directory, see_name, &search, err);
        if (status == STATUS_OK && search.ordinal != 0) {
            status = scan_segment(&search, err);
        }
    }
    if (status == STATUS_OK) {
        *out_end = (struct log_end){.log_id = search.log_id,
                                    .offset = search.ordinal == 0 ? 0 : search.found.next_offset,
                                    .ordinal = search.ordinal,
                                    .used = search.found.used};
    }
    return status;
}
