#include "infrastructure/event_log_local/local_tail.h"

#include "infrastructure/event_log_local/log_reader.h"

#include <stdlib.h>

struct local_tail {
    struct log_tail tail;
    struct damage_report report; /* told nobody */
    struct log_reader reader;
    int64_t told; /* what lies below was handed out or counted as gone */
};

static struct local_tail *local_of(struct log_tail *tail)
{
    return CONTAINER_OF(tail, struct local_tail, tail);
}

/* Offsets of this log follow each other without a hole, so whatever was passed without a row is
 * gone. */
static enum status local_tail_poll(struct log_tail *tail, size_t rows_max, unsigned wait_ms,
                                   struct log_tail_batch *out_batch, struct error *err)
{
    struct local_tail *local = local_of(tail);
    struct log_reader *reader = &local->reader;
    enum status status = log_reader_poll(reader, rows_max, wait_ms, &out_batch->batch, err);
    if (status == STATUS_OK) {
        out_batch->gone = (uint64_t)(reader->next.offset - local->told) - out_batch->batch.count;
        local->told = reader->next.offset;
    }
    return status;
}

static void local_tail_free(struct log_tail *tail)
{
    log_reader_deinit(&local_of(tail)->reader);
    free(local_of(tail));
}

static const struct log_tail_operations local_tail_operations = {
    .poll = local_tail_poll,
    .free = local_tail_free,
};

static enum status find_begin(const struct local_tail_source *source,
                              const struct position_set *from, struct log_tail_begin *out_begin,
                              struct error *err)
{
    struct segment_view first;
    struct position begin = {.offset = segment_list_end_offset(source->list)};
    if (from != NULL) {
        int64_t end = begin.offset;
        begin.offset = position_set_get(from, 0);
        if (begin.offset > end) {
            return error_set(err, STATUS_INVALID, 0, "the event log has no such position yet");
        }
        segment_list_holding(source->list, begin.offset, &first);
        if (begin.offset < first.segment.first_offset) {
            out_begin->gone = (uint64_t)(first.segment.first_offset - begin.offset);
            begin.offset = first.segment.first_offset;
        }
    }
    out_begin->log_id = source->log_id;
    return position_set_raise(&out_begin->positions, begin) == STATUS_OK
               ? STATUS_OK
               : error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to follow the event log");
}

enum status local_tail_open(struct log_tail_source *source, const struct position_set *from,
                            struct log_tail_begin *out_begin, struct log_tail **out_tail,
                            struct error *err)
{
    static const struct logger nobody = {
        .clock = &clock_system, .descriptor = -1, .level = LOG_ERROR};
    struct local_tail_source *of = CONTAINER_OF(source, struct local_tail_source, source);
    struct local_tail *local = calloc(1, sizeof *local);
    if (local == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to follow the event log");
    }
    local->tail.operations = &local_tail_operations;
    local->report.logger = &nobody;
    local->reader.disk = of->disk;
    local->reader.directory = of->directory;
    local->reader.list = of->list;
    local->reader.report = &local->report;
    log_reader_init(&local->reader, of->log_id);
    enum status status = find_begin(of, from, out_begin, err);
    if (status != STATUS_OK) {
        local_tail_free(&local->tail);
        return status;
    }
    local->told = position_set_get(&out_begin->positions, 0);
    log_reader_seek(&local->reader, local->told);
    *out_tail = &local->tail;
    return STATUS_OK;
}
