#pragma once
/*
 * Erasing a user while others put: why nothing of the user comes back.
 *
 * Documents of the collection `erasures`:
 *
 *     {_id: "<userId>", erasedAt: Date}     the tombstone: what was received before is dropped
 *     {_id: 0, erasedUntil: Date}           the latest time of all tombstones
 *
 * and of `progress` (store_progress.h), for each log: {_id: "<log>", erasures: n, partitions: {…}}.
 *
 * An eraser does, each step confirmed by the majority before the next one begins:
 *
 *     E1  raises tombstone and erasedUntil
 *     E2  adds 1 to `erasures` of every log
 *     E3  removes all documents of the user
 *
 * A writer knows for its log the number of erasures n, and an erasedUntil that it read after n. For
 * a batch it does:
 *
 *     W1  rows received before erasedUntil: looks their users' tombstones up, and drops what they
 *         cover
 *     W2  inserts the others
 *     W3  raises the positions of its log if `erasures` is still n, in one update of one document
 *     W4  if it is not: asks for n and erasedUntil again, looks up as in W1, removes what it
 * inserted and should not have, and raises the positions
 *
 * Both E2 and W3 change the same document of the log, so one comes first. If W3 does, W2 was before
 * E3, which removes what W2 inserted. If E2 does, W3 sees another number than n, unless the writer
 * had read n after E2; then E1 was before it read erasedUntil, and W1 looked up. W4 asks after W2,
 * so an erasure that is not in the n of W4 has its E3 after W2 as well: one look is enough, however
 * many erasures follow each other, as long as nothing is inserted after it. A log that has no
 * document yet gets one before its first batch, and erasedUntil is read after that. So a batch
 * whose positions are covered holds nothing that was erased, whoever crashes where: a writer that
 * dies between W2 and the raising has covered nothing, its batch is put again, and W1 then removes
 * what an earlier attempt left (the same statement, once more). Until then, which takes as long as
 * the writer's next step, such a row can be seen; nothing else of an erased user can.
 *
 * An update is a better look than a read: a primary that was deposed and does not know it yet would
 * answer a read with what is no longer so, but cannot get an update confirmed by the majority. So
 * W4 asks by one, too, which counts the looks. W3 has to be done for each batch anyway, so all this
 * costs a batch without erasures nothing.
 *
 * Any thread.
 */
#include "infrastructure/activity_store_mongodb/mongodb_store.h"

/* Reads the latest time of all tombstones; 0: there is none. */
MUST_USE enum status erasures_read_until(struct mongodb_store *store, mongoc_client_t *connection,
                                         int64_t *out_until_ms, struct error *err);

/* The number of documents that a confirmed delete command removed; its `deletes` are in `command`
 * as the caller wrote them. */
MUST_USE enum status erasures_delete(struct mongodb_store *store, mongoc_client_t *connection,
                                     const struct buffer *command, uint64_t *out_deleted,
                                     struct error *err);
