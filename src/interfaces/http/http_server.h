#pragma once
/*
 * HTTP/1.1 over TCP: event loops of their own threads that share an address through SO_REUSEPORT,
 * strict framing (RFC 9112), pipelining with answers in order, deadlines as totals, caps on
 * everything. What a request means is the handler's business.
 *
 * new, start, stop and free are called from one thread (main); the handler is called on the loops.
 */
#include "base/clock.h"
#include "base/error.h"
#include "base/logger.h"
#include "base/metric_text.h"
#include "interfaces/http/http_exchange.h"
#include "interfaces/http/http_tls.h"

#include <stdatomic.h>
#include <stdbool.h>

struct http_limits {
    unsigned connections_max;        /* over all loops; one more is answered 503 and closed */
    size_t header_bytes_max;         /* request line and fields; more: 431 */
    size_t target_bytes_max;         /* request target; more: 414 */
    unsigned headers_max;            /* fields in one request; more: 431 */
    size_t exchange_arena_bytes_max; /* a handler's memory for one request */
    unsigned pipeline_max;          /* unanswered requests of one connection before reading stops */
    size_t body_memory_bytes_max;   /* bodies and handlers' memory over all loops; more: 503 */
    size_t answer_memory_bytes_max; /* large answers not yet sent over all loops; more: 503 */
    unsigned offloads_max;          /* http_exchange_offload under way over all loops */
    unsigned header_timeout_ms;     /* first byte of a request to the end of its header; 408 */
    unsigned body_timeout_ms;       /* end of header to the end of a buffered body; 408 */
    unsigned body_rate_min;         /* bytes a second, over body_timeout_ms, of a body that is taken
                                       as it arrives; 0: none */
    unsigned body_ratio_max;        /* how many times its size a body may become by decoding */
    unsigned idle_timeout_ms;       /* keep-alive without a request; closed silently */
    unsigned write_timeout_ms;      /* an answer that is not taken; closed */
};

extern const struct http_limits http_limits_default;

enum { HTTP_ROUTE_BYTES = 128 };

struct http_handler {
    /* The header is complete. May answer at once (the body then is not read and the connection
     * closes unless there is none), or set the body's maximum and return. */
    void (*begin)(void *context, struct http_exchange *exchange);
    /* The body is complete (or there is none). Answers now or later. Not called when begin
     * answered. */
    void (*handle)(void *context, struct http_exchange *exchange);
    /* A request that was begun is answered to its end, with this status; 0: its client went away
     * before. Request and name are still there; nothing may be done but look. NULL: nobody looks.
     */
    void (*answered)(void *context, const struct http_exchange *exchange, int status);
    void *context;
    /* What is told of how long requests took names them by routes: 0 is for those of none. */
    unsigned route_count; /* with that one; 0 counts as 1 */
    struct str (*name_route)(unsigned route,
                             char room[HTTP_ROUTE_BYTES]); /* 1..; static or `room` */
};

struct http_server_config {
    const char *host; /* numeric IPv4 or IPv6 address */
    uint16_t port;    /* 0: any free port, see http_server_port */
    unsigned loops;   /* threads, 1..HTTP_LOOPS_MAX */
    struct http_limits limits;
    struct http_tls *tls; /* NULL: none; the caller's, and there as long as the server */
    struct http_handler handler;
    const struct clock *clock;
    const struct logger *logger;
};

enum { HTTP_LOOPS_MAX = 256 };

struct http_counters {
    uint64_t connections_accepted;
    uint64_t connections_refused; /* over the cap */
    uint64_t connections_open;
    uint64_t requests; /* whose header was complete */
    uint64_t requests_active;
    uint64_t requests_abandoned; /* that nobody was there for when they could have been answered */
    uint64_t responses_by_class[6]; /* [4]: 4xx */
    uint64_t handshakes_failed;     /* of TLS, and what broke behind one */
};

/* Binds and listens, serves nobody yet. INVALID: no such address; UNAVAILABLE: in use or not ours.
 */
MUST_USE enum status http_server_new(const struct http_server_config *config,
                                     struct http_server **out_server, struct error *err);

uint16_t http_server_port(const struct http_server *server);

/* Starts the loops. NO_MEMORY or UNAVAILABLE when threads cannot be had. */
MUST_USE enum status http_server_start(struct http_server *server, struct error *err);

/* From now on every answer closes its connection, so that clients come back elsewhere before stop
 * closes connections that they might be about to use. New connections are still served. */
void http_server_leave(struct http_server *server);

/* Stops accepting, closes idle connections, lets requests under way finish for at most `drain_ms`,
 * answers them with Connection: close, then cuts what is left. Returns when all loops ended. */
void http_server_stop(struct http_server *server, unsigned drain_ms);

void http_server_count(const struct http_server *server, struct http_counters *out_counters);

/* Tells its metrics (base/metric_text.h). Any thread. */
void http_server_tell_metrics(const struct http_server *server, struct metric_text *text);

/* Takes NULL and a server that was never started. After stop only. */
void http_server_free(struct http_server *server);
CLEANUP_FUNCTION(struct http_server *, http_server_free)
