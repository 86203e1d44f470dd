#pragma once
/*
 * Appends to the chain of a store, which chain_format.h draws; chain_reader.h reads it.
 *
 * A record counts from the moment a saved manifest names its end. So whoever appends saves the end
 * in the manifest next, and appends behind the end of the manifest that counts: if it could not be
 * saved, the next record takes the place of this one. A new store saves a manifest, which holds its
 * id, before anything is appended. One thread at a time.
 */
#include "infrastructure/activity_store_local/chain_reader.h"
#include "infrastructure/activity_store_local/leaf_list.h"

struct chain;

/* `expected` is the end that the manifest names. What is behind it is cut off; all before it is
 * read and checked. Without records the file is made anew; but not over the records of another
 * store. CORRUPT: it is not what the manifest speaks of. INVALID: a newer format. NO_MEMORY, what
 * the disk says. */
MUST_USE enum status chain_open(const struct chain_place *place, const struct chain_end *expected,
                                struct chain **out_chain, struct error *err);

/* Takes NULL. */
void chain_free(struct chain *chain);
CLEANUP_FUNCTION(struct chain *, chain_free)

/* Each appends a record behind `behind`, which is the end that the manifest names, and has it on
 * the disk when it returns OK. A seal has the number behind->seals + 1.
 *
 * An expiry may have more than CHAIN_RANGES_MAX ranges, and more than CHAIN_LEAVES_MAX leaves may
 * be left out, but at least one of either; several records then follow one another, of which the
 * last is synced and with it all before. Of an expiry the first one says the rows, the others none.
 *
 * After a failure none of them counts, whatever of it the file holds. NO_SPACE, NO_MEMORY, what the
 * disk says: the same may be appended again. But when a sync failed nobody knows
 * what the disk has, and asking again would only ask the system's memory: from then on everything
 * is UNAVAILABLE until the chain is opened anew. */
MUST_USE enum status chain_append_seal(struct chain *chain, const struct chain_end *behind,
                                       const struct chain_seal *seal, struct chain_end *out_end,
                                       struct error *err);
MUST_USE enum status chain_append_erasure(struct chain *chain, const struct chain_end *behind,
                                          const struct chain_erasure *erasure,
                                          struct chain_end *out_end, struct error *err);
MUST_USE enum status chain_append_expiry(struct chain *chain, const struct chain_end *behind,
                                         const struct chain_expiry *expiry,
                                         struct chain_end *out_end, struct error *err);
MUST_USE enum status chain_append_left_out(struct chain *chain, const struct chain_end *behind,
                                           const struct leaf_list *left_out,
                                           struct chain_end *out_end, struct error *err);
