#pragma once
/*
 * Makes a backup of a data folder while a server works in it, and takes no lock: everything that
 * was acknowledged before it began is in it, each activity once.
 *
 * All files are opened first, so that what the server removes meanwhile stays readable, and in an
 * order in which nothing can slip through:
 *
 *   1. the log's segments, so that those that are dropped from now on are here;
 *   2. the store's manifest, the parts that it names and what it says counts of the chain. What the
 *      log dropped before 1 was in a manifest by then, and a later one covers no less;
 *   3. the refused list is copied: what the manifest counts as refused was listed before it was
 *      saved;
 *   4. the log's segments again, up to its end: what is sent again is in the log before it leaves
 *      the refused list, and the store covers nothing beyond the log's end. Where a gap to 1 shows,
 *      from 2 on again;
 *   5. the spill: how far it was moved, its segments, what was set aside, in this order.
 *
 * Files that nobody writes again, parts and segments behind which there is another commit, become
 * files of the backup by a second name where the file system lets them; all others are copied. The
 * backup is made under another name, "TO.partial", with a marker that says that it is unfinished
 * (backup_marker.h), and renamed when all of it is durable. One thread.
 */
#include "application/folder_copy.h"
#include "infrastructure/disk/disk.h"

/* NOT_FOUND: there is nothing to make a backup of. DUPLICATE: there is something at the target
 * already, or an unfinished one beside it. UNAVAILABLE: the folder changed again and again, or the
 * disk failed. What opening log and store says of damaged ones. On failure what was made is removed
 * as far as the disk lets it. */
MUST_USE enum status folder_backup_make(struct disk *disk,
                                        const struct folder_copy_request *request,
                                        struct folder_copy_listener *listener,
                                        struct folder_copy_sums *out_sums, struct error *err);
