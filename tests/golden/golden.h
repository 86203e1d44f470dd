#pragma once
/*
 * What the golden files and those that make them share: their names, and how a row or a
 * record stands in the text beside its file. One thread at a time.
 */
#include "base/buffer.h"
#include "infrastructure/activity_store_local/manifest.h"
#include "infrastructure/activity_store_local/part.h"

#define GOLDEN_PART          "format1.part" /* without salts */
#define GOLDEN_PART_ROWS     "format1.part.ndjson"
#define GOLDEN_SALTED        "format1-salted.part"
#define GOLDEN_SALTED_ROWS   "format1-salted.part.ndjson"
#define GOLDEN_MANIFEST_1    "format1.manifest"
#define GOLDEN_MANIFEST_2    "format2.manifest"
#define GOLDEN_MANIFEST_3    "format3.manifest"
#define GOLDEN_CHAIN         "format1.chain"
#define GOLDEN_CHAIN_RECORDS "format1.chain.ndjson"
#define GOLDEN_SEGMENT       "format1.segment"
#define GOLDEN_SEGMENT_ROWS  "format1.segment.ndjson"
#define GOLDEN_TRACED        "format2.segment" /* every other row has a trace */
#define GOLDEN_TRACED_ROWS   "format2.segment.ndjson"

/* Of the log whose segment it is. */
extern const struct uuid golden_log_id;

/* Of the store whose chain it is. */
extern const struct uuid golden_store_id;

/* One line: source, offset, time of receipt, the salt and the trace if there is one, and the
 * activity. */
void golden_append_row(struct buffer *lines, const struct part_row *row);

/* One line: what the record says, and where the chain ends with it. */
void golden_append_record(struct buffer *lines, const struct chain_record *record,
                          const struct chain_end *end);

/* What the manifests of these formats say. The caller deinits them. */
void golden_manifest_1(struct manifest *out_manifest);
void golden_manifest_2(struct manifest *out_manifest);
void golden_manifest_3(struct manifest *out_manifest);

/* The whole file; freed by the caller. NULL, and a line on stderr, when it cannot be read. */
char *golden_read(const char *path, size_t *out_len);
