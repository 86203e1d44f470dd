#pragma once
/*
 * Restores a backup into a folder that a server can be started on. Files are copied, never linked:
 * the server will write to some of them, and a backup must stay what it is. Until the last step the
 * folder has the marker of an unfinished one (backup_marker.h), so that no server takes it for
 * whole, whatever ends the restoring. One thread.
 */
#include "application/folder_copy.h"
#include "infrastructure/disk/disk.h"

/* Whether every file of the backup is there, as long as its list says. INVALID: it is no backup, or
 * an unfinished one. CORRUPT: files are missing, or the list is damaged. */
MUST_USE enum status folder_backup_check(struct disk *disk, const char *directory,
                                         struct error *err);

/* Copies all of it. DUPLICATE: there is something in the target already. What the check says. On
 * failure the target stays as it is, unfinished. */
MUST_USE enum status folder_restore_copy(struct disk *disk,
                                         const struct folder_copy_request *request,
                                         struct folder_copy_listener *listener,
                                         struct folder_copy_sums *out_sums, struct error *err);

/* The last step: from now on a server may have it. */
MUST_USE enum status folder_restore_finish(struct disk *disk, const char *directory,
                                           struct error *err);

/* Before a folder is written to by anything else: INVALID when it is a backup, or an unfinished
 * one. */
MUST_USE enum status folder_backup_refuse(struct disk *disk, const char *directory,
                                          struct error *err);
