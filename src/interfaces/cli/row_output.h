#pragma once
/*
 * Activities in one of the formats, row by row in bounded memory. One thread.
 */
#include "interfaces/cli/row_format.h"
#include "interfaces/cli/row_table.h"

struct row_output {
    struct cli_output *output; /* borrowed */
    enum row_format format;
    uint64_t count; /* of rows so far */
    struct buffer line;
    struct row_table table;
};

void row_output_init(struct row_output *rows, struct cli_output *output, enum row_format format);
void row_output_deinit(struct row_output *rows);

/* NO_MEMORY, or as cli_output_write. */
MUST_USE enum status row_output_add(struct row_output *rows, const struct activity *activity,
                                    struct error *err);

/* Everything added so far is on its way. */
MUST_USE enum status row_output_flush(struct row_output *rows, struct error *err);

/* Behind the last: what a format has there, and flushes. */
MUST_USE enum status row_output_end(struct row_output *rows, struct error *err);
