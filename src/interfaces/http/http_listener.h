#pragma once
/*
 * One address, one listening socket for each loop: the kernel spreads connections over sockets that
 * share an address by SO_REUSEPORT. That option alone would let a second server of the same user
 * share it as well, so a guard socket holds the address: bound alone, without SO_REUSEPORT but for
 * the moment in which the loops' sockets are bound beside it. docs/decisions/0003 has the story.
 *
 * Main thread only.
 */
#include "base/error.h"
#include "base/macros.h"

#include <stdint.h>

struct http_listener {
    int guard;
    int *sockets; /* one for each loop, listening and non-blocking */
    unsigned count;
    uint16_t port;
};

/* INVALID: no numeric address; UNAVAILABLE: in use or not ours. */
MUST_USE enum status http_listener_open(struct http_listener *listener, const char *host,
                                        uint16_t port, unsigned count, struct error *err);

/* Closes what is still open; a socket that a loop has taken is -1 here. */
void http_listener_close(struct http_listener *listener);
