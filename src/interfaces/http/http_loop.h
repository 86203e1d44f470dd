#pragma once
/*
 * One event loop and its thread: its listening socket, its connections and exchanges, its deadlines
 * and its mailbox. Everything on it belongs to its thread, except the mailbox and what is atomic.
 *
 * Answers leave at the end of each turn of the loop, so what became ready together goes out in one
 * write for each connection.
 */
#include "interfaces/http/http_deadlines.h"
#include "interfaces/http/http_exchange_table.h"
#include "interfaces/http/http_listener.h"
#include "interfaces/http/http_mailbox.h"
#include "interfaces/http/http_response.h"
#include "interfaces/http/http_series.h"
#include "interfaces/http/http_tls_session.h"

#include <uv.h>

enum { HTTP_READ_BYTES = 64 * 1024, HTTP_DECODE_BYTES = 64 * 1024 };

struct http_loop_counters {
    _Atomic uint64_t connections_accepted;
    _Atomic uint64_t connections_refused;
    _Atomic uint64_t requests;
    _Atomic uint64_t requests_active;    /* begun, and their slot is in use */
    _Atomic uint64_t requests_abandoned; /* nobody was there for the answer */
    _Atomic uint64_t handshakes_failed;
};

struct http_loop {
    struct http_server *server;
    uint32_t index;
    uv_loop_t uv;
    uv_thread_t thread;
    uv_async_t mail;
    uv_check_t turn_end;
    uv_idle_t busy_idle; /* keeps the loop turning while there are such */
    uv_timer_t deadline_timer;
    uv_timer_t drain_timer;
    uv_timer_t accept_timer; /* a pause when there are no descriptors left */
    uv_poll_t accept_poll;
    int accept_socket; /* -1: not accepting any more */
    int spare;         /* a descriptor to give up when there are no others */
    bool handles_open; /* uv_close has not been called on the above */
    bool started;      /* the thread runs */
    bool draining;
    unsigned offloads_under_way;
    unsigned refusals;         /* connections that are only told to come back later */
    unsigned connection_count; /* all that have memory, refused and closing ones too */
    _Atomic unsigned load;     /* connections served; other loops look at it to hand over */
    struct http_connection *connections;
    struct http_connection *dirty; /* those with something to write or to go on with */
    struct http_connection *busy;  /* those that go on without any event */
    struct http_exchange_table exchanges;
    struct http_deadlines deadlines;
    uint64_t timer_due_ms; /* UINT64_MAX: the timer is not running */
    struct http_mailbox mailbox;
    struct http_loop_counters counters;
    struct http_series series;
    uint64_t clock_ns;   /* when it was read last in this turn; 0: not yet */
    uint64_t date_at_ms; /* of the loop's clock, when `date` was looked at last */
    uint64_t date_second;
    char date[HTTP_DATE_BYTES];
    char read_buffer[HTTP_READ_BYTES];
    char decode_buffer[HTTP_DECODE_BYTES];
    char plain_buffer[HTTP_READ_BYTES]; /* what was read, without TLS */
    uint64_t failures_unlogged;         /* of TLS */
    uint64_t failures_logged_ms;
};

struct http_server {
    struct http_server_config config;
    struct http_listener listener;
    struct http_loop **loops;
    unsigned loop_count; /* that are initialised */
    struct memory_budget body_memory;
    struct memory_budget answer_memory;
    atomic_uint connections_open;
    atomic_uint offloads;
    atomic_bool leaving; /* every answer is the last of its connection */
    atomic_bool stopping;
    atomic_uint drain_ms;
    bool started;
};

/* NO_MEMORY, UNAVAILABLE. Takes over the listening socket on success. */
MUST_USE enum status http_loop_new(struct http_server *server, uint32_t index, int *accept_socket,
                                   struct http_loop **out_loop, struct error *err);
MUST_USE enum status http_loop_start(struct http_loop *loop, struct error *err);

/* Waits for the thread's end; see http_server_stop. */
void http_loop_join(struct http_loop *loop);
void http_loop_free(struct http_loop *loop);

/* --- for connections and exchanges, on the loop --- */

/* Whether clients should be told to come back on another connection. */
static inline bool http_loop_is_leaving(const struct http_loop *loop)
{
    return loop->draining || atomic_load_explicit(&loop->server->leaving, memory_order_relaxed);
}

/* Writes what waits and sees to the deadlines; for callbacks that may run when the loop's turn has
 * ended already. */
void http_loop_end_turn(struct http_loop *loop);

/* Turns at once again, since connections are busy. */
void http_loop_keep_turning(struct http_loop *loop);

/* Ends the loop when it is draining and nothing is left. */
void http_loop_finish_if_done(struct http_loop *loop);

/* The current date, as of this turn. */
struct str http_loop_date(struct http_loop *loop);

/* Nanoseconds of the monotonic clock, read once for all that begins in one turn. */
uint64_t http_loop_begin_ns(struct http_loop *loop);

/* The same for what is answered, behind something that began at `begun_ns`. */
uint64_t http_loop_answer_ns(struct http_loop *loop, uint64_t begun_ns);
