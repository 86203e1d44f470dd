#pragma once
/*
 * Taking connections from a loop's listening socket. The kernel spreads connections by a hash, so a
 * handful of them may all land on one loop; a loop that has clearly more than another hands the new
 * one over. Loop thread only.
 */
#include "interfaces/http/http_loop.h"

/* Begins to accept. */
MUST_USE enum status http_acceptor_start(struct http_loop *loop);

/* Takes what still waits in the kernel's queue, which closing the socket would reset. */
void http_acceptor_take_rest(struct http_loop *loop);

/* Closes the socket; harmless when it is closed. */
void http_acceptor_stop(struct http_loop *loop);

/* A connection that another loop has handed over. */
void http_acceptor_adopt(struct http_loop *loop, int descriptor);
