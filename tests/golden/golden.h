#pragma once
/*
 * What the golden files and those that make them share: their names, and how a row stands in the
 * text beside its file. One thread at a time.
 */
#include "base/buffer.h"
#include "infrastructure/activity_store_local/manifest.h"
#include "infrastructure/activity_store_local/part.h"

#define GOLDEN_PART         "format1.part"
#define GOLDEN_PART_ROWS    "format1.part.ndjson"
#define GOLDEN_MANIFEST     "format1.manifest"
#define GOLDEN_SEGMENT      "format1.segment"
#define GOLDEN_SEGMENT_ROWS "format1.segment.ndjson"

/* Of the log whose segment it is. */
extern const struct uuid golden_log_id;

/* One line: source, offset, time of receipt and the activity. */
void golden_append_row(struct buffer *lines, const struct activity *activity, int32_t source,
                       int64_t offset);

/* What the manifest says. The caller deinits it. */
void golden_manifest(struct manifest *out_manifest);

/* The whole file; freed by the caller. NULL, and a line on stderr, when it cannot be read. */
char *golden_read(const char *path, size_t *out_len);
