#include "infrastructure/event_log_local/log_reader.h"

#include "base/array.h"

#include <stdlib.h>

void log_reader_init(struct log_reader *reader, struct uuid log_id)
{
    segment_walk_init(&reader->walk, log_id);
    reader->offset = -1;
    reader->next_set = (struct position_set){.items = &reader->next, .count = 1, .capacity = 1};
}

void log_reader_deinit(struct log_reader *reader)
{
    segment_walk_deinit(&reader->walk);
    free(TAKE(reader->rows));
}

void log_reader_seek(struct log_reader *reader, int64_t offset)
{
    segment_walk_open(&reader->walk, NULL);
    reader->count = 0;
    reader->offset = offset;
}

void log_reader_leave_removed(struct log_reader *reader, const struct segment *first)
{
    if (reader->walk.file != NULL && reader->ordinal < first->ordinal) {
        log_reader_seek(reader, reader->offset > first->first_offset ? reader->offset
                                                                     : first->first_offset);
    }
}

/* Opens a segment, as long as the worker has not removed it. */
static enum status open_segment(struct log_reader *reader, const struct segment_view *view,
                                struct error *err)
{
    char path[DISK_PATH_BYTES_MAX];
    enum status status = segment_path(reader->directory, view->segment.ordinal, path, err);
    struct disk_file *file = NULL;
    if (status == STATUS_OK) {
        status = disk_open(reader->disk, path, DISK_READ, &file, err);
    }
    if (status == STATUS_NOT_FOUND) {
        return error_set(err, STATUS_UNAVAILABLE, 0,
                         "segment %llu of the event log is not there any more; somebody else "
                         "removed it",
                         (unsigned long long)view->segment.ordinal);
    }
    if (status != STATUS_OK) {
        return status;
    }
    segment_walk_open(&reader->walk, file);
    reader->walk.limit = view->segment.used;
    reader->walk.bound = view->bound;
    reader->ordinal = view->segment.ordinal;
    return STATUS_OK;
}

/* Opens the segment that holds the next offset. */
static enum status open_first(struct log_reader *reader, struct error *err)
{
    struct segment_view view;
    segment_list_holding(reader->list, reader->offset, &view);
    if (reader->offset < view.segment.first_offset) {
        reader->offset = view.segment.first_offset;
    }
    enum status status = open_segment(reader, &view, err);
    if (status == STATUS_OK) {
        reader->walk.next_offset = view.segment.first_offset;
        reader->walk.sequence = 0;
    }
    return status;
}

static void report_missing(struct log_reader *reader, int64_t from, int64_t count)
{
    int64_t served = reader->offset > from ? reader->offset - from : 0;
    if (count > served) {
        damage_found_missing(reader->report, reader->ordinal, count - served);
    }
}

/* Before anything is read, since the walk does not go back: a row without room would be passed. */
static enum status make_room(struct log_reader *reader, struct error *err)
{
    if (!ARRAY_RESERVE(reader->rows, reader->capacity, reader->count + 1)) {
        return error_set(err, STATUS_NO_MEMORY, 0, "no memory for rows of the event log");
    }
    return STATUS_OK;
}

static void take_header(struct log_reader *reader, const struct walk_found *found)
{
    const struct commit_header *header = &found->header;
    report_missing(reader, header->first_offset - found->missing, found->missing);
    if (header->first_offset + header->count <= reader->offset) {
        segment_walk_skip_commit(&reader->walk, header);
    }
}

/* There is room for it. */
static void take_row(struct log_reader *reader, const struct walk_found *found)
{
    int64_t offset = found->row.position.offset;
    report_missing(reader, offset - found->missing, found->missing);
    if (offset >= reader->offset) {
        reader->rows[reader->count++] = found->row;
        reader->offset = offset + 1;
    }
}

static void take_damage(struct log_reader *reader, const struct walk_found *found)
{
    if (found->solid_to == found->from && reader->walk.at == reader->walk.limit &&
        reader->walk.next_offset >= reader->walk.bound) {
        return; /* reserved space behind the last commit, which a crash left in place */
    }
    const struct damaged_range range = {.file = reader->walk.file,
                                        .ordinal = reader->ordinal,
                                        .from = found->from,
                                        .to = found->to};
    damage_found(reader->report, &range);
}

/* At the end of what may be read: more may be durable by now, or the next segment follows.
 * `out_more` says whether there is something to go on with. */
static enum status go_on(struct log_reader *reader, bool *out_more, struct error *err)
{
    struct segment_walk *walk = &reader->walk;
    struct segment_view view;
    *out_more = false;
    if (!segment_list_at_or_behind(reader->list, reader->ordinal, &view)) {
        return STATUS_OK;
    }
    bool same = view.segment.ordinal == reader->ordinal;
    if (same && (view.segment.used > walk->limit || view.bound > walk->bound)) {
        *out_more = view.segment.used > walk->limit;
        walk->limit = view.segment.used;
        walk->bound = view.bound;
    }
    if (*out_more) {
        return STATUS_OK;
    }
    int64_t missing = walk->bound - walk->next_offset;
    if (missing > 0) { /* nothing that may still come can fill these */
        report_missing(reader, walk->next_offset, missing);
        walk->next_offset = walk->bound;
        reader->offset = reader->offset < walk->bound ? walk->bound : reader->offset;
    }
    if (reader->count > 0 || (same && view.active)) {
        return STATUS_OK;
    }
    if (same && !segment_list_at_or_behind(reader->list, reader->ordinal + 1, &view)) {
        return STATUS_OK;
    }
    *out_more = true;
    return open_segment(reader, &view, err);
}

/* Handles one item; `out_done` when no row can be added now. */
static enum status take_next(struct log_reader *reader, bool *out_done, struct error *err)
{
    struct walk_found found;
    enum status status = make_room(reader, err);
    if (status == STATUS_OK) {
        status = segment_walk_next(&reader->walk, reader->count == 0, &found, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    bool more = true;
    switch (found.item) {
    case WALK_HEADER:
        take_header(reader, &found);
        break;
    case WALK_ROW:
        take_row(reader, &found);
        break;
    case WALK_DAMAGE:
        take_damage(reader, &found);
        break;
    case WALK_END:
        status = go_on(reader, &more, err);
        break;
    case WALK_BLOCKED:
        more = false;
        break;
    }
    *out_done = !more;
    return status;
}

static enum status fill(struct log_reader *reader, size_t rows_max, struct error *err)
{
    enum status status = STATUS_OK;
    if (reader->walk.file == NULL) {
        status = open_first(reader, err);
    }
    bool done = false;
    while (status == STATUS_OK && !done && reader->count < rows_max) {
        status = take_next(reader, &done, err);
    }
    /* A failure behind the first rows comes again when they are handed out. */
    return reader->count > 0 ? STATUS_OK : status;
}

enum status log_reader_poll(struct log_reader *reader, size_t rows_max, unsigned wait_ms,
                            struct activity_batch *out_batch, struct error *err)
{
    reader->count = 0;
    enum status status = fill(reader, rows_max, err);
    if (status == STATUS_OK && reader->count == 0 &&
        segment_list_wait(reader->list, reader->offset, wait_ms)) {
        status = fill(reader, rows_max, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    reader->next = (struct position){.offset = reader->offset};
    *out_batch = (struct activity_batch){.log_id = reader->walk.log_id,
                                         .rows = reader->rows,
                                         .count = reader->count,
                                         .next = &reader->next_set};
    return STATUS_OK;
}
