#pragma once
/*
 * The client of tests that take memory away from a server in the same program: one request on a
 * connection of its own, over TCP or TLS. Its thread is spared (failing_memory.h). One thread.
 */
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* Good until the next request. */
struct client_answer {
    int status;      /* 0: the connection ended without a word */
    bool complete;   /* as its framing says */
    struct str body; /* what came of it, chunks put together, a zero behind */
};

/* Once, before all others. With TLS OpenSSL's memory may fail, too. */
void client_init(bool uses_tls);

/* Sends and reads up to the end of the connection. Fails the test when that takes 20 seconds. */
struct client_answer client_ask(uint16_t port, bool tls, struct str request);

/* The same over TCP, but leaves once this says of the answer so far that it is enough. */
typedef bool client_has_enough(struct str answer);
struct client_answer client_ask_until(uint16_t port, struct str request,
                                      client_has_enough *has_enough);
