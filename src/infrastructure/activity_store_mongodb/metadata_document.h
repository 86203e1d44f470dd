#pragma once
/*
 * Metadata, a JSON text, as a BSON document in which the server can search, and back to the byte.
 *
 * BSON keeps the order of keys and everything of a string but how it was escaped; of a number it
 * keeps the value only (metadata_number.h). So each token is looked at on its way in: when all are
 * written the way that metadata_document_write_json writes them, the document is exact and nothing
 * else needs to be stored. Otherwise the text is kept beside the document, which is then for
 * searching only: numbers are as near as BSON gets, and null where it has none.
 *
 * What a server may refuse, or search in another way than by its keys, gets no document: keys that
 * begin with `$`, hold a point or a NUL, or are empty, two equal keys in one object (told by 64-bit
 * hashes, so rarely two that are not), more than METADATA_DEPTH_MAX levels, and what is no JSON
 * without white space. One thread at a time.
 */
#include "base/buffer.h"

#include <stdbool.h>

/* The server takes 100 levels in all. */
enum { METADATA_DEPTH_MAX = 90 };

enum metadata_fit {
    METADATA_EXACT,       /* the document gives the text again */
    METADATA_APPROXIMATE, /* for searching; keep the text, too */
    METADATA_TEXT_ONLY    /* the document is empty; keep the text */
};

/* What writing needs besides; kept from one text to the next. */
struct metadata_scratch {
    struct buffer text;
    struct buffer hashes; /* of the keys of the objects around the place that is written */
};

void metadata_scratch_init(struct metadata_scratch *scratch);
void metadata_scratch_deinit(struct metadata_scratch *scratch);

/* Appends the document, which stands behind its key. What there was no memory for is
 * METADATA_TEXT_ONLY, or shows in `out_document`. */
enum metadata_fit metadata_document_append(struct metadata_scratch *scratch, struct str metadata,
                                           struct buffer *out_document);
