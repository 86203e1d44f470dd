#include "infrastructure/key_file/key_ring_file.h"

#include "base/assert.h"
#include "base/shared_snapshot.h"
#include "infrastructure/crypto/keyed_hash.h"
#include "infrastructure/key_file/key_file.h"

#include <stdlib.h>

enum { KEY_BYTES_HASHED_MAX = 256 }; /* what is longer is no key, however it goes on */

/* Never changes once it is made. */
struct loaded {
    struct key_list list;
    uint32_t
        *places; /* by the hash of the id: an entry's number + 1, 0 for none; open addressing */
    size_t place_mask;
};

struct file_ring {
    struct key_ring ring;
    char *path;
    struct shared_snapshot shared; /* struct loaded */
    size_t count;
    struct sha256 *hashers; /* one for each reader */
    unsigned readers;
};

static struct file_ring *ring_of(struct key_ring *ring)
{
    return CONTAINER_OF(ring, struct file_ring, ring);
}

/* --- a snapshot --- */

static void loaded_free(struct loaded *loaded)
{
    if (loaded != NULL) {
        key_list_deinit(&loaded->list);
        free(loaded->places);
        free(loaded);
    }
}
CLEANUP_FUNCTION(struct loaded *, loaded_free)

/* Ids are random but for those that somebody wrote by hand. */
static size_t place_of(const struct loaded *loaded, uint64_t id)
{
    return (size_t)(id * UINT64_C(0x9e3779b97f4a7c15) >> 32) & loaded->place_mask;
}

/* At most half full. */
static bool index_keys(struct loaded *loaded)
{
    size_t size = 4;
    while (size < 2 * loaded->list.count) {
        size *= 2;
    }
    loaded->places = calloc(size, sizeof *loaded->places);
    loaded->place_mask = size - 1;
    for (size_t i = 0; loaded->places != NULL && i < loaded->list.count; i++) {
        size_t place = place_of(loaded, loaded->list.entries[i].id);
        while (loaded->places[place] != 0) {
            place = (place + 1) & loaded->place_mask;
        }
        loaded->places[place] = (uint32_t)(i + 1);
    }
    return loaded->places != NULL;
}

static const struct key_entry *find_id(const struct loaded *loaded, uint64_t id)
{
    size_t place = place_of(loaded, id);
    while (loaded->places[place] != 0) {
        const struct key_entry *entry = &loaded->list.entries[loaded->places[place] - 1];
        if (entry->id == id) {
            return entry;
        }
        place = (place + 1) & loaded->place_mask;
    }
    return NULL;
}

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for the keys");
}

static enum status load(const char *path, struct loaded **out_loaded, struct error *err)
{
    CLEANUP(loaded_free) struct loaded *loaded = calloc(1, sizeof *loaded);
    if (loaded == NULL) {
        return no_memory(err);
    }
    enum status status = key_file_load(path, &loaded->list, err);
    if (status != STATUS_OK) {
        return status;
    }
    if (!index_keys(loaded)) {
        return no_memory(err);
    }
    *out_loaded = TAKE(loaded);
    return STATUS_OK;
}

/* --- the port --- */

/* A key that nobody has is hashed and compared all the same. */
static const struct key_entry *check(const struct loaded *loaded, struct str key,
                                     const uint8_t hash[SHA256_BYTES])
{
    static const struct key_entry nobody = {0};
    uint64_t id;
    bool can_be = key_parse_id(key, &id);
    const struct key_entry *entry = find_id(loaded, id);
    const struct key_entry *compared = entry == NULL ? &nobody : entry;
    bool equal = secret_equal(compared->hash, hash, SHA256_BYTES);
    return can_be && equal ? entry : NULL;
}

static enum status find(struct key_ring *base, unsigned reader, struct str key, struct arena *arena,
                        struct access_grant *out_grant)
{
    struct file_ring *ring = ring_of(base);
    uint8_t hash[SHA256_BYTES];
    size_t len = key.len < KEY_BYTES_HASHED_MAX ? key.len : KEY_BYTES_HASHED_MAX;
    enum status status = sha256_once(&ring->hashers[reader], key.data, len, hash);
    if (status != STATUS_OK) {
        return status;
    }
    const struct loaded *loaded = shared_snapshot_hold(&ring->shared, reader);
    const struct key_entry *entry = check(loaded, key, hash);
    status = entry == NULL                                        ? STATUS_NOT_FOUND
             : access_grant_copy(arena, &entry->grant, out_grant) ? STATUS_OK
                                                                  : STATUS_NO_MEMORY;
    shared_snapshot_release(&ring->shared, reader);
    return status;
}

static const struct key_ring_operations operations = {.find = find};

/* --- life --- */

enum status key_ring_file_reload(struct key_ring *base, struct error *err)
{
    struct file_ring *ring = ring_of(base);
    struct loaded *loaded = NULL;
    enum status status = load(ring->path, &loaded, err);
    if (status != STATUS_OK) {
        return status;
    }
    ASSERT(loaded != NULL);
    ring->count = loaded->list.count;
    loaded_free(shared_snapshot_replace(&ring->shared, loaded));
    return STATUS_OK;
}

size_t key_ring_file_count(const struct key_ring *ring)
{
    return ring_of((struct key_ring *)(uintptr_t)ring)->count;
}

static bool make_readers(struct file_ring *ring, unsigned readers)
{
    ring->hashers = calloc(readers, sizeof *ring->hashers);
    if (ring->hashers == NULL || shared_snapshot_init(&ring->shared, readers) != STATUS_OK) {
        return false;
    }
    while (ring->readers < readers) {
        if (sha256_init(&ring->hashers[ring->readers]) != STATUS_OK) {
            return false;
        }
        ring->readers++;
    }
    return true;
}

enum status key_ring_file_new(const char *path, unsigned readers, struct key_ring **out_ring,
                              struct error *err)
{
    struct file_ring *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return no_memory(err);
    }
    made->ring.operations = &operations;
    made->path = strdup(path);
    bool ready = made->path != NULL && make_readers(made, readers);
    enum status status = ready ? key_ring_file_reload(&made->ring, err) : no_memory(err);
    if (status != STATUS_OK) {
        key_ring_file_free(&made->ring);
        return status;
    }
    *out_ring = &made->ring;
    return STATUS_OK;
}

void key_ring_file_free(struct key_ring *base)
{
    if (base == NULL) {
        return;
    }
    struct file_ring *ring = ring_of(base);
    if (ring->shared.slots != NULL) {
        loaded_free(shared_snapshot_replace(&ring->shared, NULL));
    }
    shared_snapshot_deinit(&ring->shared);
    for (unsigned i = 0; i < ring->readers; i++) {
        sha256_deinit(&ring->hashers[i]);
    }
    free(ring->hashers);
    free(ring->path);
    free(ring);
}
