#pragma once
/*
 * Entries of a server's refused list in one of the formats: for people each with its reason and its
 * bytes in lines below it. One thread.
 */
#include "application/activity_json_answer.h"
#include "interfaces/cli/cli_output.h"
#include "interfaces/cli/row_format.h"

struct refused_output {
    struct cli_output output;
    enum row_format format;
    struct buffer line;
    uint64_t count;
};

/* To standard output. */
void refused_output_init(struct refused_output *entries, enum row_format format);
void refused_output_deinit(struct refused_output *entries);

/* NO_MEMORY, INVALID (this is no entry), or as cli_output_write. */
MUST_USE enum status refused_output_add(struct refused_output *entries,
                                        const struct activity_json_answer *answer,
                                        const struct yyjson_val *entry, struct error *err);

/* Behind the last. */
MUST_USE enum status refused_output_end(struct refused_output *entries, struct error *err);
