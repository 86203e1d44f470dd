#pragma once
/*
 * Files of one line in the folder of a spill, which processes leave for those that come after them.
 * A line ends in a blank, the CRC-32C of all before in 8 digits, and its end. One thread at a time.
 */
#include "infrastructure/disk/disk.h"

enum { MARK_LINE_BYTES_MAX = 192 };

/* Ends a line that has `len` bytes so far, with room for ten more and a terminator. */
void mark_line_end(char line[MARK_LINE_BYTES_MAX], size_t len);

/* What the file holds, with a terminator. Whether it is a line, and whose, is the caller's to see:
 * one that it would have written. NOT_FOUND: there is no file. CORRUPT: it is no text. */
MUST_USE enum status mark_line_read(struct disk *disk, const char *directory, const char *name,
                                    char out_line[MARK_LINE_BYTES_MAX]);

/* Replaces the file at once; durable when it returns OK. */
MUST_USE enum status mark_line_write(struct disk *disk, const char *directory, const char *name,
                                     const char *line, struct error *err);
