#pragma once
/*
 * A connection with TLS in between: what it does before bytes become requests and after answers
 * became bytes. Without TLS nothing of this is called, or it says so at once. Loop thread only.
 */
#include "interfaces/http/http_connection.h"
#include "interfaces/http/http_tls_session.h"

/* Gives the connection its session if the server has TLS; false without memory. */
MUST_USE bool http_secure_open(struct http_connection *connection);
/* The last; takes one without TLS, too. */
void http_secure_close(struct http_connection *connection);

static inline bool http_secure_is_shaking_hands(const struct http_connection *connection)
{
    return connection->tls != NULL && http_tls_session_state(connection->tls) == HTTP_TLS_HANDSHAKE;
}

/* Takes bytes from the wire; none: it has ended. */
void http_secure_take(struct http_connection *connection, struct str wire);

/* Counts the handshake as failed and cuts. */
void http_secure_give_up(struct http_connection *connection, const char *reason);

/* Before an idle connection is cut: tells the client that this is the end and no accident, if that
 * goes at once. */
void http_secure_leave(struct http_connection *connection);

/* --- for http_output.c, of connections with TLS --- */

/* How many bytes of answers may be encrypted now; 0: none yet. Then http_secure_sent is due, also
 * when nothing was. */
size_t http_secure_room(struct http_connection *connection);

/* Encrypts these and sets `out_wire` to all that is to be sent; false when that failed. */
MUST_USE bool http_secure_encrypt(struct http_connection *connection, const uv_buf_t *parts,
                                  unsigned part_count, struct str *out_wire);
void http_secure_sent(struct http_connection *connection);

/* All answers are sent: true while there is still something to send before the end. */
bool http_secure_says_end(struct http_connection *connection);
