#pragma once
/*
 * Reads one request out of bytes that come in any pieces, strictly. The head is gathered line by
 * line into memory of its own, so that every rule sees whole lines and the fields need no copy; the
 * lines and the body then go through llhttp. No socket, no clock: the connection owns both.
 *
 * A method that llhttp does not know must still be framed (and answered 405), so llhttp always
 * sees the stand-in POST; nothing about the end of a request hangs on its method. Loop thread only.
 */
#include "base/buffer.h"
#include "interfaces/http/http_body.h"
#include "interfaces/http/http_fault.h"
#include "interfaces/http/http_framing.h"
#include "interfaces/http/http_request_line.h"
#include "interfaces/http/http_server.h"

#include <llhttp.h>

enum http_parser_event {
    HTTP_PARSER_MORE,     /* all bytes are used, the request goes on */
    HTTP_PARSER_HEADER,   /* the header is complete; accept a body or stop feeding */
    HTTP_PARSER_COMPLETE, /* the request is complete */
    HTTP_PARSER_FAULT     /* see `fault`; nothing behind it may be read as a request */
};

enum http_parser_phase {
    HTTP_PARSER_PHASE_LINE,
    HTTP_PARSER_PHASE_FIELDS,
    HTTP_PARSER_PHASE_BODY,
    HTTP_PARSER_PHASE_DONE,
    HTTP_PARSER_PHASE_FAILED
};

struct http_field_span; /* a field by offsets, since the head may move while it grows */

/* Content of the body as it arrives, instead of gathering it. */
typedef enum http_fault http_parser_sink(void *context, const char *data, size_t len);

struct http_parser {
    const struct http_limits *limits;
    llhttp_t llhttp;
    enum http_parser_phase phase;
    enum http_fault fault;
    const char *fault_reason; /* NULL: the fault's own words */
    struct http_request request;
    struct http_framing framing;
    struct http_request_line line;
    bool keep_alive; /* what the request wants */
    bool message_complete;
    struct buffer head;
    size_t line_at; /* where the line that is arriving begins */
    struct http_field_span *spans;
    struct http_header *headers;
    unsigned field_count;
    unsigned field_capacity;
    struct http_body body;
    size_t body_bytes_max;
    http_parser_sink *sink; /* NULL: the body is gathered in `body` */
    void *sink_context;
    uint64_t content_bytes; /* of the body so far, as they arrived */
    size_t extra_bytes;     /* chunk extensions and trailers so far */
    uint64_t framing_bytes; /* everything of the body that is not its content */
};

void http_parser_init(struct http_parser *parser, const struct http_limits *limits,
                      struct memory_budget *memory);

/* Ready for the next request; large runs of memory are given back, with `trim` small ones, too. */
void http_parser_reset(struct http_parser *parser, bool trim);

/* The request is answered: its body is gone, and with it the share of the bound that it held. */
void http_parser_release_body(struct http_parser *parser);
void http_parser_deinit(struct http_parser *parser);

/* Reads on. After HEADER, feed again (also with no bytes) for the body. */
enum http_parser_event http_parser_feed(struct http_parser *parser, const char *data, size_t len,
                                        size_t *out_used);

/* Whether bytes of this request are still to come; known from HEADER on. */
bool http_parser_expects_body(const struct http_parser *parser);

/* What was gathered becomes the request's body. A fault, or HTTP_FAULT_NONE. */
enum http_fault http_parser_finish_body(struct http_parser *parser);

/* Sets the maximum of the body; FAULT at once when Content-Length is above it. */
enum http_parser_event http_parser_accept_body(struct http_parser *parser, size_t bytes_max);
