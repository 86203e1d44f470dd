#pragma once
/*
 * POST of NDJSON, one activity a line, for any number of lines: read, checked and recorded while
 * the body arrives, in bounded memory. What could not be recorded is told by its line; with
 * `Accept: application/x-ndjson` what became of each line is answered while the body still comes.
 * Loop thread only.
 */
#include "interfaces/api/api_private.h"

/* The header is complete: takes the body from now on. The request may have been answered instead.
 */
void api_lines_begin(const struct api_call *call);

/* The body is complete. */
void api_lines_post(const struct api_call *call);

/* Results of appends, on the log's thread. */
void api_lines_completed(struct append_listener *listener, const struct append_result *results,
                         size_t count);
