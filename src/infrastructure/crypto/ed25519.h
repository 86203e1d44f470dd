#pragma once
/*
 * Signatures with Ed25519 (RFC 8032) by OpenSSL, and its keys as the openssl command writes them:
 *
 *     openssl genpkey -algorithm ed25519 -out key.pem && chmod 600 key.pem
 *     openssl pkey -in key.pem -pubout -out public.pem
 *
 * Any thread.
 */
#include "base/error.h"
#include "base/macros.h"

#include <stddef.h>
#include <stdint.h>

enum { ED25519_PUBLIC_KEY_BYTES = 32, ED25519_SIGNATURE_BYTES = 64 };

struct ed25519_key; /* one that can sign */

struct ed25519_public_key {
    uint8_t bytes[ED25519_PUBLIC_KEY_BYTES]; /* as RFC 8032 encodes it */
};

/* NOT_FOUND: there is no such file. INVALID: it is no regular file, others may read it, it is no
 * private key in PEM, it is protected by a passphrase, or it is of another algorithm. NO_MEMORY,
 * UNAVAILABLE. */
MUST_USE enum status ed25519_key_load(const char *path, struct ed25519_key **out_key,
                                      struct error *err);

/* Takes NULL. */
void ed25519_key_free(struct ed25519_key *key);
CLEANUP_FUNCTION(struct ed25519_key *, ed25519_key_free)

const struct ed25519_public_key *ed25519_key_public(const struct ed25519_key *key);

/* NO_MEMORY. */
MUST_USE enum status ed25519_sign(const struct ed25519_key *key, const void *message, size_t len,
                                  uint8_t out_signature[ED25519_SIGNATURE_BYTES]);

/* As ed25519_key_load, but anybody may read the file, and INVALID, too, when there is none: whoever
 * checks signatures in a store would take NOT_FOUND for one of the store. */
MUST_USE enum status ed25519_public_key_load(const char *path, struct ed25519_public_key *out_key,
                                             struct error *err);

/* INVALID: this key has not signed this message so. NO_MEMORY; but where OpenSSL runs out of memory
 * inside of its own verification it does not tell, and that is INVALID, too. */
MUST_USE enum status ed25519_verify(const struct ed25519_public_key *key, const void *message,
                                    size_t len, const uint8_t signature[ED25519_SIGNATURE_BYTES]);
