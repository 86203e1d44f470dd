#pragma once
/*
 * An answer that is written piece by piece: chunked (RFC 9112 section 7.1), or up to the end of the
 * connection for a client of HTTP/1.0. What its writer adds while the socket is busy waits here, so
 * one run of bytes is on its way and the other one grows. How much waits is the writer's business
 * up to a hard bound; beyond a few KiB it is charged to the memory that answers share. Loop thread
 * only.
 */
#include "base/buffer.h"
#include "interfaces/http/http_exchange.h"
#include "interfaces/http/http_response.h"

struct http_stream {
    const struct http_stream_writer *writer;
    struct buffer sending; /* given to the socket as it is; it must not move */
    struct buffer waiting;
    size_t charged; /* bytes of the shared bound that this stream holds */
    bool chunked;
};

struct http_stream *http_stream_new(const struct http_stream_writer *writer, bool chunked);

/* Takes NULL. */
void http_stream_free(struct http_stream *stream, struct memory_budget *memory);

/* The head of the answer, which is not chunked. */
MUST_USE enum status http_stream_add_head(struct http_stream *stream,
                                          const struct http_response *response,
                                          const struct http_response_frame *frame);

/* BUSY: the shared bound is reached, or too much waits already; nothing was added. */
MUST_USE enum status http_stream_add(struct http_stream *stream, struct memory_budget *memory,
                                     const char *data, size_t len);
MUST_USE enum status http_stream_add_end(struct http_stream *stream);

/* What is to be sent next; it stays where it is until http_stream_sent. */
struct str http_stream_take(struct http_stream *stream);
void http_stream_sent(struct http_stream *stream, struct memory_budget *memory);

/* All that is not sent. */
size_t http_stream_unsent_bytes(const struct http_stream *stream);
