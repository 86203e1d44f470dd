// Header fields that the command line adds to every request, or in turn to those of each
// connection, so that many keys are shown by many connections. Read once, before any thread.
#pragma once

#include "tool.h"

enum {
    HEADER_FIELDS_BYTES_MAX = 2048, // of one set, with the ends of lines
    HEADER_FIELD_SETS_MAX = 20000   // of a file; as many as there may be connections
};

// One set, as it stands in a request: each field with its CR LF.
struct header_fields {
    char text[HEADER_FIELDS_BYTES_MAX + 1];
    size_t len;
};

// Sets that connections take in turn.
struct header_field_sets {
    struct header_fields *sets;
    uint32_t count;
};

// Adds "Name: value" of len bytes. Returns NULL, or why it cannot be meant; then nothing was added.
// What this client writes itself is no name: the request would say it twice.
const char *header_fields_add(struct header_fields *fields, const char *field, size_t len) MUST_USE;

// A set of one field from each line of a file; blank lines are none. Ends the program with words
// when it cannot be read or a line is no field. Freed by header_field_sets_deinit.
void header_field_sets_read(const char *path, struct header_field_sets *out_sets);
void header_field_sets_deinit(struct header_field_sets *sets);

// The connection's set as text; "" where there are no sets.
const char *header_field_sets_text(const struct header_field_sets *sets, uint32_t connection);
