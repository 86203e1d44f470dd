#pragma once
/*
 * Walks the chain of a store from its beginning, changes nothing, and lets no record pass that is
 * not the one its predecessor is held by (chain_format.h). Reads in pieces, so a chain of any
 * length takes the same memory, less than half a megabyte. One thread at a time; somebody may
 * append meanwhile.
 */
#include "infrastructure/activity_store_local/chain_format.h"
#include "infrastructure/disk/disk.h"

struct chain_reader;

/* Whose chain, and where. */
struct chain_place {
    struct disk *disk;
    const char *directory;
    struct uuid store_id;
};

/* `until` is where the manifest says that the chain ends, and reading ends there; one without
 * records needs no file. NULL: at the end of the file. NOT_FOUND: there is no file, and none is
 * asked for. CORRUPT: it is missing, too short, damaged or another store's. INVALID: a newer
 * format. NO_MEMORY, what the disk says. */
MUST_USE enum status chain_reader_open(const struct chain_place *place,
                                       const struct chain_end *until,
                                       struct chain_reader **out_reader, struct error *err);

/* Takes NULL. */
void chain_reader_free(struct chain_reader *reader);
CLEANUP_FUNCTION(struct chain_reader *, chain_reader_free)

/* The next record, until the next call; NULL at the end. CORRUPT names the record and its place:
 * nothing from there on can be relied on. NO_MEMORY, what the disk says. */
MUST_USE enum status chain_reader_next(struct chain_reader *reader,
                                       const struct chain_record **out_record, struct error *err);

/* The end of what was read: behind the record of the last next. Until the next call. */
const struct chain_end *chain_reader_end(const struct chain_reader *reader);
