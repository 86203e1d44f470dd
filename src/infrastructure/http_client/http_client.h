#pragma once
/*
 * Asks one server, one question after the other over a connection that is kept; answers are handed
 * on while they arrive. For the commands that talk to a server of this program. Follows no redirect
 * and takes no proxy. One thread.
 */
#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct http_client;

struct http_client_config {
    const char *url; /* http://HOST:PORT, copied as all of these */
    const char *key;
    const char *ca_file;
    bool unverified; /* these three as in http_handle.h */
};

struct http_client_request {
    const char *method;        /* no request has a body */
    const char *target;        /* path and query behind the URL */
    const char *last_event_id; /* NULL: none is sent */
    uint64_t timeout_ms;       /* for everything to the last byte; 0: none */
    unsigned silence_s; /* an answer that says nothing for so long has broken off; 0: never */
};

struct http_client_hearer {
    /* A piece of an answer with this status. Anything but OK ends the answer. */
    enum status (*take)(void *context, long code, struct str piece, struct error *err);
    /* Asked about every second: true ends the answer as if it were complete. NULL: never. */
    bool (*wants_end)(void *context);
    void *context;
};

/* INVALID: the URL is no server's. NO_MEMORY. Does not connect yet. */
MUST_USE enum status http_client_new(const struct http_client_config *config,
                                     struct http_client **out_client, struct error *err);
void http_client_free(struct http_client *client);
CLEANUP_FUNCTION(struct http_client *, http_client_free)

/* `out_code` gets the status of a whole answer. TIMED_OUT or UNAVAILABLE: there was none, or it
 * broke off. Anything else: what `take` returned, or NO_MEMORY. Another client may be asked while
 * `take` runs, not this one. */
MUST_USE enum status http_client_ask(struct http_client *client,
                                     const struct http_client_request *request,
                                     const struct http_client_hearer *hearer, long *out_code,
                                     struct error *err);

/* One GET of the whole URL of `config`; `text` gets the begin of the answer, as much as it may
 * hold. INVALID, TIMED_OUT, UNAVAILABLE, NO_MEMORY. */
MUST_USE enum status http_client_probe(const struct http_client_config *config, uint64_t timeout_ms,
                                       struct buffer *text, long *out_code, struct error *err);
