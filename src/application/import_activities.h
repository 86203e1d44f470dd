#pragma once
/*
 * Imports activities that stand one in a line as JSON, in the shape that POST takes and export
 * writes. Lines go to the target in batches, several at a time; what is told of them (refused
 * lines, how far all is durable) is told in the order of the lines.
 *
 * Exactly once: a line without an id gets one that follows from what it is and where it stands,
 *
 *     key = SHA-256("usertrail import key" LF | the key's text)
 *     id  = UUIDv8 (RFC 9562) of SHA-256(key | line number, 8 bytes little-endian | the line)
 *
 * where the key's text is what the user names, or the first line that is not blank (its first
 * IMPORT_SHOWN_BYTES_MAX bytes, which every target shows of a line), and lines are without their
 * ends. So the same input gives the same ids wherever it
 * lies, however often and from wherever it is sent, also after lines were added at its end or some
 * of the others mended. Two lines get the same id only if they are the same byte for byte, have the
 * same number, and their inputs begin with the same line.
 *
 * One thread.
 */
#include "application/content_hash.h"
#include "application/import_target.h"
#include "base/clock.h"

enum { IMPORT_HASH_BYTES = CONTENT_HASH_BYTES };

/* How far everything is durable or refused, without a gap. */
struct import_progress {
    uint64_t offset; /* bytes of the input */
    uint64_t line;   /* the last one */
    uint64_t imported;
    uint64_t refused;
    bool has_key;
    uint8_t key[IMPORT_HASH_BYTES];
};

enum import_wish {
    IMPORT_GO_ON,
    IMPORT_STOP_SOON, /* send nothing more, wait for what is under way */
    IMPORT_STOP_NOW
};

struct import_listener {
    /* In the order of lines, before `acknowledged` counts it. */
    enum status (*refused)(struct import_listener *listener, const struct import_fault *fault,
                           struct error *err);
    /* The progress has grown. */
    enum status (*acknowledged)(struct import_listener *listener,
                                const struct import_progress *progress, struct error *err);
    /* Asked again and again, at least several times a second. */
    enum import_wish (*wish)(struct import_listener *listener);
};

struct import_config {
    struct import_target *target; /* borrowed, as all of these */
    struct import_source source;  /* stands at progress.offset */
    const struct content_hash *hash;
    const struct clock *clock;
    struct import_listener *listener;
};

/* The key of an input whose key the user named. NO_MEMORY. */
MUST_USE enum status import_name_key(const struct content_hash *hash, struct str text,
                                     struct import_progress *progress);

/* Imports from `progress` on and moves it. OK with *out_complete: all lines are through. OK
 * without: the listener wished to stop. Anything else: why it cannot go on. The progress is right
 * in every case. */
MUST_USE enum status import_run(const struct import_config *config,
                                struct import_progress *progress, bool *out_complete,
                                struct error *err);
