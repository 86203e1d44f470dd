#pragma once
/*
 * HMAC-SHA-256 (RFC 2104) by OpenSSL with one key, arranged for many small inputs, and comparing
 * secrets in constant time. One thread at a time for a keyed hash; comparing from any thread.
 */
#include "base/macros.h"
#include "base/status.h"
#include "infrastructure/crypto/sha256.h"

struct evp_mac_ctx_st;

struct keyed_hash {
    struct evp_mac_ctx_st *context;
};

/* NO_MEMORY, and then there is nothing to free. */
MUST_USE enum status keyed_hash_init(struct keyed_hash *keyed, const void *key, size_t len);

/* Takes one that is all zero, too. */
void keyed_hash_deinit(struct keyed_hash *keyed);

/* NO_MEMORY. */
MUST_USE enum status keyed_hash_once(struct keyed_hash *keyed, const void *bytes, size_t len,
                                     uint8_t out_hash[SHA256_BYTES]);

/* Takes as long wherever they differ. */
bool secret_equal(const void *a, const void *b, size_t len);

/* Overwrites what nobody needs any more, which a compiler cannot leave out. */
void secret_forget(void *bytes, size_t len);
