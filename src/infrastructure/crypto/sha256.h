#pragma once
/*
 * SHA-256 (FIPS 180-4) by OpenSSL, arranged for many small inputs: the algorithm is looked up once.
 * Some versions of OpenSSL take memory for each hash, so that one can fail; the end says so. One
 * thread at a time.
 */
#include "base/macros.h"
#include "base/status.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SHA256_BYTES = 32 };

struct evp_md_st;
struct evp_md_ctx_st;

struct sha256 {
    struct evp_md_st *algorithm;
    struct evp_md_ctx_st *context;
    bool failed; /* since the last begin */
};

/* NO_MEMORY, and then there is nothing to free. */
MUST_USE enum status sha256_init(struct sha256 *sha256);

/* Takes one that is all zero, too. */
void sha256_deinit(struct sha256 *sha256);

/* Forgets what was added before. */
void sha256_begin(struct sha256 *sha256);
void sha256_add(struct sha256 *sha256, const void *bytes, size_t len);

/* The hash of all that was added; NO_MEMORY. */
MUST_USE enum status sha256_end(struct sha256 *sha256, uint8_t out_hash[SHA256_BYTES]);

/* Begin, add and end. */
MUST_USE enum status sha256_once(struct sha256 *sha256, const void *bytes, size_t len,
                                 uint8_t out_hash[SHA256_BYTES]);

/* Begin, add of each part and end, as `hash` of struct content_hash; the context is a struct
 * sha256. */
MUST_USE enum status sha256_of_parts(void *context, const struct str *parts, size_t count,
                                     uint8_t out_hash[SHA256_BYTES]);
