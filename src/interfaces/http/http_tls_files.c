/* The files of certificate and key. They are read here and not by OpenSSL, which would wait for
 * ever at a FIFO, ask for passphrases at the terminal, and not say which file is wrong. */
#include "base/buffer.h"
#include "base/passphrase.h"
#include "interfaces/http/http_tls_private.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sslerr.h>
#include <openssl/x509.h>
#include <openssl/x509err.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 1024 * 1024, PIECE_BYTES = 16 * 1024 };

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for a certificate");
}

/* Whatever keeps a file from being read, a setting names the wrong one. */
static enum status file_error(struct error *err, int cause, const char *path)
{
    char text[64];
    return error_set(err, STATUS_INVALID, cause, "%s cannot be read: %s", error_path(path),
                     strerror_r(cause, text, sizeof text));
}

static enum status read_all(int file, const char *path, struct buffer *out_bytes, struct error *err)
{
    ssize_t got = 1;
    while (got != 0) {
        if (buffer_reserve(out_bytes, PIECE_BYTES) != STATUS_OK) {
            return out_bytes->failed == STATUS_NO_MEMORY
                       ? no_memory(err)
                       : error_set(err, STATUS_INVALID, 0, "%s is too long for a file in PEM",
                                   error_path(path));
        }
        got = read(file, out_bytes->data + out_bytes->len, PIECE_BYTES);
        if (got < 0 && errno != EINTR) {
            return file_error(err, errno, path);
        }
        out_bytes->len += got > 0 ? (size_t)got : 0;
    }
    return STATUS_OK;
}

static enum status read_file(const char *path, struct buffer *out_bytes, struct error *err)
{
    struct stat about;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) {
        return file_error(err, errno, path);
    }
    enum status status = STATUS_OK;
    if (fstat(file, &about) != 0) {
        status = file_error(err, errno, path);
    } else if (!S_ISREG(about.st_mode)) {
        status = error_set(err, STATUS_INVALID, 0, "%s is no regular file", error_path(path));
    }
    status = status == STATUS_OK ? read_all(file, path, out_bytes, err) : status;
    close(file);
    return status;
}

/* --- what OpenSSL says --- */

/* Why, in OpenSSL's words, and no word stays for the next who asks. */
static const char *take_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return reason == NULL ? "OpenSSL does not say why" : reason;
}

/* The end of a file, which OpenSSL tells as an error, too. */
static bool ends_here(void)
{
    return ERR_GET_LIB(ERR_peek_last_error()) == ERR_LIB_PEM &&
           ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
}

/* --- certificates --- */

static enum status refuse_certificate(const char *path, struct error *err)
{
    return error_set(err, STATUS_INVALID, 0, "%s holds no certificates in PEM: %.60s",
                     error_path(path), take_reason());
}

static enum status take_chain(BIO *text, const char *path, SSL_CTX *context, struct error *err)
{
    X509 *certificate;
    while ((certificate = PEM_read_bio_X509(text, NULL, NULL, NULL)) != NULL) {
        if (SSL_CTX_add0_chain_cert(context, certificate) != 1) {
            X509_free(certificate);
            return error_set(err, STATUS_INVALID, 0, "%s is not taken: %.60s", error_path(path),
                             take_reason());
        }
    }
    if (!ends_here()) {
        return refuse_certificate(path, err);
    }
    ERR_clear_error();
    return STATUS_OK;
}

static enum status take_certificates(BIO *text, const char *path, SSL_CTX *context,
                                     struct error *err)
{
    X509 *own = PEM_read_bio_X509_AUX(text, NULL, NULL, NULL);
    if (own == NULL) {
        return refuse_certificate(path, err);
    }
    int taken = SSL_CTX_use_certificate(context, own);
    X509_free(own);
    if (taken != 1) {
        return error_set(err, STATUS_INVALID, 0, "the certificate %s is not taken: %.60s",
                         error_path(path), take_reason());
    }
    return take_chain(text, path, context, err);
}

/* --- the key --- */

static enum status refuse_key(const char *path, bool protected, struct error *err)
{
    const char *reason = take_reason();
    if (protected) {
        return error_set(err, STATUS_INVALID, 0, "the key %s " PASSPHRASE_REFUSED,
                         error_path(path));
    }
    return error_set(err, STATUS_INVALID, 0, "%s holds no private key in PEM: %.60s",
                     error_path(path), reason);
}

static enum status take_key(BIO *text, const struct http_tls_files *files, SSL_CTX *context,
                            struct error *err)
{
    bool protected = false;
    EVP_PKEY *key = PEM_read_bio_PrivateKey(text, NULL, passphrase_refuse, &protected);
    if (key == NULL) {
        return refuse_key(files->key, protected, err);
    }
    bool taken = SSL_CTX_use_PrivateKey(context, key) == 1 && SSL_CTX_check_private_key(context);
    EVP_PKEY_free(key);
    return taken ? STATUS_OK
                 : error_set(err, STATUS_INVALID, 0,
                             "the key %s does not belong to the certificate %s: %.40s",
                             error_path(files->key), error_path(files->certificate), take_reason());
}

/* --- both --- */

static enum status with_certificates(const struct http_tls_files *files, SSL_CTX *context,
                                     const struct buffer *bytes, struct error *err)
{
    BIO *text = BIO_new_mem_buf(bytes->data, (int)bytes->len);
    enum status status =
        text == NULL ? no_memory(err) : take_certificates(text, files->certificate, context, err);
    BIO_free(text);
    return status;
}

static enum status with_key(const struct http_tls_files *files, SSL_CTX *context,
                            const struct buffer *bytes, struct error *err)
{
    BIO *text = BIO_new_mem_buf(bytes->data, (int)bytes->len);
    enum status status = text == NULL ? no_memory(err) : take_key(text, files, context, err);
    BIO_free(text);
    return status;
}

enum status http_tls_files_read(const struct http_tls_files *files, SSL_CTX *context,
                                struct error *err)
{
    struct buffer bytes;
    buffer_init(&bytes, FILE_BYTES_MAX);
    enum status status = read_file(files->certificate, &bytes, err);
    status = status == STATUS_OK ? with_certificates(files, context, &bytes, err) : status;
    buffer_clear(&bytes);
    status = status == STATUS_OK ? read_file(files->key, &bytes, err) : status;
    status = status == STATUS_OK ? with_key(files, context, &bytes, err) : status;
    if (bytes.data != NULL) {
        OPENSSL_cleanse(bytes.data, bytes.capacity);
    }
    buffer_deinit(&bytes);
    return status;
}
