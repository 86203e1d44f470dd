#pragma once
/*
 * The files of the refused list. Everything else in this folder follows from this page.
 *
 *     refused/
 *       lock                  held by the one process that writes; names it (disk/disk_lock.h)
 *       0000000001.refused    oldest; removed as a whole when the list is full
 *       0000000002.refused    the last one is written to, until it is an eighth of the list
 *
 * A file is nothing but records, one behind the other, each a refused message with all that is
 * known of it (integers little-endian):
 *
 *      0  magic            4   f9 'U' 'R' 01: format 1; 02: a removal
 *      4  CRC-32C          4   of the file's number and the record's place in it, 8 bytes each,
 * then of byte 8 to the end 8  log id          16 24  partition        4 28  absent           4 bit
 * 0: there is no key, bit 1: there is no message 32  offset           8 40  refused at       8
 * milliseconds since 1970 48  logged at        8   milliseconds since 1970; 0: not known 56  behind
 * 4   bytes from the start of its group to this record 60  key bytes        4 64  reason bytes 4 68
 * message bytes    4 72  key, reason, message
 *
 * A removal is a record of the same shape without texts, whose "absent" has bit 2, too: the
 * position it names, which stands before it, is listed no more. It is of format 2, so that a
 * version that does not know removals refuses the list instead of showing what was removed.
 *
 * A group is what one write and one fdatasync made durable, all of one add or as much of it as goes
 * into one group:
 *
 *     0                                                          used
 *     +--------+--------+--------+--------+--------+--------+----+
 *     | record | record | record | record | record | record | ...   a torn group, after a crash
 *     +--------+--------+--------+--------+--------+--------+----+
 *      <-------- group --------->         <---- group ---->
 *
 * Why it can be trusted. Only one group is being written at any time, at the end of the last file.
 * When a write or its fdatasync fails, the group is taken back: the file is cut to what was durable
 * before, and after a failed fdatasync closed for good; nothing is added until that is done. So
 * after a crash nobody was promised what is incomplete at the end of the last file, and it is cut;
 * records in front of it that are whole are kept. Those that the last group left may not be on the
 * disk yet (their fdatasync was never called), while the worker, which hands over again what it got
 * no answer for, would be told that they are listed; so opening rewrites the last group in its
 * place and syncs it.
 *
 * Anything else that is no record is damage: it is reported and passed over up to the next record.
 * Messages are bytes that somebody else chose, so a record in them must not be taken for one: what
 * is whole is stepped over, and the CRC starts with the place, which a message cannot know. Should
 * a position stand in two records, the later one holds: an earlier one was taken back, and the cut
 * was lost with the power.
 *
 * When an entry leaves the list and its removal is durable, zeros take the place of its texts, and
 * its CRC is made anew, so that it is a record still, of a position that a later record removes. A
 * crash in the midst of that leaves damage where nobody misses anything: a removal stands behind
 * it, so it is never taken for the torn end of the list.
 *
 * In memory there is an index of ids and places only; texts are read, and checked again, when
 * somebody asks for them.
 */
#include "base/buffer.h"
#include "base/uuid.h"
#include "domain/refusal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RECORD_HEADER_BYTES = 72 };

struct record {
    struct uuid log_id;
    struct refusal refusal; /* when decoded, its texts are in the bytes it was decoded from */
    int64_t refused_at_ms;
    uint32_t behind;
    bool removes; /* the position is listed no more */
};

/* Where a record stands, which is part of its CRC. */
struct record_place {
    uint64_t file;
    uint64_t at;
};

/* The length of a refusal's record; 0 when it does not fit the format. */
size_t record_length(const struct refusal *refusal);

/* Appends one of record_length bytes, not 0. */
void record_append(struct buffer *buffer, const struct record *record, struct record_place place);

/* Makes a record of `len` bytes, of which the header is there, one with zeros for texts. */
void record_blank(uint8_t *bytes, size_t len, struct record_place place);

/* The length that a header claims; 0: it is none. */
uint64_t record_claimed_length(const uint8_t header[RECORD_HEADER_BYTES]);

/* Whether the first 4 bytes begin a record of a later format. */
bool record_is_newer(const uint8_t *bytes);

/* Reads a record of exactly `len` bytes; false when it does not hold at this place. */
bool record_decode(const uint8_t *bytes, size_t len, struct record_place place,
                   struct record *out_record);
