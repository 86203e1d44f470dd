#pragma once
/*
 * The id by which a C2SP signed note (https://c2sp.org/signed-note) names an Ed25519 key: the
 * beginning of SHA-256(name, 0x0A, 0x01, public key). Whoever holds the key and the name can tell
 * a signature by another key from one that is false. Any thread.
 */
#include "base/str.h"
#include "infrastructure/crypto/ed25519.h"

enum {
    NOTE_KEY_ID_BYTES = 4,
    NOTE_KEY_NAME_BYTES_MAX = 128 /* of the names by which usertrail signs */
};

/* NO_MEMORY. */
MUST_USE enum status note_key_id(struct str name, const struct ed25519_public_key *key,
                                 uint8_t out_id[NOTE_KEY_ID_BYTES]);
