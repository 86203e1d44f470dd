#pragma once
/*
 * One connection's TLS: bytes from the wire go in and plain ones come out; plain ones go in and
 * what is to be sent piles up until its owner sends it. It has no socket and never waits. Between
 * two calls it keeps no buffers but what is unsent, so that an idle connection stays small.
 *
 *   HANDSHAKE --> OPEN --> ENDED (the client said that it sends no more)
 *       `----------+--------> FAILED (what is unsent tells the client why)
 *
 * Loop thread only.
 */
#include "base/str.h"
#include "interfaces/http/http_tls.h"

#include <stdbool.h>

enum http_tls_state { HTTP_TLS_HANDSHAKE, HTTP_TLS_OPEN, HTTP_TLS_ENDED, HTTP_TLS_FAILED };

/* More than one record can hold, of which the last call may have left a part. */
enum { HTTP_TLS_RECORD_BYTES_MAX = 20 * 1024 };

struct http_tls_session;

/* NULL without memory. */
struct http_tls_session *http_tls_session_new(struct http_tls *tls);
void http_tls_session_free(struct http_tls_session *session);

enum http_tls_state http_tls_session_state(const struct http_tls_session *session);

/* Takes bytes from the wire; in HANDSHAKE and OPEN only. What they hold goes into `out_plain`,
 * which has room for `len` and HTTP_TLS_RECORD_BYTES_MAX more. Returns how many bytes that are. */
size_t http_tls_session_take(struct http_tls_session *session, struct str wire, char *out_plain);

/* Why it failed, in OpenSSL's words. */
const char *http_tls_session_failure(const struct http_tls_session *session);

/* Adds plain bytes to what is unsent; in OPEN and ENDED only. False when there is no memory. */
MUST_USE bool http_tls_session_add(struct http_tls_session *session, struct str plain);

/* Adds that nothing more will be sent, the first time that it is called in OPEN or ENDED. */
void http_tls_session_end(struct http_tls_session *session);

bool http_tls_session_has_unsent(const struct http_tls_session *session);

/* What is to be sent next; it stays where it is until http_tls_session_sent. */
struct str http_tls_session_unsent(struct http_tls_session *session);
void http_tls_session_sent(struct http_tls_session *session);
