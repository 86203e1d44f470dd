#include "infrastructure/crypto/keyed_hash.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

static enum status no_memory(void)
{
    ERR_clear_error();
    return STATUS_NO_MEMORY;
}

enum status keyed_hash_init(struct keyed_hash *keyed, const void *key, size_t len)
{
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
    struct keyed_hash made = {algorithm == NULL ? NULL : EVP_MAC_CTX_new(algorithm)};
    EVP_MAC_free(algorithm); /* the context has its own hold on it */
    if (made.context == NULL || EVP_MAC_init(made.context, key, len, parameters) != 1) {
        keyed_hash_deinit(&made);
        return no_memory();
    }
    *keyed = made;
    return STATUS_OK;
}

void keyed_hash_deinit(struct keyed_hash *keyed)
{
    EVP_MAC_CTX_free(keyed->context);
    *keyed = (struct keyed_hash){0};
}

/* Without naming the key, which is the quick way to begin again. */
enum status keyed_hash_once(struct keyed_hash *keyed, const void *bytes, size_t len,
                            uint8_t out_hash[SHA256_BYTES])
{
    size_t written = 0;
    bool done = EVP_MAC_init(keyed->context, NULL, 0, NULL) == 1 &&
                EVP_MAC_update(keyed->context, bytes, len) == 1 &&
                EVP_MAC_final(keyed->context, out_hash, &written, SHA256_BYTES) == 1;
    return done && written == SHA256_BYTES ? STATUS_OK : no_memory();
}

bool secret_equal(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}

void secret_forget(void *bytes, size_t len)
{
    OPENSSL_cleanse(bytes, len);
}
