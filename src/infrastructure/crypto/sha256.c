#include "infrastructure/crypto/sha256.h"

#include <openssl/err.h>
#include <openssl/evp.h>

static enum status no_memory(void)
{
    ERR_clear_error();
    return STATUS_NO_MEMORY;
}

enum status sha256_init(struct sha256 *sha256)
{
    struct sha256 made = {.algorithm = EVP_MD_fetch(NULL, "SHA256", NULL),
                          .context = EVP_MD_CTX_new()};
    if (made.algorithm == NULL || made.context == NULL ||
        EVP_DigestInit_ex2(made.context, made.algorithm, NULL) != 1) {
        sha256_deinit(&made);
        return no_memory();
    }
    *sha256 = made;
    return STATUS_OK;
}

void sha256_deinit(struct sha256 *sha256)
{
    EVP_MD_CTX_free(sha256->context);
    EVP_MD_free(sha256->algorithm);
    *sha256 = (struct sha256){0};
}

/* Without naming the algorithm, which is the quick way to begin again. */
void sha256_begin(struct sha256 *sha256)
{
    sha256->failed = EVP_DigestInit_ex2(sha256->context, NULL, NULL) != 1;
}

void sha256_add(struct sha256 *sha256, const void *bytes, size_t len)
{
    sha256->failed = sha256->failed || EVP_DigestUpdate(sha256->context, bytes, len) != 1;
}

enum status sha256_end(struct sha256 *sha256, uint8_t out_hash[SHA256_BYTES])
{
    bool done = !sha256->failed && EVP_DigestFinal_ex(sha256->context, out_hash, NULL) == 1;
    return done ? STATUS_OK : no_memory();
}

enum status sha256_once(struct sha256 *sha256, const void *bytes, size_t len,
                        uint8_t out_hash[SHA256_BYTES])
{
    sha256_begin(sha256);
    sha256_add(sha256, bytes, len);
    return sha256_end(sha256, out_hash);
}

enum status sha256_of_parts(void *context, const struct str *parts, size_t count,
                            uint8_t out_hash[SHA256_BYTES])
{
    struct sha256 *sha256 = context;
    sha256_begin(sha256);
    for (size_t i = 0; i < count; i++) {
        sha256_add(sha256, parts[i].data, parts[i].len);
    }
    return sha256_end(sha256, out_hash);
}
