#include "interfaces/http/http_tls_session.h"

#include "base/assert.h"
#include "base/buffer.h"
#include "interfaces/http/http_tls_private.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/sslerr.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* A client that makes us answer and takes no answers is cut there; what is written at a time and a
 * handshake stay far below. */
enum { UNSENT_BYTES_MAX = 1024 * 1024 };

/* For who speaks HTTP to the TLS port. */
static const char plain_answer[] = "HTTP/1.1 400 Bad Request\r\n"
                                   "Content-Type: text/plain\r\n"
                                   "Content-Length: 44\r\n"
                                   "Connection: close\r\n\r\n"
                                   "This port speaks TLS; use https:// instead.\n";

struct http_tls_session {
    SSL *ssl;
    struct str wire;       /* what came and is not used; during a call only */
    struct buffer sending; /* given to the socket as it is; it must not move */
    struct buffer waiting;
    enum http_tls_state state;
    bool said_end;
    const char *failure;
};

/* --- OpenSSL's side: a BIO between its records and our bytes, which copies no more than needed and
 * keeps nothing, as the library's own in memory would --- */

static int wire_read(BIO *bio, char *out_data, int len)
{
    struct http_tls_session *session = BIO_get_data(bio);
    size_t taken = session->wire.len < (size_t)len ? session->wire.len : (size_t)len;
    BIO_clear_retry_flags(bio);
    if (taken == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    memcpy(out_data, session->wire.data, taken);
    session->wire.data += taken;
    session->wire.len -= taken;
    return (int)taken;
}

static int wire_write(BIO *bio, const char *data, int len)
{
    struct http_tls_session *session = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    buffer_append(&session->waiting, data, (size_t)len);
    return session->waiting.failed == STATUS_OK ? len : -1;
}

static long wire_control(BIO *bio, int command, long number, void *data)
{
    (void)bio;
    (void)number;
    (void)data;
    return command == BIO_CTRL_FLUSH; /* all the rest is of no use here */
}

static BIO_METHOD *make_wire_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wire");
    if (method != NULL) {
        BIO_meth_set_read(method, wire_read);
        BIO_meth_set_write(method, wire_write);
        BIO_meth_set_ctrl(method, wire_control);
    }
    return method;
}

/* One for the process, as long as it lives. NULL without memory; the next session asks again. */
static const BIO_METHOD *wire_method(void)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static BIO_METHOD *made;
    pthread_mutex_lock(&mutex);
    if (made == NULL) {
        made = make_wire_method();
    }
    const BIO_METHOD *method = made;
    pthread_mutex_unlock(&mutex);
    return method;
}

/* --- life --- */

struct http_tls_session *http_tls_session_new(struct http_tls *tls)
{
    struct http_tls_session *session = calloc(1, sizeof *session);
    SSL *ssl = http_tls_make(tls);
    const BIO_METHOD *method = wire_method();
    BIO *wire = method == NULL ? NULL : BIO_new(method);
    if (session == NULL || ssl == NULL || wire == NULL) {
        free(session);
        SSL_free(ssl);
        BIO_free(wire);
        ERR_clear_error();
        return NULL;
    }
    session->ssl = ssl;
    buffer_init(&session->sending, UNSENT_BYTES_MAX);
    buffer_init(&session->waiting, UNSENT_BYTES_MAX);
    BIO_set_data(wire, session);
    BIO_set_init(wire, 1);
    SSL_set_bio(ssl, wire, wire);
    SSL_set_accept_state(ssl);
    return session;
}

void http_tls_session_free(struct http_tls_session *session)
{
    if (session != NULL) {
        SSL_free(session->ssl);
        buffer_deinit(&session->sending);
        buffer_deinit(&session->waiting);
        free(session);
    }
}

enum http_tls_state http_tls_session_state(const struct http_tls_session *session)
{
    return session->state;
}

const char *http_tls_session_failure(const struct http_tls_session *session)
{
    return session->failure;
}

/* --- what comes --- */

static bool is_plain_http(unsigned long code)
{
    return ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_HTTP_REQUEST;
}

static void fail(struct http_tls_session *session)
{
    unsigned long code = ERR_peek_error();
    const char *reason = ERR_reason_error_string(code);
    session->state = HTTP_TLS_FAILED;
    session->failure = reason == NULL ? "no reason was given" : reason;
    if (is_plain_http(code)) {
        buffer_clear(&session->waiting);
        buffer_append(&session->waiting, plain_answer, sizeof plain_answer - 1);
    }
    ERR_clear_error();
}

size_t http_tls_session_take(struct http_tls_session *session, struct str wire, char *out_plain)
{
    ASSERT(session->state == HTTP_TLS_HANDSHAKE || session->state == HTTP_TLS_OPEN);
    size_t capacity = wire.len + HTTP_TLS_RECORD_BYTES_MAX;
    size_t len = 0;
    size_t got = 0;
    session->wire = wire;
    ERR_clear_error();
    while (SSL_read_ex(session->ssl, out_plain + len, capacity - len, &got) == 1) {
        len += got;
    }
    session->wire = (struct str){0};
    switch (SSL_get_error(session->ssl, 0)) {
    case SSL_ERROR_WANT_READ:
        if (SSL_is_init_finished(session->ssl)) {
            session->state = HTTP_TLS_OPEN;
        }
        break;
    case SSL_ERROR_ZERO_RETURN:
        session->state = HTTP_TLS_ENDED;
        break;
    default:
        fail(session);
    }
    return len;
}

/* --- what goes --- */

bool http_tls_session_add(struct http_tls_session *session, struct str plain)
{
    size_t written = 0;
    ERR_clear_error();
    if (SSL_write_ex(session->ssl, plain.data, plain.len, &written) == 1) {
        return true;
    }
    fail(session);
    return false;
}

void http_tls_session_end(struct http_tls_session *session)
{
    bool can = session->state == HTTP_TLS_OPEN || session->state == HTTP_TLS_ENDED;
    if (can && !session->said_end) {
        session->said_end = true;
        ERR_clear_error();
        SSL_shutdown(session->ssl);
        ERR_clear_error();
    }
}

bool http_tls_session_has_unsent(const struct http_tls_session *session)
{
    return session->sending.len > 0 || session->waiting.len > 0;
}

struct str http_tls_session_unsent(struct http_tls_session *session)
{
    if (session->sending.len == 0) {
        struct buffer empty = session->sending;
        session->sending = session->waiting;
        session->waiting = empty;
    }
    return buffer_str(&session->sending);
}

void http_tls_session_sent(struct http_tls_session *session)
{
    buffer_deinit(&session->sending);
}
