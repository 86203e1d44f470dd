#pragma once
/*
 * A part in use: shared by the snapshots that name it, with views for the readers, which are kept
 * for the next one. When the last reference goes the file is closed, and removed if the part was
 * dropped. Counted references; any thread.
 */
#include "infrastructure/activity_store_local/part.h"

#include <stdbool.h>

struct stored_part;

/* Opens the part's file in the folder. As part_open. */
MUST_USE enum status stored_part_open(struct disk *disk, const char *directory,
                                      const struct part_name *name, struct stored_part **out_part,
                                      struct error *err);

/* "directory/0000000000000042.part". INVALID when it is too long. */
MUST_USE enum status stored_part_path(const char *directory, uint64_t number,
                                      char out_path[DISK_PATH_BYTES_MAX], struct error *err);

/* The number in the name of a part's file, or 0 when it is no such name. */
uint64_t stored_part_number_of(const char *name);

struct stored_part *stored_part_ref(struct stored_part *part);
void stored_part_unref(struct stored_part *part); /* takes NULL */
CLEANUP_FUNCTION(struct stored_part *, stored_part_unref)

/* The manifest names it no more: its file goes with the last reference. */
void stored_part_drop(struct stored_part *part);

struct part *stored_part_reader(const struct stored_part *part);
uint64_t stored_part_number(const struct stored_part *part);
uint64_t stored_part_bytes(const struct stored_part *part);

/* A view for one reader, who gives it back while holding a reference. NO_MEMORY. */
MUST_USE enum status stored_part_take_view(struct stored_part *part, struct part_view **out_view,
                                           struct error *err);
void stored_part_give_view(struct stored_part *part, struct part_view *view); /* takes NULL */
