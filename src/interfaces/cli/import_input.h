#pragma once
/*
 * What is imported: a file or standard input, read from front to back. One thread.
 */
#include "application/import_activities.h"

struct import_input {
    int descriptor;
    bool owned;
    bool regular;
    uint64_t size; /* of a regular file when it was opened; else 0 */
};

/* "-" is standard input. NOT_FOUND, INVALID (a folder, a file with an array), UNAVAILABLE. */
MUST_USE enum status import_input_open(struct import_input *input, const char *path,
                                       struct error *err);
void import_input_close(struct import_input *input);

/* BUSY when nothing comes for a moment, so that the importer can do something else. */
struct import_source import_input_source(struct import_input *input);

/* A regular file, from `offset` on. UNAVAILABLE. */
MUST_USE enum status import_input_seek(struct import_input *input, uint64_t offset,
                                       struct error *err);

/* The hash that tells whether a file is the one of which `offset` bytes were imported: over its
 * first bytes and the last ones before the offset, IMPORT_SEEN_BYTES of each. What is added behind
 * does not change it. INVALID: the file is shorter. UNAVAILABLE. */
enum { IMPORT_SEEN_BYTES = 64 * 1024 };
MUST_USE enum status import_input_hash(const struct import_input *input, uint64_t offset,
                                       const struct content_hash *hash,
                                       uint8_t out_hash[IMPORT_HASH_BYTES], struct error *err);
