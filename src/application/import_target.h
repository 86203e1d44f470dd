#pragma once
/*
 * Where imported activities go: a server, or the log of a folder without one. Adapters fill a const
 * table of operations; callers use the wrappers below. A batch that was submitted comes back from
 * collect when each of its rows is durable or refused. Batches may come back in any order.
 *
 * One thread at a time. A target touches batches in submit and collect only, so that whoever gives
 * up may free them.
 */
#include "application/activity_json.h"
#include "application/import_lines.h"
#include "base/error.h"

#include <stdbool.h>

enum {
    IMPORT_ROWS_MAX = 1000,             /* lines of a batch, refused ones among them */
    IMPORT_BATCH_BYTES = 1024 * 1024,   /* no line is added to a batch beyond this */
    IMPORT_BATCHES_MAX = 8,             /* submitted at a time */
    IMPORT_ARENA_BYTES_MAX = 128 << 20, /* of a batch: a line of every kind, four times over */
    IMPORT_LINE_BYTES_MAX = 16 * 1024 * 1024
};

/* A line that can be recorded. Its texts live in the batch. */
struct import_row {
    uint64_t line;
    struct str text; /* the line as it was read */
    bool id_is_ours; /* the draft's id was derived and stands not in `text` */
    struct activity_draft draft;
};

/* A line that cannot. */
struct import_fault {
    uint64_t line;
    struct str text;    /* the first IMPORT_SHOWN_BYTES_MAX bytes of the line */
    struct str problem; /* a JSON object: {"detail": …, "errors": [{"pointer", "detail"}, …]} */
};

struct import_batch {
    struct arena arena;
    struct import_row *rows;
    size_t row_count;
    struct import_fault *faults;
    size_t fault_count;
    size_t refused_rows; /* of `rows`, by the target; each has a fault */
    size_t bytes;        /* of the lines */
    uint64_t end_offset; /* of the input, behind its last line */
    uint64_t end_line;
    bool submitted;
    bool finished;
};

/* Adds a fault, whose texts are copied and cut. False without memory. */
bool import_batch_refuse(struct import_batch *batch, const struct import_fault *fault);

/* The same for a row that the target did not take. */
bool import_batch_refuse_row(struct import_batch *batch, size_t index, struct str problem);

/* Hears that something holds the import up, in a sentence for a person. */
struct import_notices {
    void (*waiting)(struct import_notices *notices, const char *words);
};

struct import_target_state {
    char name[ERROR_MESSAGE_BYTES];     /* as in "into NAME" */
    const struct activity_rules *rules; /* what is wrong by them is refused before it is sent */
    size_t line_bytes_max;              /* IMPORT_SHOWN_BYTES_MAX .. IMPORT_LINE_BYTES_MAX */
    size_t batches_max;                 /* 1 .. IMPORT_BATCHES_MAX, submitted at a time */
};

struct import_outcome {
    bool known; /* whether the target can tell */
    uint64_t stored;
    uint64_t duplicates; /* ids that were there already */
};

struct import_target;

struct import_target_operations {
    void (*describe)(struct import_target *target, struct import_target_state *out_state);
    enum status (*submit)(struct import_target *target, struct import_batch *batch,
                          struct error *err);
    enum status (*collect)(struct import_target *target, unsigned wait_ms,
                           struct import_batch **out_batch, struct error *err);
    enum status (*finish)(struct import_target *target, struct import_outcome *out_outcome,
                          struct error *err);
    void (*free)(struct import_target *target);
};

/* Embedded first in every adapter. */
struct import_target {
    const struct import_target_operations *operations;
};

void import_target_describe(struct import_target *target, struct import_target_state *out_state);

/* Takes a batch with at least one row. Does not wait for it. Whatever fails is final. */
MUST_USE enum status import_target_submit(struct import_target *target, struct import_batch *batch,
                                          struct error *err);

/* Waits at most `wait_ms` for a batch that is through; NULL when there is none. What may pass is
 * tried again inside, with a bound; anything but OK means that the import cannot go on: no batch
 * that is still submitted is promised. */
MUST_USE enum status import_target_collect(struct import_target *target, unsigned wait_ms,
                                           struct import_batch **out_batch, struct error *err);

/* Waits until what was collected can be asked for, as far as the target knows of that, and with the
 * bound of collect. Failing takes nothing back: what was collected is durable. */
MUST_USE enum status import_target_finish(struct import_target *target,
                                          struct import_outcome *out_outcome, struct error *err);

/* Takes NULL. Touches no batch, as finish. */
void import_target_free(struct import_target *target);
CLEANUP_FUNCTION(struct import_target *, import_target_free)
