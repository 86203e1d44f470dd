#pragma once
/*
 * How far an import came, as text that outlives the process: what a run that was ended goes on
 * from.
 *
 *     usertrail import 1
 *     target folder /srv/usertrail
 *     offset 1048576
 *     line 3500
 *     imported 3498
 *     refused 2
 *     errors 611                      bytes of the file of refused lines
 *     key 5f…                         32 bytes, what ids are derived with
 *     seen 9a…                        32 bytes, SHA-256 of what of the input is held against it
 *     check 1a2b3c4d                  CRC-32C of all lines before
 *
 * Any thread.
 */
#include "application/import_activities.h"

#define IMPORT_STATE_DRAFT                                                                         \
    ".draft" /* behind the name of the file that the next one is written to */

enum { IMPORT_TARGET_TEXT_BYTES = 1200, IMPORT_STATE_BYTES_MAX = 4096 };

struct import_state {
    struct import_progress progress; /* with a key */
    uint64_t errors_bytes;
    uint8_t seen[IMPORT_HASH_BYTES];
    char target[IMPORT_TARGET_TEXT_BYTES]; /* of printable characters */
};

/* `out_text` needs room for IMPORT_STATE_BYTES_MAX. */
void import_state_append(struct buffer *out_text, const struct import_state *state);

/* INVALID: it is none, or not as it was written. */
MUST_USE enum status import_state_parse(struct str text, struct import_state *out_state,
                                        struct error *err);
