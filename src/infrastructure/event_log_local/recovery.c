#include "infrastructure/event_log_local/recovery.h"

#include "base/array.h"
#include "infrastructure/event_log_local/log_id.h"
#include "infrastructure/event_log_local/tail_scan.h"

#include <stdlib.h>

struct found_segment {
    uint64_t ordinal;
    uint64_t size;
    bool has_header; /* its first bytes are a header */
    bool is_foreign; /* they are neither one nor what a torn write leaves of one */
    struct commit_header header;
    int64_t first_offset;
};

struct folder {
    struct found_segment *segments; /* by ordinal */
    size_t count;
    size_t capacity;
    bool no_memory;
};

/* One opening under way. */
struct opening {
    const struct recovery *recovery;
    struct commit_writer *writer;
    struct folder folder;
    size_t last;           /* the newest segment that holds a commit; folder.count: none does */
    struct tail_scan scan; /* of that one */
};

/* What is there --------------------------------------------------------------------------- */

static void visit_name(void *context, const char *name)
{
    struct folder *folder = context;
    uint64_t ordinal;
    if (!segment_name_parse(name, &ordinal) || folder->no_memory) {
        return;
    }
    if (!ARRAY_RESERVE(folder->segments, folder->capacity, folder->count + 1)) {
        folder->no_memory = true;
        return;
    }
    folder->segments[folder->count++] = (struct found_segment){.ordinal = ordinal};
}

static int compare_ordinals(const void *a, const void *b)
{
    const struct found_segment *left = a;
    const struct found_segment *right = b;
    return (left->ordinal > right->ordinal) - (left->ordinal < right->ordinal);
}

static enum status open_segment(const struct recovery *recovery, uint64_t ordinal,
                                enum disk_mode mode, struct disk_file **out_file, struct error *err)
{
    char path[DISK_PATH_BYTES_MAX];
    enum status status = segment_path(recovery->directory, ordinal, path, err);
    return status == STATUS_OK ? disk_open(recovery->disk, path, mode, out_file, err) : status;
}

static enum status inspect(const struct recovery *recovery, struct found_segment *segment,
                           struct error *err)
{
    CLEANUP(disk_file_close) struct disk_file *file = NULL;
    enum status status = open_segment(recovery, segment->ordinal, DISK_READ, &file, err);
    if (status == STATUS_OK) {
        status = disk_file_size(file, &segment->size, err);
    }
    uint8_t bytes[COMMIT_HEADER_BYTES];
    size_t len = 0;
    if (status == STATUS_OK) {
        struct iovec into = {.iov_base = bytes, .iov_len = sizeof bytes};
        status = disk_file_read(file, 0, into, &len, err);
    }
    if (status == STATUS_OK) {
        segment->has_header = len == sizeof bytes && commit_header_decode(bytes, &segment->header);
        segment->is_foreign = !commit_header_may_begin(bytes, len);
    }
    return status;
}

static enum status look_around(const struct recovery *recovery, struct folder *folder,
                               struct error *err)
{
    enum status status = disk_list(recovery->disk, recovery->directory, visit_name, folder, err);
    if (status == STATUS_OK && folder->no_memory) {
        status = error_set(err, STATUS_NO_MEMORY, 0, "no memory to list the event log's segments");
    }
    if (folder->count > 0) {
        qsort(folder->segments, folder->count, sizeof *folder->segments, compare_ordinals);
    }
    for (size_t i = 0; status == STATUS_OK && i < folder->count; i++) {
        status = inspect(recovery, &folder->segments[i], err);
    }
    return status;
}

/* Whose log it is ------------------------------------------------------------------------- */

/* Nobody knows any more which format the segments are of, so it is the newest that they may be: an
 * older version that took frames with traces for damage would set them aside. */
static enum status remake_log_id(const struct recovery *recovery, const struct folder *folder,
                                 const struct error *why, struct log_identity *out_identity,
                                 struct error *err)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < folder->count; i++) {
        bytes += folder->segments[i].size;
        if (folder->segments[i].has_header) {
            log_error(recovery->logger, "the event log's id is taken from its segments", why);
            *out_identity = (struct log_identity){.id = folder->segments[i].header.log_id,
                                                  .format = LOG_ID_FORMAT_NEWEST};
            return STATUS_OK;
        }
    }
    if (bytes > 0 && why->status == STATUS_CORRUPT) {
        *err = *why;
        return why->status;
    }
    *out_identity = (struct log_identity){.id = uuid_make_random(recovery->random),
                                          .format = LOG_ID_FORMAT_PLAIN};
    return STATUS_OK;
}

static enum status find_log_id(const struct recovery *recovery, const struct folder *folder,
                               struct log_identity *out_identity, struct error *err)
{
    struct error why;
    enum status status = log_id_read(recovery->disk, recovery->directory, out_identity, &why);
    if (status == STATUS_NOT_FOUND || status == STATUS_CORRUPT) {
        status = remake_log_id(recovery, folder, &why, out_identity, err);
        return status == STATUS_OK
                   ? log_id_write(recovery->disk, recovery->directory, out_identity, err)
                   : status;
    }
    if (status != STATUS_OK) {
        *err = why;
        return status;
    }
    for (size_t i = 0; i < folder->count; i++) {
        const struct found_segment *segment = &folder->segments[i];
        if (segment->has_header && !uuid_equal(segment->header.log_id, out_identity->id)) {
            return error_set(err, STATUS_CORRUPT, 0,
                             "segment %llu in %.80s belongs to another event log; move it away",
                             (unsigned long long)segment->ordinal, recovery->directory);
        }
    }
    return STATUS_OK;
}

/* The end --------------------------------------------------------------------------------- */

/* The torn tail goes to set-aside/ when somebody could want it. */
static enum status keep_tail(const struct recovery *recovery, const struct found_segment *segment,
                             const struct tail_scan *scan, struct error *err)
{
    if (scan->tail_to <= scan->used) {
        return STATUS_OK;
    }
    CLEANUP(disk_file_close) struct disk_file *file = NULL;
    enum status status = open_segment(recovery, segment->ordinal, DISK_READ, &file, err);
    struct damaged_range range = {
        .file = file, .ordinal = segment->ordinal, .from = scan->used, .to = scan->tail_to};
    bool keep = scan->tail_frames > 0 || (scan->used == 0 && segment->is_foreign);
    if (status == STATUS_OK && keep) {
        status = damage_set_aside(recovery->report, &range, err);
    }
    if (status == STATUS_OK) {
        damage_found_torn_tail(recovery->report, &range, keep);
    }
    return status;
}

static enum status scan_segment(const struct recovery *recovery,
                                const struct found_segment *segment, struct uuid log_id,
                                struct tail_scan *out_scan, struct error *err)
{
    struct disk_file *file = NULL;
    enum status status = open_segment(recovery, segment->ordinal, DISK_READ, &file, err);
    return status == STATUS_OK ? tail_scan_run(log_id, file, segment->size, out_scan, err) : status;
}

static enum status remove_segment(const struct recovery *recovery, uint64_t ordinal,
                                  struct error *err)
{
    char path[DISK_PATH_BYTES_MAX];
    enum status status = segment_path(recovery->directory, ordinal, path, err);
    return status == STATUS_OK ? disk_remove(recovery->disk, path, err) : status;
}

static enum status rewrite(struct disk_file *file, const struct tail_scan *scan, struct iovec bytes,
                           struct error *err)
{
    size_t present = 0;
    enum status status = disk_file_read(file, scan->last_at, bytes, &present, err);
    if (status == STATUS_OK && present != bytes.iov_len) {
        status = error_set(err, STATUS_UNAVAILABLE, 0, "a segment changed while it was opened");
    }
    if (status == STATUS_OK) {
        status = disk_file_write(file, scan->last_at, &bytes, 1, err);
    }
    /* A seal promises nothing, and a disk that is full must not keep the log from opening: syncing
     * it is enough unless that failed before. */
    return status == STATUS_NO_SPACE && scan->sealed ? STATUS_OK : status;
}

/* Writes the last commit again where it stands and syncs: only then it surely is on the disk. A
 * seal, too: it may be all that carries the log's end, and its process may have been killed before
 * it was synced. */
static enum status make_last_durable(struct disk_file *file, const struct tail_scan *scan,
                                     struct error *err)
{
    size_t len = (size_t)(scan->used - scan->last_at);
    uint8_t *bytes = len == 0 ? NULL : malloc(len);
    if (len > 0 && bytes == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "no memory for the last commit of the log");
    }
    enum status status = STATUS_OK;
    if (len > 0) {
        status = rewrite(file, scan, (struct iovec){.iov_base = bytes, .iov_len = len}, err);
    }
    free(bytes);
    return status == STATUS_OK ? disk_file_sync(file, err) : status;
}

static enum status open_active(const struct recovery *recovery, const struct found_segment *segment,
                               const struct tail_scan *scan, struct commit_writer *writer,
                               struct error *err)
{
    struct disk_file *file = NULL;
    enum status status = open_segment(recovery, segment->ordinal, DISK_WRITE, &file, err);
    if (status != STATUS_OK) {
        return status;
    }
    writer->active = (struct segment_file){
        .file = file,
        .ordinal = segment->ordinal,
        .used = scan->used,
        .written = scan->used,
        .reserved = scan->used,
    };
    writer->sealed = scan->sealed;
    if (segment->size > scan->used) {
        status = disk_file_truncate(file, scan->used, err);
    }
    if (status == STATUS_OK) {
        status = make_last_durable(file, scan, err);
    }
    return status;
}

/* Putting it together --------------------------------------------------------------------- */

/* The first offsets of the segments before the last one, from the back. */
static enum status find_first_offsets(const struct recovery *recovery, struct folder *folder,
                                      size_t last, struct uuid log_id, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = last; status == STATUS_OK && i > 0; i--) {
        struct found_segment *segment = &folder->segments[i - 1];
        int64_t bound = folder->segments[i].first_offset;
        segment->first_offset = bound;
        if (segment->has_header && segment->header.first_offset <= bound) {
            segment->first_offset = segment->header.first_offset;
            continue;
        }
        struct disk_file *file = NULL;
        status = open_segment(recovery, segment->ordinal, DISK_READ, &file, err);
        if (status == STATUS_OK) {
            status =
                tail_scan_first_offset(log_id, file, segment->size, &segment->first_offset, err);
        }
    }
    return status;
}

static enum status fill_list(const struct recovery *recovery, const struct folder *folder,
                             size_t last, const struct tail_scan *scan, struct segment_list *list)
{
    for (size_t i = 0; i <= last; i++) {
        const struct found_segment *segment = &folder->segments[i];
        if (i > 0 && segment->ordinal != segment[-1].ordinal + 1) {
            damage_found_segments_missing(recovery->report, segment[-1].ordinal + 1,
                                          segment->ordinal - segment[-1].ordinal - 1);
        }
        struct segment entry = {.ordinal = segment->ordinal,
                                .first_offset = segment->first_offset,
                                .used = i == last ? scan->used : segment->size};
        if (segment_list_add(list, entry) != STATUS_OK) {
            return STATUS_NO_MEMORY;
        }
    }
    segment_list_grow(list, scan->used, scan->next_offset);
    return STATUS_OK;
}

/* No segment holds a commit: a new log, or one that never got to its first commit. */
static enum status start_empty(struct opening *opening, struct error *err)
{
    const struct folder *folder = &opening->folder;
    if (folder->count > 0) {
        opening->writer->active.ordinal = folder->segments[folder->count - 1].ordinal;
    }
    return commit_writer_begin(opening->writer, err);
}

static enum status resume(struct opening *opening, struct error *err)
{
    struct commit_writer *writer = opening->writer;
    struct folder *folder = &opening->folder;
    const struct tail_scan *scan = &opening->scan;
    writer->next_offset = scan->next_offset;
    writer->sequence = scan->sequence;
    folder->segments[opening->last].first_offset = scan->first_offset;
    enum status status =
        find_first_offsets(opening->recovery, folder, opening->last, writer->log_id, err);
    if (status == STATUS_OK) {
        status =
            open_active(opening->recovery, &folder->segments[opening->last], scan, writer, err);
    }
    if (status == STATUS_OK &&
        fill_list(opening->recovery, folder, opening->last, scan, writer->list) != STATUS_OK) {
        status = error_set(err, STATUS_NO_MEMORY, 0, "no memory for the list of segments");
    }
    return status;
}

/* Goes back to the newest segment that holds a commit: `out_last` is its index, or the count when
 * none does. What lies behind it holds nothing that was promised. */
static enum status find_last(struct opening *opening, struct error *err)
{
    const struct recovery *recovery = opening->recovery;
    struct tail_scan *scan = &opening->scan;
    size_t torn = 0;
    for (size_t i = opening->folder.count; i > 0; i--) {
        const struct found_segment *segment = &opening->folder.segments[i - 1];
        enum status status = scan_segment(recovery, segment, opening->writer->log_id, scan, err);
        torn += status == STATUS_OK && scan->tail_to > scan->used;
        if (status == STATUS_OK && scan->used == 0 && torn > 1) {
            status = error_set(err, STATUS_CORRUPT, 0,
                               "the newest segments in %.60s hold no commit but are not empty; a "
                               "person must look",
                               recovery->directory);
        }
        if (status == STATUS_OK) {
            status = keep_tail(recovery, segment, scan, err);
        }
        if (status != STATUS_OK) {
            return status;
        }
        if (scan->used > 0) {
            opening->last = i - 1;
            return STATUS_OK;
        }
    }
    opening->last = opening->folder.count;
    return STATUS_OK;
}

/* Removes the segments behind the last one with a commit. */
static enum status remove_rest(struct opening *opening, struct error *err)
{
    const struct folder *folder = &opening->folder;
    size_t kept = opening->last == folder->count ? 0 : opening->last + 1;
    enum status status = STATUS_OK;
    for (size_t i = folder->count; status == STATUS_OK && i > kept; i--) {
        status = remove_segment(opening->recovery, folder->segments[i - 1].ordinal, err);
    }
    return status;
}

/* Offsets rise with the segments' numbers. Where they fall, somebody copied a segment or moved one
 * here, and going on behind it would hide what the others hold. */
static enum status check_order(const struct opening *opening, struct error *err)
{
    const struct found_segment *before = NULL;
    for (size_t i = 0; i < opening->folder.count; i++) {
        const struct found_segment *segment = &opening->folder.segments[i];
        if (!segment->has_header || !uuid_equal(segment->header.log_id, opening->writer->log_id)) {
            continue;
        }
        if (before != NULL && segment->header.first_offset < before->header.first_offset) {
            return error_set(
                err, STATUS_CORRUPT, 0,
                "segment %010llu begins at offset %lld, segment %010llu before it at "
                "%lld: one is a copy or misnamed; move it out of the log's folder",
                (unsigned long long)segment->ordinal, (long long)segment->header.first_offset,
                (unsigned long long)before->ordinal, (long long)before->header.first_offset);
        }
        before = segment;
    }
    return STATUS_OK;
}

static enum status recover(struct opening *opening, struct error *err)
{
    const struct recovery *recovery = opening->recovery;
    enum status status = look_around(recovery, &opening->folder, err);
    struct log_identity identity;
    if (status == STATUS_OK) {
        status = find_log_id(recovery, &opening->folder, &identity, err);
    }
    if (status == STATUS_OK) {
        opening->writer->log_id = identity.id;
        opening->writer->format = identity.format;
        status = check_order(opening, err);
    }
    if (status == STATUS_OK) {
        status = find_last(opening, err);
    }
    if (status == STATUS_OK) {
        bool empty = opening->last == opening->folder.count;
        status = empty ? start_empty(opening, err) : resume(opening, err);
    }
    if (status == STATUS_OK) {
        status = remove_rest(opening, err);
    }
    /* Names that a crashed process made or removed may not be durable yet. */
    return status == STATUS_OK ? disk_sync_directory(recovery->disk, recovery->directory, err)
                               : status;
}

enum status recovery_run(const struct recovery *recovery, struct commit_writer *writer,
                         struct error *err)
{
    struct opening opening = {.recovery = recovery, .writer = writer};
    enum status status = recover(&opening, err);
    free(opening.folder.segments);
    return status;
}
