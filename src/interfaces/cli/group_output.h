#pragma once
/*
 * Counts in groups in one of the formats: on a terminal a table with bars. One thread.
 */
#include "domain/activity_tally.h"
#include "interfaces/cli/cli_output.h"
#include "interfaces/cli/row_format.h"

/* Prints and flushes. NO_MEMORY, or as cli_output_write. */
MUST_USE enum status group_output_write(struct cli_output *output, enum row_format format,
                                        const struct activity_tally *tally, struct error *err);
