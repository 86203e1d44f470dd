#include "infrastructure/crypto/note_key.h"

#include "infrastructure/crypto/sha256.h"

#include <string.h>

enum { SIGNATURE_TYPE_ED25519 = 0x01 };

enum status note_key_id(struct str name, const struct ed25519_public_key *key,
                        uint8_t out_id[NOTE_KEY_ID_BYTES])
{
    static const uint8_t between[] = {'\n', SIGNATURE_TYPE_ED25519};
    struct sha256 sha256;
    uint8_t hash[SHA256_BYTES];
    if (sha256_init(&sha256) != STATUS_OK) {
        return STATUS_NO_MEMORY;
    }
    sha256_begin(&sha256);
    sha256_add(&sha256, name.data, name.len);
    sha256_add(&sha256, between, sizeof between);
    sha256_add(&sha256, key->bytes, sizeof key->bytes);
    enum status status = sha256_end(&sha256, hash);
    sha256_deinit(&sha256);
    if (status == STATUS_OK) {
        memcpy(out_id, hash, NOTE_KEY_ID_BYTES);
    }
    return status;
}
