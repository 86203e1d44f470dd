/*
 * A connection's TLS, with whatever a client sends: as its first bytes, as what it says once the
 * handshake is done, and as bytes in the middle of that. In pieces, of which the first byte of the
 * input tells the size. What both sides say arrives as it was said; what is no TLS ends the
 * session.
 */
#include "base/assert.h"
#include "fuzz.h"
#include "interfaces/http/http_tls_session.h"
#include "support/test_certificate.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PLAIN_BYTES_MAX = 64 * 1024, WIRE_BYTES_MAX = 256 * 1024, TURNS_MAX = 100 };

/* Made with the first input and kept. */
static struct http_tls *tls;
static SSL_CTX *client_context;

/* One connection: our session, and a client of OpenSSL's with two runs of bytes in between. */
struct wire {
    struct http_tls_session *session;
    SSL *client;
    size_t piece;
    char plain[PLAIN_BYTES_MAX]; /* what the session got out of it */
    size_t plain_len;
};

static void make_once(void)
{
    char certificate[] = "/tmp/tls_session_fuzz-XXXXXX";
    char key[] = "/tmp/tls_session_fuzz-XXXXXX";
    const struct http_tls_files files = {.certificate = certificate, .key = key};
    if (tls != NULL) {
        return;
    }
    ASSERT(test_certificate_make(certificate, key));
    ASSERT(http_tls_new(&files, &tls, NULL) == STATUS_OK);
    client_context = SSL_CTX_new(TLS_client_method());
    ASSERT(client_context != NULL);
    unlink(certificate);
    unlink(key);
}

static void wire_open(struct wire *wire, size_t piece)
{
    wire->session = http_tls_session_new(tls);
    wire->client = SSL_new(client_context);
    wire->piece = piece;
    wire->plain_len = 0;
    BIO *in = BIO_new(BIO_s_mem());
    BIO *out = BIO_new(BIO_s_mem());
    ASSERT(wire->session != NULL && wire->client != NULL && in != NULL && out != NULL);
    SSL_set_bio(wire->client, in, out);
    SSL_set_connect_state(wire->client);
}

static void wire_close(struct wire *wire)
{
    SSL_free(wire->client);
    http_tls_session_free(wire->session);
    ERR_clear_error();
}

static bool takes(const struct wire *wire)
{
    enum http_tls_state state = http_tls_session_state(wire->session);
    return state == HTTP_TLS_HANDSHAKE || state == HTTP_TLS_OPEN;
}

/* Hands bytes to the session in pieces, as long as it takes any. */
static void hand_over(struct wire *wire, const char *data, size_t len)
{
    while (len > 0 && takes(wire)) {
        size_t now = len < wire->piece ? len : wire->piece;
        char *plain = malloc(now + HTTP_TLS_RECORD_BYTES_MAX);
        char *copy = fuzz_copy((const uint8_t *)data, now, 0); /* a sanitizer sees both ends */
        ASSERT(plain != NULL);
        size_t got = http_tls_session_take(wire->session, (struct str){copy, now}, plain);
        ASSERT(got <= now + HTTP_TLS_RECORD_BYTES_MAX && got <= PLAIN_BYTES_MAX - wire->plain_len);
        memcpy(wire->plain + wire->plain_len, plain, got);
        wire->plain_len += got;
        free(copy);
        free(plain);
        data += now;
        len -= now;
    }
    if (http_tls_session_state(wire->session) == HTTP_TLS_FAILED) {
        fuzz_expect_text(http_tls_session_failure(wire->session));
    }
}

static void carry_to_session(struct wire *wire)
{
    static char data[WIRE_BYTES_MAX];
    int len = BIO_read(SSL_get_wbio(wire->client), data, sizeof data);
    hand_over(wire, data, len > 0 ? (size_t)len : 0);
}

static void carry_to_client(struct wire *wire)
{
    while (http_tls_session_has_unsent(wire->session)) {
        struct str unsent = http_tls_session_unsent(wire->session);
        ASSERT(unsent.len > 0);
        ASSERT(BIO_write(SSL_get_rbio(wire->client), unsent.data, (int)unsent.len) ==
               (int)unsent.len);
        http_tls_session_sent(wire->session);
    }
}

static void shake_hands(struct wire *wire)
{
    int turns = 0;
    while (SSL_do_handshake(wire->client) != 1 ||
           http_tls_session_state(wire->session) == HTTP_TLS_HANDSHAKE) {
        ASSERT(turns++ < TURNS_MAX);
        carry_to_session(wire);
        carry_to_client(wire);
    }
    ASSERT(http_tls_session_state(wire->session) == HTTP_TLS_OPEN && wire->plain_len == 0);
}

/* What the client says arrives, and what is answered as well. */
static void talk(struct wire *wire, const char *data, size_t len)
{
    static char answer[PLAIN_BYTES_MAX];
    size_t done = 0;
    size_t got = 0;
    if (len == 0) {
        return;
    }
    ASSERT(SSL_write_ex(wire->client, data, len, &done) == 1 && done == len);
    carry_to_session(wire);
    ASSERT(wire->plain_len == len && memcmp(wire->plain, data, len) == 0);
    ASSERT(http_tls_session_add(wire->session, (struct str){data, len}));
    carry_to_client(wire);
    for (done = 0; done < len; done += got) {
        ASSERT(SSL_read_ex(wire->client, answer + done, sizeof answer - done, &got) == 1);
    }
    ASSERT(done == len && memcmp(answer, data, len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct wire wire;
    size_t piece = size == 0 ? 1 : data[0] + 1u;
    const char *text = size == 0 ? "" : (const char *)data + 1;
    size_t len = size == 0 ? 0 : size - 1;
    if (len > PLAIN_BYTES_MAX / 2) {
        return 0;
    }
    make_once();
    wire_open(&wire, piece);
    hand_over(&wire, text, len);
    http_tls_session_end(wire.session);
    wire_close(&wire);

    wire_open(&wire, piece);
    shake_hands(&wire);
    talk(&wire, text, len);
    hand_over(&wire, text, len); /* which is no record of this connection */
    ASSERT(wire.plain_len == len);
    http_tls_session_end(wire.session);
    wire_close(&wire);
    return 0;
}
