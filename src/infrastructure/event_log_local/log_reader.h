#pragma once
/*
 * A way through the log, the worker's or a tail's: hands out durable activities in order, around
 * damage. Only one thread.
 */
#include "domain/activity_batch.h"
#include "infrastructure/event_log_local/damage_report.h"
#include "infrastructure/event_log_local/segment_list.h"
#include "infrastructure/event_log_local/segment_walk.h"

struct log_reader {
    struct disk *disk;
    const char *directory;
    struct segment_list *list;
    struct damage_report *report;
    struct segment_walk walk;
    uint64_t ordinal; /* of the segment that the walk has open */
    int64_t offset;   /* the next to hand out; -1: wherever the log begins */
    struct logged_activity *rows;
    size_t count;
    size_t capacity;
    struct position next;
    struct position_set next_set; /* points at `next` */
};

void log_reader_init(struct log_reader *reader, struct uuid log_id);
void log_reader_deinit(struct log_reader *reader);

/* As event_log_poll. */
MUST_USE enum status log_reader_poll(struct log_reader *reader, size_t rows_max, unsigned wait_ms,
                                     struct activity_batch *out_batch, struct error *err);

/* Goes to `offset`, which must not be beyond the log's end. The rows of the newest poll stay. */
void log_reader_seek(struct log_reader *reader, int64_t offset);

/* The log begins with `first` now: leaves a segment that was removed. */
void log_reader_leave_removed(struct log_reader *reader, const struct segment *first);
