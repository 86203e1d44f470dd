#include "infrastructure/event_log_local/log_check.h"

#include "infrastructure/event_log_local/log_end.h"
#include "infrastructure/event_log_local/segment_list.h"
#include "infrastructure/event_log_local/segment_walk.h"

#include <stdarg.h>
#include <stdio.h>

/* A check under way. */
struct checking {
    struct disk *disk;
    const char *directory;
    struct log_end end;
    struct segment_walk walk;
    bool continuous; /* offsets go on from those before; false: the first ones are yet to come */
    struct log_verification_listener *listener;
    struct log_verification found;
};

PRINTF_LIKE(2, 3)
static void tell(struct checking *checking, const char *format, ...)
{
    char words[ERROR_MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    checking->found.problems++;
    checking->listener->problem(checking->listener, words);
}

/* Segments ---------------------------------------------------------------------------------- */

/* The lowest number of a segment above `above`; 0: there is none. */
struct next_segment {
    uint64_t above;
    uint64_t ordinal;
};

static void see_name(void *context, const char *name)
{
    struct next_segment *next = context;
    uint64_t ordinal;
    if (segment_name_parse(name, &ordinal) && ordinal > next->above &&
        (next->ordinal == 0 || ordinal < next->ordinal)) {
        next->ordinal = ordinal;
    }
}

static enum status find_next(const struct checking *checking, uint64_t above, uint64_t *out_ordinal,
                             struct error *err)
{
    struct next_segment next = {.above = above};
    enum status status = disk_list(checking->disk, checking->directory, see_name, &next, err);
    if (status == STATUS_OK) {
        *out_ordinal = next.ordinal;
    }
    return status;
}

static enum status open_segment(const struct checking *checking, uint64_t ordinal,
                                struct disk_file **out_file, uint64_t *out_size, struct error *err)
{
    char path[DISK_PATH_BYTES_MAX];
    enum status status = segment_path(checking->directory, ordinal, path, err);
    if (status == STATUS_OK) {
        status = disk_open(checking->disk, path, DISK_READ, out_file, err);
    }
    return status == STATUS_OK ? disk_file_size(*out_file, out_size, err) : status;
}

/* The first offset of the segment behind this one, below which all of this one's are. Unknown where
 * that one does not begin with a header. */
static enum status find_bound(const struct checking *checking, uint64_t ordinal, int64_t *out_bound,
                              struct error *err)
{
    CLEANUP(disk_file_close) struct disk_file *file = NULL;
    uint8_t bytes[COMMIT_HEADER_BYTES];
    struct iovec into = {.iov_base = bytes, .iov_len = sizeof bytes};
    struct commit_header header;
    uint64_t next = 0;
    uint64_t size;
    size_t len = 0;
    *out_bound = INT64_MAX;
    if (ordinal == checking->end.ordinal) {
        return STATUS_OK;
    }
    enum status status = find_next(checking, ordinal, &next, err);
    if (status == STATUS_OK && next != 0) {
        status = open_segment(checking, next, &file, &size, err);
    }
    if (status == STATUS_OK && next != 0) {
        status = disk_file_read(file, 0, into, &len, err);
    }
    if (status == STATUS_OK && len == sizeof bytes && commit_header_decode(bytes, &header)) {
        *out_bound = header.first_offset;
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* What is in one ---------------------------------------------------------------------------- */

static void tell_missing(struct checking *checking, uint64_t ordinal, int64_t missing)
{
    if (checking->continuous && missing > 0) {
        tell(checking, "segment %llu: %lld activities before it or in it are missing",
             (unsigned long long)ordinal, (long long)missing);
    }
    checking->continuous = true;
}

static void look_at(struct checking *checking, uint64_t ordinal, const struct walk_found *found)
{
    const struct segment_walk *walk = &checking->walk;
    if (found->item == WALK_HEADER || found->item == WALK_ROW) {
        tell_missing(checking, ordinal, found->missing);
        checking->found.activities += found->item == WALK_ROW;
    }
    /* Space that was reserved and never used, which a crash left in place, is no damage. */
    bool unused = found->item == WALK_DAMAGE && found->solid_to == found->from &&
                  walk->at == walk->limit && walk->next_offset >= walk->bound;
    if (found->item == WALK_DAMAGE && !unused) {
        tell(checking, "segment %llu: the bytes %llu to %llu are damaged",
             (unsigned long long)ordinal, (unsigned long long)found->from,
             (unsigned long long)found->to);
    }
}

static enum status check_segment(struct checking *checking, uint64_t ordinal, struct error *err)
{
    struct disk_file *file = NULL;
    struct walk_found found = {.item = WALK_HEADER};
    uint64_t size = 0;
    enum status status = open_segment(checking, ordinal, &file, &size, err);
    if (status != STATUS_OK) {
        disk_file_close(file);
        return status;
    }
    segment_walk_open(&checking->walk, file);
    status = find_bound(checking, ordinal, &checking->walk.bound, err);
    checking->walk.limit = ordinal == checking->end.ordinal ? checking->end.used : size;
    checking->found.segments++;
    checking->found.bytes += checking->walk.limit;
    while (status == STATUS_OK && found.item != WALK_END) {
        status = segment_walk_next(&checking->walk, true, &found, err);
        if (status == STATUS_OK) {
            look_at(checking, ordinal, &found);
        }
    }
    return status;
}

/* All of them ------------------------------------------------------------------------------- */

/* A server removes the oldest segments once the store covers them: where the one before is gone,
 * too, those between were removed the same way. */
static enum status judge_gap(struct checking *checking, uint64_t before, uint64_t ordinal,
                             struct error *err)
{
    uint64_t first = 0;
    if (before == 0 || ordinal == before + 1) {
        return STATUS_OK;
    }
    enum status status = find_next(checking, before - 1, &first, err);
    if (status == STATUS_OK && first == before) {
        tell(checking, "segments %llu to %llu are missing", (unsigned long long)before + 1,
             (unsigned long long)ordinal - 1);
    }
    checking->continuous = checking->continuous && first == before;
    return status;
}

static enum status check_all(struct checking *checking, struct error *err)
{
    uint64_t before = 0;
    uint64_t ordinal = 0;
    enum status status = find_next(checking, 0, &ordinal, err);
    while (status == STATUS_OK && ordinal != 0 && ordinal <= checking->end.ordinal) {
        status = judge_gap(checking, before, ordinal, err);
        if (status == STATUS_OK) {
            status = check_segment(checking, ordinal, err);
        }
        if (status == STATUS_NOT_FOUND) { /* removed since it was listed */
            checking->continuous = false;
            status = STATUS_OK;
        }
        before = ordinal;
        if (status == STATUS_OK) {
            status = find_next(checking, before, &ordinal, err);
        }
    }
    return status;
}

enum status event_log_local_check(struct disk *disk, const char *directory,
                                  struct log_verification_listener *listener,
                                  struct log_verification *out_found, struct error *err)
{
    struct checking checking = {.disk = disk, .directory = directory, .listener = listener};
    enum status status = event_log_local_find_end(disk, directory, &checking.end, err);
    if (status != STATUS_OK) {
        return status;
    }
    segment_walk_init(&checking.walk, checking.end.log_id);
    status = check_all(&checking, err);
    segment_walk_deinit(&checking.walk);
    if (status == STATUS_OK) {
        *out_found = checking.found;
    }
    return status;
}
