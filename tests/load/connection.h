// One keep-alive connection that carries one request at a time, non-blocking, in an epoll set.
// Knows bytes and sockets, nothing of activities. One thread at a time.
#pragma once

#include "http_response.h"
#include "options.h"

enum connection_state {
    CONNECTION_CLOSED,     // to be opened at wake_ns
    CONNECTION_CONNECTING, // until timeout_ns
    CONNECTION_IDLE,       // may be given a request
    CONNECTION_PAUSED,     // told to come back later: idle at wake_ns
    CONNECTION_READY,      // has a request that was not begun to be sent
    CONNECTION_WAITING,    // sending or waiting for the answer, until timeout_ns
    CONNECTION_ENDED       // given up for good
};

// Room in front of the body for the request's head.
enum { CONNECTION_HEAD_MAX = 1024 + 2 * HEADER_FIELDS_BYTES_MAX };

struct connection {
    int socket;
    enum connection_state state;
    uint32_t number;
    uint32_t count;          // activities in the request
    uint64_t first_sequence; // the request carries first_sequence .. first_sequence + count - 1
    int64_t started_ns;      // latency counts from here
    int64_t wake_ns;
    int64_t timeout_ns;
    char *out;
    size_t out_capacity;
    size_t out_sent; // offset of the next byte to send
    size_t out_end;
    struct http_reader reader;
};

// Opens the socket and begins to connect. False when that failed at once.
bool connection_begin(struct connection *connection, int epoll,
                      const struct service_address *service);

// After the socket became writable while connecting: true when connected; then IDLE.
bool connection_complete(struct connection *connection, int epoll);

// Room for a body of so many bytes, CONNECTION_HEAD_MAX behind the start of `out`.
char *connection_body_space(struct connection *connection, size_t bytes);

// Puts the POST's head in front of the body of body_len bytes.
void connection_finish_request(struct connection *connection, const struct run_options *options,
                               size_t body_len);

// Sends as much as goes. False when the connection broke.
bool connection_send(struct connection *connection, int epoll);

// Receives once. False when the connection broke or was closed by the other side.
bool connection_receive(struct connection *connection);

// Closes the socket and forgets what was received; the state becomes CLOSED.
void connection_close(struct connection *connection);
void connection_deinit(struct connection *connection);
