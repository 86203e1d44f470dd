#include "interfaces/http/http_tls.h"

#include "interfaces/http/http_tls_private.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { SECURITY_LEVEL = 2 };

struct http_tls {
    char *certificate_path;
    char *key_path;
    /* Loops take the context for each new connection while main may put another one in its place.
     * OpenSSL counts who uses it. */
    pthread_mutex_t mutex;
    SSL_CTX *context;
};

/* Chooses http/1.1; who offers only other protocols would not understand our answers (RFC 7301
 * section 3.2). */
static int choose_protocol(SSL *ssl, const unsigned char **out_name, unsigned char *out_len,
                           const unsigned char *offered, unsigned offered_len, void *context)
{
    static const unsigned char ours[] = "\x08http/1.1";
    (void)ssl;
    (void)context;
    unsigned char *chosen = NULL;
    int result =
        SSL_select_next_proto(&chosen, out_len, ours, sizeof ours - 1, offered, offered_len);
    *out_name = chosen;
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* Whatever the machine's openssl.cnf allows besides. Sessions are not kept here, since tickets do
 * the same without memory for each client. */
static bool set_up(SSL_CTX *context)
{
    static const unsigned char name[] = "usertrail";
    SSL_CTX_set_security_level(context, SECURITY_LEVEL);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_session_id_context(context, name, sizeof name - 1) == 1;
}

static enum status context_new(const struct http_tls *tls, SSL_CTX **out_context, struct error *err)
{
    struct http_tls_files files = {.certificate = tls->certificate_path, .key = tls->key_path};
    ERR_clear_error();
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (context == NULL || !set_up(context)) {
        SSL_CTX_free(context);
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for TLS");
    }
    enum status status = http_tls_files_read(&files, context, err);
    if (status != STATUS_OK) {
        SSL_CTX_free(context);
        return status;
    }
    *out_context = context;
    return STATUS_OK;
}

enum status http_tls_new(const struct http_tls_files *files, struct http_tls **out_tls,
                         struct error *err)
{
    struct http_tls *tls = calloc(1, sizeof *tls);
    if (tls == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for TLS");
    }
    pthread_mutex_init(&tls->mutex, NULL);
    tls->certificate_path = strdup(files->certificate);
    tls->key_path = strdup(files->key);
    enum status status = tls->certificate_path != NULL && tls->key_path != NULL
                             ? context_new(tls, &tls->context, err)
                             : error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for TLS");
    if (status != STATUS_OK) {
        http_tls_free(tls);
        return status;
    }
    *out_tls = tls;
    return STATUS_OK;
}

enum status http_tls_reload(struct http_tls *tls, struct error *err)
{
    SSL_CTX *fresh = NULL;
    enum status status = context_new(tls, &fresh, err);
    if (status != STATUS_OK) {
        return status;
    }
    pthread_mutex_lock(&tls->mutex);
    SSL_CTX *before = tls->context;
    tls->context = fresh;
    pthread_mutex_unlock(&tls->mutex);
    SSL_CTX_free(before);
    return STATUS_OK;
}

enum http_tls_validity http_tls_validity_at(struct http_tls *tls, int64_t now_s)
{
    time_t now = now_s;
    const X509 *certificate = SSL_CTX_get0_certificate(tls->context);
    if (X509_cmp_time(X509_get0_notAfter(certificate), &now) < 0) {
        return HTTP_TLS_EXPIRED;
    }
    return X509_cmp_time(X509_get0_notBefore(certificate), &now) > 0 ? HTTP_TLS_NOT_YET_VALID
                                                                     : HTTP_TLS_VALID;
}

SSL *http_tls_make(struct http_tls *tls)
{
    pthread_mutex_lock(&tls->mutex);
    SSL *ssl = SSL_new(tls->context);
    pthread_mutex_unlock(&tls->mutex);
    return ssl;
}

void http_tls_free(struct http_tls *tls)
{
    if (tls == NULL) {
        return;
    }
    SSL_CTX_free(tls->context);
    pthread_mutex_destroy(&tls->mutex);
    free(tls->certificate_path);
    free(tls->key_path);
    free(tls);
}
