#include "infrastructure/crypto/ed25519.h"

#include "base/assert.h"
#include "base/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Ten times what a key takes, so that no other file is read into memory. */
enum { FILE_BYTES_MAX = 16 * 1024, OTHERS_MAY = 077 };

struct ed25519_key {
    EVP_PKEY *key;
    struct ed25519_public_key public_key;
};

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for a key");
}

/* Takes all that OpenSSL has to say; what failed first may stand below what failed for it. */
static bool lacks_memory(void)
{
    bool lacks = false;
    for (unsigned long code; (code = ERR_get_error()) != 0;) {
        lacks = lacks || ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE;
    }
    return lacks;
}

/* Files ------------------------------------------------------------------------------------- */

static enum status file_error(struct error *err, int cause, const char *path)
{
    enum status status = error_set_system(err, cause, "the key file %s", error_path(path));
    if (cause == ENOENT) {
        status = STATUS_NOT_FOUND;
    }
    if (err != NULL) {
        err->status = status;
    }
    return status;
}

/* A folder passes, since reading it says in the system's words what it is. */
static enum status check_file(int file, const char *path, bool secret, struct error *err)
{
    struct stat about;
    if (fstat(file, &about) != 0) {
        return file_error(err, errno, path);
    }
    if (!S_ISREG(about.st_mode) && !S_ISDIR(about.st_mode)) {
        return error_set(err, STATUS_INVALID, 0, "the key file %s is no regular file",
                         error_path(path));
    }
    if (secret && (about.st_mode & OTHERS_MAY) != 0) {
        return error_set(err, STATUS_INVALID, 0,
                         "the key file %s is open to others (mode %04o); take that away: chmod 600",
                         error_path(path), (unsigned)about.st_mode & 07777u);
    }
    return STATUS_OK;
}

static enum status read_file(int file, const char *path, uint8_t bytes[FILE_BYTES_MAX],
                             size_t *out_len, struct error *err)
{
    size_t len = 0;
    while (len < FILE_BYTES_MAX) {
        ssize_t got = read(file, bytes + len, FILE_BYTES_MAX - len);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return file_error(err, errno, path);
        }
        if (got == 0) {
            *out_len = len;
            return STATUS_OK;
        }
        len += (size_t)got;
    }
    return error_set(err, STATUS_INVALID, 0, "the key file %s is too long for a key in PEM",
                     error_path(path));
}

/* Without waiting for a writer, should the path be that of a pipe. */
static enum status open_and_read(const char *path, bool secret, uint8_t bytes[FILE_BYTES_MAX],
                                 size_t *out_len, struct error *err)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) {
        return file_error(err, errno, path);
    }
    enum status status = check_file(file, path, secret, err);
    if (status == STATUS_OK) {
        status = read_file(file, path, bytes, out_len, err);
    }
    close(file);
    return status;
}

/* Keys -------------------------------------------------------------------------------------- */

static enum status explain_unreadable(const char *path, bool secret, bool protected,
                                      struct error *err)
{
    if (lacks_memory()) {
        return no_memory(err);
    }
    if (protected) {
        return error_set(err, STATUS_INVALID, 0, "the key file %s " PASSPHRASE_REFUSED,
                         error_path(path));
    }
    return error_set(err, STATUS_INVALID, 0, "the key file %s holds no %s key in PEM",
                     error_path(path), secret ? "private" : "public");
}

static enum status decode(const char *path, bool secret, BIO *pem, EVP_PKEY **out_key,
                          struct error *err)
{
    bool protected = false;
    EVP_PKEY *key = secret ? PEM_read_bio_PrivateKey(pem, NULL, passphrase_refuse, &protected)
                           : PEM_read_bio_PUBKEY(pem, NULL, passphrase_refuse, &protected);
    if (key == NULL) {
        return explain_unreadable(path, secret, protected, err);
    }
    if (EVP_PKEY_is_a(key, "ED25519") != 1) {
        EVP_PKEY_free(key);
        return error_set(err, STATUS_INVALID, 0, "the key file %s holds a key that is not Ed25519",
                         error_path(path));
    }
    *out_key = key;
    return STATUS_OK;
}

static enum status load(const char *path, bool secret, EVP_PKEY **out_key, struct error *err)
{
    uint8_t bytes[FILE_BYTES_MAX];
    size_t len = 0;
    enum status status = open_and_read(path, secret, bytes, &len, err);
    if (status == STATUS_OK) {
        BIO *pem = BIO_new_mem_buf(bytes, (int)len);
        status = pem == NULL ? no_memory(err) : decode(path, secret, pem, out_key, err);
        BIO_free(pem);
        ERR_clear_error();
    }
    OPENSSL_cleanse(bytes, sizeof bytes);
    return status;
}

static bool public_bytes(const EVP_PKEY *key, struct ed25519_public_key *out_key)
{
    size_t len = sizeof out_key->bytes;
    bool done = EVP_PKEY_get_raw_public_key(key, out_key->bytes, &len) == 1;
    ERR_clear_error();
    return done && len == sizeof out_key->bytes;
}

enum status ed25519_key_load(const char *path, struct ed25519_key **out_key, struct error *err)
{
    struct ed25519_key *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return no_memory(err);
    }
    enum status status = load(path, true, &made->key, err);
    if (status == STATUS_OK && !public_bytes(made->key, &made->public_key)) {
        status = no_memory(err);
    }
    if (status != STATUS_OK) {
        ed25519_key_free(made);
        return status;
    }
    *out_key = made;
    return STATUS_OK;
}

void ed25519_key_free(struct ed25519_key *key)
{
    if (key != NULL) {
        EVP_PKEY_free(key->key);
        free(key);
    }
}

const struct ed25519_public_key *ed25519_key_public(const struct ed25519_key *key)
{
    return &key->public_key;
}

enum status ed25519_public_key_load(const char *path, struct ed25519_public_key *out_key,
                                    struct error *err)
{
    EVP_PKEY *key = NULL;
    struct ed25519_public_key made;
    enum status status = load(path, false, &key, err);
    if (status == STATUS_OK && !public_bytes(key, &made)) {
        status = no_memory(err);
    }
    EVP_PKEY_free(key);
    if (status == STATUS_NOT_FOUND) {
        status = STATUS_INVALID;
        if (err != NULL) {
            err->status = status;
        }
    }
    if (status == STATUS_OK) {
        *out_key = made;
    }
    return status;
}

/* Signatures -------------------------------------------------------------------------------- */

enum status ed25519_sign(const struct ed25519_key *key, const void *message, size_t len,
                         uint8_t out_signature[ED25519_SIGNATURE_BYTES])
{
    uint8_t signature[ED25519_SIGNATURE_BYTES];
    size_t signature_len = sizeof signature;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done =
        context != NULL && EVP_DigestSignInit(context, NULL, NULL, NULL, key->key) == 1 &&
        EVP_DigestSign(context, signature, &signature_len, (const uint8_t *)message, len) == 1;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    if (!done) {
        return STATUS_NO_MEMORY;
    }
    ASSERT(signature_len == sizeof signature);
    memcpy(out_signature, signature, sizeof signature);
    return STATUS_OK;
}

enum status ed25519_verify(const struct ed25519_public_key *key, const void *message, size_t len,
                           const uint8_t signature[ED25519_SIGNATURE_BYTES])
{
    enum status status = STATUS_NO_MEMORY;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY *public_key =
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->bytes, sizeof key->bytes);
    if (context != NULL && public_key != NULL &&
        EVP_DigestVerifyInit(context, NULL, NULL, NULL, public_key) == 1) {
        int verified = EVP_DigestVerify(context, signature, ED25519_SIGNATURE_BYTES,
                                        (const uint8_t *)message, len);
        status = verified == 1 ? STATUS_OK : STATUS_INVALID;
    }
    EVP_PKEY_free(public_key);
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return status;
}
