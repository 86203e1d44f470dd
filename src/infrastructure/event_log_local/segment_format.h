#pragma once
/*
 * The files of the local event log. Everything else in this folder follows from this page.
 *
 *     log/
 *       lock                    held by the one process that writes; names it (disk/disk_lock.h)
 *       log-id                  one line: the log's UUID and a CRC; made once, never changed
 *       0000000001.segment      oldest; removed when the store covers it
 *       0000000002.segment      the newest one with commits is the active one
 *       0000000003.segment      reserved ahead, no commit in it yet
 *       set-aside/              copies of bytes that could not be served; for people
 *
 * A segment is nothing but commits, one behind the other. Space is reserved in advance and reads
 * as zeros, or as stale bytes of a commit that failed and was taken back. Neither is mistaken for a
 * commit that was acknowledged: the next one takes its place and its offsets.
 *
 *     0                                                               reserved up to segment_bytes
 *     +--------+-------+-------+----+--------+-------+--------+-------+--------------------------+
 *     | header | frame | frame | …  | header | frame | header | frame | zeros or stale bytes     |
 *     +--------+-------+-------+----+--------+-------+--------+-------+--------------------------+
 *      <---------- commit --------->                  <--- commit --->
 *
 * A commit is what one write and one fdatasync made durable: all appends that waited at that
 * moment. Header (64 bytes, integers little-endian):
 *
 *      0  magic            4   f8 'U' 'T' 01: format 1. f8 occurs in no UTF-8, and all texts in
 *                              frames are UTF-8, so no payload can hold a header
 *      4  CRC-32C          4   of bytes 8..63
 *      8  log id          16
 *     24  sequence         8   higher than the commit before it, over all segments; never used
 *                              twice, not even by a commit that failed
 *     32  first offset     8   of the first frame; the next one to come when there is none
 *     40  body bytes       4   of all frames
 *     44  count            4   of frames; 0 seals the log at a clean stop
 *     48  written at       8   milliseconds since 1970
 *     56  digest           4   CRC-32C over the CRC fields of all frames in order
 *     60  zero             4
 *
 * Frame (44 bytes and the texts), one for each activity:
 *
 *      0  offset           8
 *      8  CRC-32C          4   started with the CRC of the log id; of byte 12 to the end, then of
 *                              the 8 bytes of the offset: event loops compute all but the last step
 *                              before the committer knows the offset
 *     12  frame bytes      4
 *     16  timestamp        8   milliseconds since 1970
 *     24  received at      8   milliseconds since 1970
 *     32  metadata bytes   4
 *     36  user id bytes    2
 *     38  action bytes     2
 *     40  id bytes         1
 *     41  trace bytes      2   0: no trace is known
 *     43  zero             1
 *     44  id, user id, action, metadata, trace (base/trace_context.h)
 *
 * A frame with a trace is one of format 2 of the log as a whole, which the file log-id says before
 * there is any (log_id.h): a version that knows format 1 only would take it for damage. Frames
 * without one are the same bytes in both.
 *
 * Why it can be trusted after a crash. Only one commit is being written at any time and it lies
 * behind all others, so what is incomplete at the very end is a torn tail that nobody was promised:
 * it is cut, and kept in set-aside/ when it holds a whole frame. Anything incomplete with a valid
 * commit behind it was promised, so it is damage: the reader serves every frame whose own CRC holds
 * and continues at the next valid header, one with this log's id and a higher sequence. Frames that
 * hold are stepped over as a whole, so a search never looks into the texts of an intact activity.
 * A commit that was read back after a crash may not be on the disk yet (its fdatasync was never
 * called, or failed); so opening rewrites the last one in its place and syncs it before it counts.
 *
 * A closed segment is read from its first header only at opening; its frames are checked when they
 * are read. Opening is quick whatever the log's size, and no damage is served.
 */
#include "base/uuid.h"
#include "domain/activity_batch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    COMMIT_HEADER_BYTES = 64,
    FRAME_HEADER_BYTES = 44,
};

struct commit_header {
    struct uuid log_id;
    uint64_t sequence;
    int64_t first_offset;
    uint32_t body_bytes;
    uint32_t count;
    int64_t written_at_ms;
    uint32_t digest;
};

void commit_header_encode(const struct commit_header *header, uint8_t out[COMMIT_HEADER_BYTES]);

/* False unless magic and CRC are right; the log id is the caller's to compare. */
bool commit_header_decode(const uint8_t bytes[COMMIT_HEADER_BYTES],
                          struct commit_header *out_header);

/* Whether `len` bytes can be the front of a header, or of one that never got to the disk (zeros).
 */
bool commit_header_may_begin(const uint8_t *bytes, size_t len);

/* What the CRC of every frame of this log starts with. */
uint32_t frame_seed(struct uuid log_id);

/* The length of an activity's frame; 0 when one of its texts does not fit the format. */
size_t frame_length(const struct activity *activity);

/* Writes a frame of `length` bytes (frame_length) without its offset; returns its end. */
uint8_t *frame_encode(uint8_t *at, size_t length, const struct activity *activity, uint32_t seed);

/* Finishes a frame: writes the offset, completes the CRC, extends `digest` with it. Returns the
 * frame's end. */
uint8_t *frame_stamp(uint8_t *at, int64_t offset, uint32_t *digest);

/* The length that a frame claims; at least FRAME_HEADER_BYTES of it must be there. */
uint32_t frame_claimed_length(const uint8_t *at);
int64_t frame_claimed_offset(const uint8_t *at);

/* Reads a frame of exactly `length` bytes; its texts point into `at`. False when its CRC or its
 * lengths do not hold. `out_crc` may be NULL. */
bool frame_decode(const uint8_t *at, size_t length, uint32_t seed, struct logged_activity *out_row,
                  uint32_t *out_crc);
