#pragma once
/*
 * The formats in which commands print what they found. Any thread.
 */
#include "base/error.h"

#include <stdbool.h>

enum row_format {
    ROW_FORMAT_USUAL, /* a table on a terminal, lines of JSON elsewhere */
    ROW_FORMAT_TABLE,
    ROW_FORMAT_JSON, /* one array */
    ROW_FORMAT_CSV,
    ROW_FORMAT_NDJSON
};

/* The value of --format. INVALID. */
MUST_USE enum status row_format_read(const char *value, enum row_format *out_format,
                                     struct error *err);

/* What the usual one is there; any other stays. */
enum row_format row_format_choose(enum row_format format, bool is_terminal);
