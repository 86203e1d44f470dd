#pragma once
/*
 * Cuts a stream of any length into lines in bounded memory. Lines end with LF or CRLF; the last one
 * may have no end. Lines of nothing but white space are passed over, however long, and still count.
 * A line that is too long is given out with its first bytes only, so that one bad line does not end
 * an import.
 * One thread at a time.
 */
#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    IMPORT_READ_BYTES = 256 * 1024, /* asked for at a time */
    IMPORT_SHOWN_BYTES_MAX = 1024   /* of a line that is refused, for a person to recognise it */
};

/* Reads at most `len` bytes. OK with 0: the end. BUSY: there is nothing now, come back. What else
 * it returns is told in `err`. */
typedef enum status import_read(void *context, char *into, size_t len, size_t *out_len,
                                struct error *err);

/* Without `read` the stream is pushed, piece by piece, by whoever has it. */
struct import_source {
    import_read *read;
    void *context;
};

struct import_line {
    struct str text; /* without its end; lives until the next call */
    uint64_t number; /* 1 is the first one of the stream */
    uint64_t bytes;  /* of the whole line without its end */
    bool too_long;   /* `text` is the first IMPORT_SHOWN_BYTES_MAX bytes of it */
};

struct import_lines {
    struct import_source source;
    size_t line_bytes_max;
    char *data;
    size_t capacity;
    size_t begin;      /* of what was read and not given out yet */
    size_t scanned;    /* no line ends before this offset in data */
    size_t end;        /* of what was read */
    uint64_t dropped;  /* bytes of the line at `begin` that were read and thrown away */
    bool dropped_text; /* and were not all white space */
    uint64_t offset;   /* in the stream, behind the last line that was given out or passed over */
    uint64_t number;   /* of that line */
    bool at_end;
};

/* NO_MEMORY. */
MUST_USE enum status import_lines_init(struct import_lines *lines, struct import_source source,
                                       size_t line_bytes_max);
void import_lines_deinit(struct import_lines *lines);

/* The source stands at `offset`, behind line `number`: before the first line is asked for. */
void import_lines_start_at(struct import_lines *lines, uint64_t offset, uint64_t number);

/* --- a stream that is pushed --- */

enum {
    /* Behind each line there is its end, or what follows it, and behind the last one these zeros:
     * who reads a line in place may look so far beyond it. */
    IMPORT_LINE_PADDING_BYTES = 16
};

/* How much may be pushed now; at least IMPORT_READ_BYTES once every whole line was given out. */
size_t import_lines_room(const struct import_lines *lines);

/* Adds to the stream what there is room for; lines that were given out are gone. */
void import_lines_push(struct import_lines *lines, struct str data);

/* Nothing more will be pushed. */
void import_lines_end(struct import_lines *lines);

/* --- lines --- */

/* NOT_FOUND: the stream has ended. Anything else but OK comes from the source; BUSY where it is
 * pushed, and then all lines since the last push are still there. */
MUST_USE enum status import_lines_next(struct import_lines *lines, struct import_line *out_line,
                                       struct error *err);
