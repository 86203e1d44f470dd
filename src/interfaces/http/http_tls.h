#pragma once
/*
 * TLS for the server's connections, by OpenSSL: the certificate and key that all of them show.
 * TLS 1.2 and 1.3 at OpenSSL's security level 2, tickets instead of kept sessions, no
 * renegotiation, ALPN http/1.1. What a connection does with it: http_tls_session.h.
 *
 * One thread (main), but for http_tls_session_new, which any loop may call meanwhile.
 */
#include "base/error.h"
#include "base/macros.h"

#include <stdbool.h>
#include <stdint.h>

struct http_tls;

struct http_tls_files {
    const char *certificate; /* PEM: the server's own first, then those that vouch for it */
    const char *key;         /* PEM, without a passphrase */
};

/* Reads the files and keeps their names. INVALID: a file is missing or unreadable, holds something
 * else, or the key is not the certificate's; NO_MEMORY. */
MUST_USE enum status http_tls_new(const struct http_tls_files *files, struct http_tls **out_tls,
                                  struct error *err);

/* Reads the files again, for connections that come from now on; those that are there keep what they
 * have. On failure all goes on with what was read before. */
MUST_USE enum status http_tls_reload(struct http_tls *tls, struct error *err);

enum http_tls_validity { HTTP_TLS_VALID, HTTP_TLS_EXPIRED, HTTP_TLS_NOT_YET_VALID };

/* Whether clients that look at dates will accept the certificate; seconds since 1970. */
enum http_tls_validity http_tls_validity_at(struct http_tls *tls, int64_t now_s);

/* Takes NULL. Sessions that are left go on. */
void http_tls_free(struct http_tls *tls);
CLEANUP_FUNCTION(struct http_tls *, http_tls_free)
