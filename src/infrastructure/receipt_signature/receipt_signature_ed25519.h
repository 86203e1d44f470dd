#pragma once
/*
 * Signs the texts of erasures (application/receipt_signer.h) with the key that signs checkpoints,
 * and verifies receipts that were signed so. The key's name and its id are those that it has in
 * checkpoints (infrastructure/crypto/note_key.h). Any thread.
 */
#include "application/receipt_signer.h"
#include "application/signed_receipt.h"
#include "infrastructure/crypto/note_key.h"
#include "infrastructure/disk/disk.h"

/* The name, "+", the id of the key in hex, and the NUL. */
enum { RECEIPT_SIGNED_BY_BYTES = NOTE_KEY_NAME_BYTES_MAX + 1 + 2 * NOTE_KEY_ID_BYTES + 1 };

struct receipt_signature_ed25519 {
    struct receipt_signer signer;
    const struct ed25519_key *key; /* borrowed */
    char signed_by[RECEIPT_SIGNED_BY_BYTES];
};

/* Must not move afterwards. The name is one of checkpoints: visible ASCII without "+". NO_MEMORY.
 */
MUST_USE enum status receipt_signature_init(struct receipt_signature_ed25519 *signature,
                                            const struct ed25519_key *key, struct str name,
                                            struct error *err);

/* That the key signed all that the receipt says. INVALID: it did not, or this is no receipt; `err`
 * says which member is wrong. NO_MEMORY. */
MUST_USE enum status receipt_signature_check(struct str receipt,
                                             const struct ed25519_public_key *key,
                                             struct verified_signature *out_verified,
                                             struct error *err);

/* The same of files: an answer as it came, and a public key in PEM. INVALID, too, when one of them
 * is not there. UNAVAILABLE. */
MUST_USE enum status receipt_signature_check_files(struct disk *disk, const char *receipt_file,
                                                   const char *public_key_file,
                                                   struct verified_signature *out_verified,
                                                   struct error *err);
