#pragma once
/*
 * For tests: stands between a client and a server on the loopback, and takes messages away. It
 * passes bytes on as they come; a small answer of the server is one piece nearly always. One thread
 * makes it and changes its mode; it has threads of its own.
 */
#include <stdint.h>

struct lossy_proxy;

/* Listens on a free port and connects to `server_port`. Aborts when it cannot. */
struct lossy_proxy *lossy_proxy_new(uint16_t server_port);
void lossy_proxy_free(struct lossy_proxy *proxy);
uint16_t lossy_proxy_port(const struct lossy_proxy *proxy);

/* Passes on so many more answers of the server, then none, while requests go through; negative:
 * everything. */
void lossy_proxy_pass_answers(struct lossy_proxy *proxy, int count);

/* Ends all connections, and each new one at once, until lossy_proxy_mend. */
void lossy_proxy_cut(struct lossy_proxy *proxy);

/* Everything goes through again; connections that lost something are ended. */
void lossy_proxy_mend(struct lossy_proxy *proxy);
