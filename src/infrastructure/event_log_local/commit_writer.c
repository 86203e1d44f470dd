#include "infrastructure/event_log_local/commit_writer.h"

#include "base/assert.h"

enum {
    AHEAD_RETRY_MS = 1000,
    ZEROS_BYTES_MAX = 256 * 1024,      /* written at a time, ... */
    ZEROS_SEGMENT_SHARE = 8,           /* ... in small segments this part of one */
    ZEROS_LEFT_SHARE = 16,             /* when this part of them is left, more are written */
    SMALL_COMMIT_BYTES_MAX = 8 * 1024, /* zeros are for commits up to this size */
    TRIED_BYTES = 4096                 /* zeros that show whether the disk takes any */
};

static const uint8_t zeros[64 * 1024];

/* A failed sync leaves the disk's state unknown, and asking again would only hide it. */
static enum status poison(struct commit_writer *writer, struct error *err)
{
    writer->poisoned = true;
    counter_add(&writer->failures, 1);
    struct error cause = *err;
    return error_set(err, STATUS_UNAVAILABLE, cause.cause,
                     "nothing is accepted until a restart: %.120s", cause.message);
}

/* Making segments --------------------------------------------------------------------------- */

static enum status open_new(struct commit_writer *writer, const char *path,
                            struct disk_file **out_file, struct error *err)
{
    struct disk_file *file = NULL;
    enum status status = disk_open(writer->disk, path, DISK_MAKE, &file, err);
    if (status == STATUS_DUPLICATE) { /* left over from an attempt that failed half-way */
        status = disk_open(writer->disk, path, DISK_WRITE, &file, err);
        if (status == STATUS_OK) {
            status = disk_file_truncate(file, 0, err);
        }
    }
    if (status != STATUS_OK) {
        disk_file_close(file);
        return status;
    }
    *out_file = file;
    return STATUS_OK;
}

static enum status make_segment(struct commit_writer *writer, uint64_t ordinal, uint64_t bytes,
                                struct segment_file *out_segment, struct error *err)
{
    char path[DISK_PATH_BYTES_MAX];
    CLEANUP(disk_file_close) struct disk_file *file = NULL;
    enum status status = segment_path(writer->directory, ordinal, path, err);
    if (status == STATUS_OK) {
        status = open_new(writer, path, &file, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    status = bytes == 0 ? STATUS_OK : disk_file_allocate(file, 0, bytes, err);
    if (status != STATUS_OK) {
        enum status removed = disk_remove(writer->disk, path, NULL);
        (void)removed; /* the next attempt uses the file, and opening ignores an empty one */
        return status;
    }
    if (disk_sync_directory(writer->disk, writer->directory, err) != STATUS_OK) {
        return poison(writer, err);
    }
    *out_segment = (struct segment_file){.file = TAKE(file), .ordinal = ordinal, .reserved = bytes};
    return STATUS_OK;
}

/* Gives reserved space back that no commit will use; a failure only wastes it. */
static void retire_active(struct commit_writer *writer)
{
    struct segment_file *active = &writer->active;
    struct error err;
    if (active->file != NULL && active->reserved > active->used &&
        disk_file_truncate(active->file, active->used, &err) != STATUS_OK) {
        log_error(writer->logger, "could not give back unused space of the event log", &err);
    }
    disk_file_close(active->file);
    *active = (struct segment_file){0};
}

static uint64_t segment_size_for(const struct commit_writer *writer, uint64_t bytes)
{
    return bytes > writer->segment_bytes ? bytes : writer->segment_bytes;
}

static enum status reserve(struct segment_file *segment, uint64_t bytes, struct error *err)
{
    if (segment->reserved >= bytes) {
        return STATUS_OK;
    }
    enum status status =
        disk_file_allocate(segment->file, segment->reserved, bytes - segment->reserved, err);
    if (status == STATUS_OK) {
        segment->reserved = bytes;
    }
    return status;
}

/* Goes on in the next segment. */
static enum status roll(struct commit_writer *writer, uint64_t bytes, struct error *err)
{
    enum status status = STATUS_OK;
    if (writer->ahead.file == NULL) {
        status = make_segment(writer, writer->active.ordinal + 1, segment_size_for(writer, bytes),
                              &writer->ahead, err);
    } else {
        status = reserve(&writer->ahead, bytes, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct segment segment = {.ordinal = writer->ahead.ordinal,
                              .first_offset = writer->next_offset};
    if (segment_list_add(writer->list, segment) != STATUS_OK) {
        return error_set(err, STATUS_UNAVAILABLE, 0, "no memory for another segment");
    }
    retire_active(writer);
    writer->active = writer->ahead;
    writer->ahead = (struct segment_file){0};
    return STATUS_OK;
}

enum status commit_writer_begin(struct commit_writer *writer, struct error *err)
{
    enum status status = roll(writer, 0, err);
    if (status != STATUS_NO_SPACE || !writer->opens_full) {
        return status;
    }
    status = make_segment(writer, writer->active.ordinal + 1, 0, &writer->ahead, err);
    return status == STATUS_OK ? roll(writer, 0, err) : status;
}

/* Makes `bytes` fit behind the last commit, in this segment or in the next. */
static enum status make_room(struct commit_writer *writer, uint64_t bytes, struct error *err)
{
    struct segment_file *active = &writer->active;
    if (active->used + bytes <= active->reserved) {
        return STATUS_OK;
    }
    if (active->used == 0 || active->used + bytes <= writer->segment_bytes) {
        return reserve(active, segment_size_for(writer, active->used + bytes), err);
    }
    return roll(writer, bytes, err);
}

static enum status reserve_ahead(struct commit_writer *writer, struct error *err)
{
    if (writer->ahead.file != NULL || writer->active.used < writer->segment_bytes / 2) {
        return STATUS_OK;
    }
    return make_segment(writer, writer->active.ordinal + 1, writer->segment_bytes, &writer->ahead,
                        err);
}

/* In reserved space that was never written, each commit also makes the file system note that a few
 * more blocks hold something, and its sync waits for that, too: a lone client then waits for the
 * disk twice as often. Small commits therefore find blocks that hold zeros already. Large ones do
 * not: they would be written twice to spare a sync little. */
static enum status write_zeros_ahead(struct commit_writer *writer, struct error *err)
{
    struct segment_file *active = &writer->active;
    uint64_t share = writer->segment_bytes / ZEROS_SEGMENT_SHARE;
    uint64_t bytes = share < ZEROS_BYTES_MAX ? share : ZEROS_BYTES_MAX;
    if (writer->commit_bytes > SMALL_COMMIT_BYTES_MAX ||
        active->written > active->used + bytes / ZEROS_LEFT_SHARE ||
        active->written == active->reserved) {
        return STATUS_OK;
    }
    uint64_t left = active->reserved - active->written;
    bytes = left < bytes ? left : bytes;
    size_t count = 0;
    for (uint64_t at = 0; at < bytes; at += writer->parts[count++].iov_len) {
        size_t len = bytes - at < sizeof zeros ? (size_t)(bytes - at) : sizeof zeros;
        writer->parts[count] = (struct iovec){.iov_base = (void *)zeros, .iov_len = len};
    }
    enum status status = disk_file_write(active->file, active->written, writer->parts, count, err);
    if (status != STATUS_OK) {
        return status;
    }
    active->written += bytes;
    return disk_file_sync(active->file, err) == STATUS_OK ? STATUS_OK : poison(writer, err);
}

enum status commit_writer_work_ahead(struct commit_writer *writer, struct error *err)
{
    if (clock_monotonic_ns(writer->clock) < writer->ahead_retry_ns) {
        return STATUS_OK;
    }
    enum status status = reserve_ahead(writer, err);
    if (status == STATUS_OK) {
        status = write_zeros_ahead(writer, err);
    }
    if (status != STATUS_OK && !writer->poisoned && writer->ahead_retry_ns == 0) {
        log_error(writer->logger, "cannot work ahead of the next commits, which go on without",
                  err);
    }
    if (status != STATUS_OK) {
        writer->ahead_retry_ns = clock_monotonic_ns(writer->clock) +
                                 (uint64_t)AHEAD_RETRY_MS * NANOSECONDS_PER_MILLISECOND;
        return writer->poisoned ? status : STATUS_OK;
    }
    writer->ahead_retry_ns = 0;
    return STATUS_OK;
}

/* Commits ----------------------------------------------------------------------------------- */

static uint32_t stamp_record(struct append_record *record, int64_t first_offset, uint32_t digest)
{
    uint8_t *at = record->frames;
    for (uint32_t i = 0; i < record->count; i++) {
        at = frame_stamp(at, first_offset + i, &digest);
    }
    ASSERT(at == record->frames + record->length);
    return digest;
}

static void make_header(struct commit_writer *writer, uint64_t body_bytes, uint32_t count,
                        uint32_t digest, uint8_t out[COMMIT_HEADER_BYTES])
{
    const struct commit_header header = {
        .log_id = writer->log_id,
        .sequence = ++writer->sequence, /* never used twice, whatever becomes of this commit */
        .first_offset = writer->next_offset,
        .body_bytes = (uint32_t)body_bytes,
        .count = count,
        .written_at_ms = clock_wall_ms(writer->clock),
        .digest = digest,
    };
    commit_header_encode(&header, out);
}

/* Nothing half-written may stay where the next commit begins. */
static enum status take_back(struct commit_writer *writer, enum status status, struct error *err)
{
    struct error why;
    struct segment_file *active = &writer->active;
    if (disk_file_truncate(active->file, active->used, &why) != STATUS_OK) {
        *err = why;
        return poison(writer, err);
    }
    active->written = active->used;
    active->reserved = active->used;
    return status;
}

static enum status write_parts(struct commit_writer *writer, size_t part_count, struct error *err)
{
    struct segment_file *active = &writer->active;
    uint64_t begun_ns = clock_monotonic_ns(writer->clock);
    enum status status =
        disk_file_write(active->file, active->used, writer->parts, part_count, err);
    if (status != STATUS_OK) {
        return take_back(writer, status, err);
    }
    uint64_t written_ns = clock_monotonic_ns(writer->clock);
    if (disk_file_sync(active->file, err) != STATUS_OK) {
        return poison(writer, err);
    }
    uint64_t synced_ns = clock_monotonic_ns(writer->clock);
    histogram_add(&writer->syncs, &histogram_bounds_disk, synced_ns - written_ns);
    histogram_add(&writer->commits, &histogram_bounds_disk, synced_ns - begun_ns);
    counter_add(&writer->bytes_written, writer->commit_bytes);
    return STATUS_OK;
}

static enum status write_commit(struct commit_writer *writer, struct append_record *const *records,
                                size_t count, struct position *out_reached, struct error *err)
{
    uint64_t body_bytes = 0;
    for (size_t i = 0; i < count; i++) {
        body_bytes += records[i]->length;
    }
    writer->commit_bytes = COMMIT_HEADER_BYTES + body_bytes;
    enum status status = make_room(writer, writer->commit_bytes, err);
    if (status != STATUS_OK) {
        return status;
    }
    uint8_t header[COMMIT_HEADER_BYTES];
    uint32_t digest = 0;
    uint32_t activities = 0;
    for (size_t i = 0; i < count; i++) {
        struct append_record *record = records[i];
        digest = stamp_record(record, writer->next_offset + activities, digest);
        activities += record->count;
        writer->parts[1 + i] =
            (struct iovec){.iov_base = record->frames, .iov_len = record->length};
        out_reached[i] = (struct position){.offset = writer->next_offset + activities - 1};
    }
    make_header(writer, body_bytes, activities, digest, header);
    writer->parts[0] = (struct iovec){.iov_base = header, .iov_len = sizeof header};
    status = write_parts(writer, 1 + count, err);
    if (status == STATUS_OK) {
        writer->active.used += writer->commit_bytes;
        if (writer->active.written < writer->active.used) {
            writer->active.written = writer->active.used;
        }
        writer->next_offset += activities;
        writer->sealed = false;
    }
    return status;
}

/* Above the disk there are two ways to fail: for lack of space, or not for that. */
static enum status as_commit_status(enum status status, struct error *err)
{
    if (status == STATUS_OK || status == STATUS_NO_SPACE) {
        return status;
    }
    err->status = STATUS_UNAVAILABLE;
    return STATUS_UNAVAILABLE;
}

enum status commit_writer_write(struct commit_writer *writer, struct append_record *const *records,
                                size_t count, struct position *out_reached, struct error *err)
{
    ASSERT(!writer->poisoned && count >= 1 && count <= COMMIT_APPENDS_MAX);
    return as_commit_status(write_commit(writer, records, count, out_reached, err), err);
}

/* Zeros where the next commit begins, which goes over them; what is left of them when the disk
 * takes only some is what stood there. Syncing also shows whether the file still has a name. */
static enum status try_disk(struct commit_writer *writer, struct error *err)
{
    struct segment_file *active = &writer->active;
    uint64_t room = active->reserved - active->used;
    struct iovec part = {.iov_base = (void *)zeros,
                         .iov_len = room < TRIED_BYTES ? (size_t)room : TRIED_BYTES};
    enum status status = disk_file_write(active->file, active->used, &part, 1, err);
    if (status != STATUS_OK) {
        return status;
    }
    if (active->written < active->used + part.iov_len) {
        active->written = active->used + part.iov_len;
    }
    return disk_file_sync(active->file, err) == STATUS_OK ? STATUS_OK : poison(writer, err);
}

enum status commit_writer_look(struct commit_writer *writer, struct error *err)
{
    ASSERT(!writer->poisoned);
    uint64_t bytes = writer->commit_bytes > 0 ? writer->commit_bytes : COMMIT_HEADER_BYTES;
    enum status status = make_room(writer, bytes, err);
    if (status == STATUS_OK) {
        status = try_disk(writer, err);
    }
    return as_commit_status(status, err);
}

/* Closing ----------------------------------------------------------------------------------- */

static enum status seal(struct commit_writer *writer, struct error *err)
{
    struct segment_file *active = &writer->active;
    if (!writer->sealed && writer->next_offset > 0) {
        uint8_t header[COMMIT_HEADER_BYTES];
        make_header(writer, 0, 0, 0, header);
        struct iovec part = {.iov_base = header, .iov_len = sizeof header};
        enum status status = disk_file_write(active->file, active->used, &part, 1, err);
        if (status != STATUS_OK) {
            return status;
        }
        active->used += COMMIT_HEADER_BYTES;
    }
    enum status status = disk_file_truncate(active->file, active->used, err);
    if (status == STATUS_OK) {
        status = disk_file_sync(active->file, err);
    }
    if (status == STATUS_OK && active->used > 0) {
        segment_list_grow(writer->list, active->used, writer->next_offset);
    }
    return status;
}

static enum status remove_ahead(struct commit_writer *writer, struct error *err)
{
    if (writer->ahead.file == NULL) {
        return STATUS_OK;
    }
    char path[DISK_PATH_BYTES_MAX];
    enum status status = segment_path(writer->directory, writer->ahead.ordinal, path, err);
    if (status == STATUS_OK) {
        status = disk_remove(writer->disk, path, err);
    }
    if (status == STATUS_OK) {
        status = disk_sync_directory(writer->disk, writer->directory, err);
    }
    return status;
}

/* The seal alone carries the log's end, so what is covered need not stay for that. */
static enum status leave_covered(struct commit_writer *writer, int64_t covered, struct error *err)
{
    bool all = covered == writer->next_offset && writer->active.used > COMMIT_HEADER_BYTES;
    if (!all) {
        return STATUS_OK;
    }
    enum status status = roll(writer, COMMIT_HEADER_BYTES, err);
    writer->sealed = writer->sealed && status != STATUS_OK;
    return status;
}

void commit_writer_close(struct commit_writer *writer, int64_t covered)
{
    struct error err;
    enum status status = STATUS_OK;
    if (!writer->poisoned) {
        status = leave_covered(writer, covered, &err);
        status = status == STATUS_OK ? seal(writer, &err) : status;
        status = status == STATUS_OK ? remove_ahead(writer, &err) : status;
    }
    if (status != STATUS_OK) {
        log_error(
            writer->logger,
            "could not tidy the event log at its end; nothing is lost, the next start does it",
            &err);
    }
    commit_writer_abandon(writer);
}

void commit_writer_abandon(struct commit_writer *writer)
{
    disk_file_close(writer->active.file);
    disk_file_close(writer->ahead.file);
    writer->active.file = NULL;
    writer->ahead.file = NULL;
}
