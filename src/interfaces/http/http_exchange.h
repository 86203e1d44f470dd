#pragma once
/*
 * One request and its answer on a connection. A handler answers at once or later; until then the
 * exchange waits in its slot, and what works for it elsewhere names it by a ticket, so that a late
 * result for a connection that is gone finds nobody and harms nothing. Answers leave a connection
 * in the order of its requests, whatever the order in which they are given.
 *
 * Loop thread only, except where a function says any thread.
 */
#include "base/arena.h"
#include "base/macros.h"
#include "base/status.h"
#include "domain/position.h"
#include "interfaces/http/http_coding.h"
#include "interfaces/http/http_message.h"

#include <stdint.h>

struct http_exchange;
struct http_server;

/* Names an exchange across threads. */
struct http_ticket {
    uint32_t loop;
    uint32_t slot;
    uint64_t generation;
};

const struct http_request *http_exchange_request(const struct http_exchange *exchange);

/* Memory that lives until the exchange is answered; bounded by
 * http_limits.exchange_arena_bytes_max. */
struct arena *http_exchange_arena(struct http_exchange *exchange);

/* What bodies of all loops may take together, for handlers that keep more of one than the arena;
 * lives as long as the server. */
struct memory_budget *http_exchange_body_memory(const struct http_exchange *exchange);

/* What answers of all loops may take together, for handlers that make them elsewhere; lives as long
 * as the server. */
struct memory_budget *http_exchange_answer_memory(const struct http_exchange *exchange);

struct http_ticket http_exchange_ticket(const struct http_exchange *exchange);

/* Whatever the handler wants to find again when its result comes; NULL at first. The transport
 * never looks at it; it must need no release (put it into the exchange's arena). */
void http_exchange_set_data(struct http_exchange *exchange, void *data);
void *http_exchange_data(const struct http_exchange *exchange);

/* Which of http_handler.route_count routes was asked for, for whoever counts; from
 * http_handler.begin, before the answer. */
void http_exchange_set_route(struct http_exchange *exchange, unsigned route);

/* Who asks, as the handler found out when the request began; NULL at first. Kept until the exchange
 * is answered; it must need no release. */
void http_exchange_set_caller(struct http_exchange *exchange, const void *caller);
const void *http_exchange_caller(const struct http_exchange *exchange);

/* What the handler follows the request by, from its beginning until it hears of its end; NULL at
 * first. It must need no release. */
void http_exchange_set_trace(struct http_exchange *exchange, void *trace);
void *http_exchange_trace(const struct http_exchange *exchange);

/* The client's address as IPv6, of IPv4 the one that stands for it (RFC 4291 section 2.5.5.2); all
 * zero when the client is gone. */
struct http_peer {
    uint8_t bytes[16];
};
struct http_peer http_exchange_peer(const struct http_exchange *exchange);

/* A field that the answer has, whoever makes it; in place of one that was put under the same name.
 * The texts live as long as the exchange. At most HTTP_PUT_FIELDS_MAX names. */
enum { HTTP_PUT_FIELDS_MAX = 16 };
void http_exchange_put_field(struct http_exchange *exchange, struct str name, struct str value);

/* What the request is called, in its answer (X-Request-Id) and in lines of the log. The text lives
 * as long as the exchange. */
void http_exchange_set_name(struct http_exchange *exchange, struct str name);
struct str http_exchange_name(const struct http_exchange *exchange); /* {NULL, 0}: nothing */

/* A few bytes for whatever the handler likes, there as long as the exchange. */
enum { HTTP_SCRATCH_BYTES = 40 };
char *http_exchange_scratch(struct http_exchange *exchange);

/* How long ago it began, as metrics count it. */
uint64_t http_exchange_age_ms(const struct http_exchange *exchange);

/* How much body this request may have; called from http_handler.begin. 0: none. */
void http_exchange_set_body_bytes_max(struct http_exchange *exchange, size_t bytes);

/* --- a body that does not fit --- */

/* The body comes with this content coding, which is taken off before anybody sees it; called from
 * http_handler.begin. BUSY, NO_MEMORY: answer so. */
MUST_USE enum status http_exchange_decode_body(struct http_exchange *exchange,
                                               enum http_coding coding);

/* Takes a body as it arrives instead of gathering it. */
struct http_problem;
struct http_body_consumer {
    /* Some more of it; `data` is gone when this returns. Once the exchange is answered nothing
     * more comes. */
    void (*data)(struct http_exchange *exchange, const char *data, size_t len);
    /* The rest will never come, and `problem` says why: answer now or later. The connection ends
     * behind the answer. */
    void (*failed)(struct http_exchange *exchange, const struct http_problem *problem);
    /* The client went away before it was answered, whatever of the body had come. The exchange is
     * gone when this returns. NULL: there is nothing to be done. */
    void (*gone)(struct http_exchange *exchange);
};

/* Called from http_handler.begin; handle is called at the end of the body as ever, which then has
 * no maximum and, instead of a deadline, a minimum rate. NO_MEMORY: answer so. */
MUST_USE enum status http_exchange_stream_body(struct http_exchange *exchange,
                                               const struct http_body_consumer *consumer);

/* Enough for now: at most what was read already still comes, and the client is slowed down until
 * it goes on. While the handler waits, no deadline runs. */
void http_exchange_pause_body(struct http_exchange *exchange);
void http_exchange_resume_body(struct http_exchange *exchange);

/* --- answers --- */

/* Answers; exactly once for each exchange, which is gone afterwards, with its request's body and
 * its arena. Everything in `response` is copied. When the memory for answers is in use, the client
 * gets a 503 instead. */
void http_exchange_respond(struct http_exchange *exchange, const struct http_response *response);

/* Answers with a body that comes piece by piece; `response` has none. From here on the exchange
 * waits for http_exchange_end, and whoever writes hears of what becomes of it. */
struct http_stream_writer {
    /* All that was written has been given to the network: write on. */
    void (*drained)(struct http_exchange *exchange);
    /* The client went away, or was too slow. The exchange is gone when this returns. NULL: there is
     * nothing to be done. */
    void (*gone)(struct http_exchange *exchange);
    /* The server is about to stop: end soon. NULL: it ends by itself. */
    void (*leaving)(struct http_exchange *exchange);
};

/* `out_wants_body` is false when the client asked for the head only, which then was the answer, and
 * the exchange is gone. NO_MEMORY: nothing was said, answer otherwise. */
MUST_USE enum status http_exchange_respond_streamed(struct http_exchange *exchange,
                                                    const struct http_response *response,
                                                    const struct http_stream_writer *writer,
                                                    bool *out_wants_body);

/* Adds to the answer. BUSY: the memory for answers is in use, or the client takes too little;
 * nothing was added. NO_MEMORY. */
MUST_USE enum status http_exchange_write(struct http_exchange *exchange, struct str data);

/* What was written and the client has not taken, as far as is known. */
size_t http_exchange_unsent_bytes(const struct http_exchange *exchange);

/* The answer is complete; the exchange is gone. */
void http_exchange_end(struct http_exchange *exchange);

/* The answer cannot be completed: the connection ends behind what was written, without the mark of
 * a complete answer. The exchange is gone. */
void http_exchange_abort(struct http_exchange *exchange);

/* A result for an exchange of any loop; see http_server_complete. */
struct http_completion;
typedef void http_completion_function(struct http_exchange *exchange /* NULL: it is gone */,
                                      const struct http_completion *completion);

struct http_completion {
    struct http_ticket ticket;
    http_completion_function *run; /* called on the ticket's loop */
    enum status status;
    int detail;              /* means what `run` wants it to */
    struct uuid log_id;      /* likewise */
    struct position reached; /* likewise */
    uint64_t at_ns;          /* likewise; a time by the monotonic clock */
    void *data;              /* likewise; `run` releases it, also when the exchange is gone */
};

/* Queues `count` completions for their loop and wakes it once; all tickets name the same loop. Any
 * thread. Never blocks on I/O, never fails: the queue's room was reserved with each ticket. */
void http_server_complete(struct http_server *server, const struct http_completion *completions,
                          size_t count);

/* The same for what can wait a moment and may come in thousands at once, as news for everybody who
 * listens: the loop runs a few of them in each turn, behind all requests and other completions. */
void http_server_complete_patiently(struct http_server *server,
                                    const struct http_completion *completions, size_t count);

/* Runs `work(data)` on a pool thread and then `done(exchange or NULL, data)` on this loop; `done`
 * releases data. `work` must not touch the exchange. BUSY: too many are under way, answer 503. */
typedef void http_work_function(void *data);
typedef void http_work_done_function(struct http_exchange *exchange, void *data);
MUST_USE enum status http_exchange_offload(struct http_exchange *exchange, http_work_function *work,
                                           http_work_done_function *done, void *data);

/* The same for an exchange that goes on with what it began so, one piece of work after the other:
 * it was let in already, and waits for its turn however many are under way. Never BUSY. */
MUST_USE enum status http_exchange_offload_further(struct http_exchange *exchange,
                                                   http_work_function *work,
                                                   http_work_done_function *done, void *data);
