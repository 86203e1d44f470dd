#pragma once
/*
 * The key ring (application/key_ring.h) out of a file of keys. Keys are found by their ids and held
 * against the hash of all of what was shown, so that how long an answer takes says nothing about
 * keys. Made, loaded again and freed by one thread; readers see the old keys or the new ones.
 */
#include "application/key_ring.h"
#include "base/error.h"

#include <stddef.h>

/* For so many readers. INVALID, NOT_FOUND, UNAVAILABLE as key_file_load; NO_MEMORY. */
MUST_USE enum status key_ring_file_new(const char *path, unsigned readers,
                                       struct key_ring **out_ring, struct error *err);

/* Reads the file again. On failure, as above, the keys stay as they were. */
MUST_USE enum status key_ring_file_reload(struct key_ring *ring, struct error *err);

/* How many keys there are. The thread that loads. */
size_t key_ring_file_count(const struct key_ring *ring);

/* Takes NULL. Nobody reads any more. */
void key_ring_file_free(struct key_ring *ring);
CLEANUP_FUNCTION(struct key_ring *, key_ring_file_free)
