#pragma once
/*
 * One client's connection: bytes in, exchanges in order of request, answers out in the same order.
 * Loop thread only.
 *
 *             first byte        request complete       answered, its turn
 *   idle ------------> reading -----------------> handling ----------> writing --> idle
 *                         |  fault: answered with its problem, no more requests are read
 *   last answer written --> shut down, what still comes is discarded (lingering) --> closed
 *
 * Up to pipeline_max exchanges are under way at a time, and none begins behind too many bytes of
 * answers; what has been read beyond them waits in the stash, and nothing more is read until it is
 * used up, which goes on whenever answers have gone out. A connection is never freed below its
 * caller: it is closed at once, its memory goes in the loop's closing callbacks.
 */
#include "interfaces/http/http_fault.h"
#include "interfaces/http/http_loop.h"

enum http_input {
    HTTP_INPUT_OPEN,   /* bytes are requests */
    HTTP_INPUT_DISCARD /* no further request is read; bytes are dropped */
};

struct http_connection {
    uv_tcp_t tcp;
    uv_write_t write;
    struct http_loop *loop;
    struct http_connection *previous; /* of the loop */
    struct http_connection *next;
    struct http_connection *dirty_next;
    struct http_connection *busy_previous;
    struct http_connection *busy_next;
    struct http_exchange *first; /* the oldest, whose answer goes next */
    struct http_exchange *last;
    struct http_exchange *incoming; /* the one whose bytes arrive; it is also `last` */
    unsigned exchange_count;
    size_t unsent_bytes; /* of all answers that wait or are being written */
    unsigned sending;    /* oldest exchanges whose answers are being written */
    bool sending_part;   /* and behind them a part of an answer that goes on */
    size_t write_left;   /* bytes not taken by the client when the deadline was set */
    enum http_input input;
    bool refused; /* over the cap; does not count as served */
    bool has_served;
    bool dirty;
    bool busy;
    bool reading;
    bool writing;   /* the kernel did not take everything at once */
    bool lingering; /* all is written and the write side is shut down */
    bool at_end;    /* the client sends no more */
    bool closing;
    bool after_carriage_return; /* inside an empty line before a request */
    unsigned empty_lines;
    size_t discarded;
    bool peer_known;
    struct http_peer peer;
    struct http_tls_session *tls; /* NULL: bytes are what they are */
    size_t first_taken;           /* bytes of the oldest answer that TLS has already */
    bool tls_charged;             /* what TLS holds is charged to the memory of answers */
    bool tls_begun;               /* the client has sent something */
    bool tls_ended;               /* and will send no more; heard once all before it is read */
    char *stash;
    size_t stash_len;
    struct http_deadline input_deadline;
    struct http_deadline output_deadline;
};

/* Takes over the descriptor; false without memory, then it stays the caller's. */
bool http_connection_open(struct http_loop *loop, int descriptor);

/* Takes over the descriptor, says 503 and closes. */
void http_connection_open_refused(struct http_loop *loop, int descriptor);

/* Closes at once; exchanges under way are gone for their handlers. */
void http_connection_cut(struct http_connection *connection);

/* The loop is to end: closes when idle, else reads no further request. */
void http_connection_drain(struct http_connection *connection);

/* Something can be written or read on; happens at the end of the loop's turn. */
void http_connection_touch(struct http_connection *connection);
void http_connection_settle(struct http_connection *connection);

/* It has work that no event will announce: http_input_continue is called in the next turn. */
void http_connection_go_on(struct http_connection *connection);
void http_connection_rest(struct http_connection *connection); /* no more of that */

/* Looked up once. */
struct http_peer http_connection_peer(struct http_connection *connection);

void http_connection_expire(struct http_connection *connection, enum http_deadline_kind kind);

/* --- between the files of the connection --- */

/* http_input.c: reads requests out of `data`, keeps what has no place yet, sets what is to be read
 * and waited for next. */
void http_input_take(struct http_connection *connection, const char *data, size_t len);
void http_input_resume(struct http_connection *connection);
void http_input_end(struct http_connection *connection);
/* What waits of a body that is decoded or taken as it arrives. */
void http_input_continue(struct http_connection *connection);
/* The exchange was answered: if it is the one that is arriving, the rest of it will not be read,
 * nor will anything behind it, and true is returned. */
bool http_input_answered(struct http_connection *connection, const struct http_exchange *exchange);
/* Refuses the request that is arriving; no further one is read. */
void http_input_fail(struct http_connection *connection, enum http_fault fault, const char *reason);

/* http_exchange.c: it will not be answered. */
void http_exchange_tell_gone(struct http_exchange *exchange);

/* http_output.c: writes the answers whose turn it is. */
void http_output_flush(struct http_connection *connection);
void http_output_expire(struct http_connection *connection);
/* Everything is written: shuts down and waits a little for the client to close. */
void http_output_finish(struct http_connection *connection);

/* Chooses reading or not, and the deadline that fits what the connection waits for. */
void http_connection_update(struct http_connection *connection);

/* Drops the oldest exchange. */
void http_connection_drop_first(struct http_connection *connection);
