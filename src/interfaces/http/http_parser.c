#include "interfaces/http/http_parser.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

enum {
    HEAD_KEPT_BYTES = 4096,     /* what an exchange keeps from request to request */
    FIELDS_FIRST = 16,          /* room for fields at first */
    CHUNK_EXTENSION_MAX = 1024, /* bytes of extensions in one body; nobody uses any */
    /* What may be spent on chunk sizes: far more than the smallest chunks need (5 bytes for one),
     * so only padding and never a small chunk meets this bound. */
    CHUNK_OVERHEAD_MIN = 4096,
    CHUNK_OVERHEAD_PER_BYTE = 16
};

struct http_field_span {
    uint32_t name_at;
    uint32_t name_len;
    uint32_t value_at;
    uint32_t value_len;
};

static const char stand_in_method[] = "POST";

static enum http_parser_event parser_fail(struct http_parser *parser, enum http_fault fault,
                                          const char *reason)
{
    parser->phase = HTTP_PARSER_PHASE_FAILED;
    parser->fault = fault;
    parser->fault_reason = reason;
    return HTTP_PARSER_FAULT;
}

/* Inside a callback: llhttp stops and the fault is found behind it. */
static int callback_fail(struct http_parser *parser, enum http_fault fault, const char *reason)
{
    (void)parser_fail(parser, fault, reason);
    return HPE_USER;
}

/* --- what llhttp tells --- */

static int callback_trailer(struct http_parser *parser, size_t len)
{
    parser->extra_bytes += len;
    if (parser->extra_bytes > parser->limits->header_bytes_max) {
        return callback_fail(parser, HTTP_FAULT_FRAMING, "The trailer of the body is too large.");
    }
    return HPE_OK;
}

static bool fields_reserve(struct http_parser *parser)
{
    if (parser->field_count < parser->field_capacity) {
        return true;
    }
    unsigned capacity = parser->field_capacity == 0 ? FIELDS_FIRST : parser->field_capacity * 2;
    struct http_field_span *spans = realloc(parser->spans, capacity * sizeof *spans);
    if (spans == NULL) {
        return false;
    }
    parser->spans = spans;
    struct http_header *headers = realloc(parser->headers, capacity * sizeof *headers);
    if (headers == NULL) {
        return false;
    }
    parser->headers = headers;
    parser->field_capacity = capacity;
    return true;
}

static int on_header_field(llhttp_t *llhttp, const char *at, size_t len)
{
    struct http_parser *parser = llhttp->data;
    if (parser->phase == HTTP_PARSER_PHASE_BODY) {
        return callback_trailer(parser, len);
    }
    if (parser->field_count == parser->limits->headers_max) {
        return callback_fail(parser, HTTP_FAULT_HEADER_TOO_MANY, NULL);
    }
    if (!fields_reserve(parser)) {
        return callback_fail(parser, HTTP_FAULT_MEMORY, NULL);
    }
    uint32_t offset = (uint32_t)(at - parser->head.data);
    parser->spans[parser->field_count] = (struct http_field_span){
        .name_at = offset, .name_len = (uint32_t)len, .value_at = offset, .value_len = 0};
    parser->field_count++;
    return HPE_OK;
}

static int on_header_value(llhttp_t *llhttp, const char *at, size_t len)
{
    struct http_parser *parser = llhttp->data;
    if (parser->phase == HTTP_PARSER_PHASE_BODY) {
        return callback_trailer(parser, len);
    }
    ASSERT(parser->field_count > 0);
    struct http_field_span *span = &parser->spans[parser->field_count - 1];
    if (len > 0) {
        span->value_at = (uint32_t)(at - parser->head.data);
        span->value_len = (uint32_t)len;
    }
    return HPE_OK;
}

/* An Upgrade is not taken up, so what follows is HTTP as ever (RFC 9110 section 7.8). */
static int on_headers_complete(llhttp_t *llhttp)
{
    struct http_parser *parser = llhttp->data;
    llhttp->upgrade = 0;
    parser->keep_alive =
        llhttp_should_keep_alive(llhttp) != 0 && (llhttp->flags & F_CONNECTION_CLOSE) == 0;
    return HPE_OK;
}

static int on_chunk_extension(llhttp_t *llhttp, const char *at, size_t len)
{
    (void)at;
    struct http_parser *parser = llhttp->data;
    parser->extra_bytes += len;
    if (parser->extra_bytes > CHUNK_EXTENSION_MAX) {
        return callback_fail(parser, HTTP_FAULT_FRAMING, "The chunk extensions are too large.");
    }
    return HPE_OK;
}

static int on_chunk_header(llhttp_t *llhttp)
{
    struct http_parser *parser = llhttp->data;
    if (llhttp->content_length > parser->body_bytes_max - parser->content_bytes) {
        return callback_fail(parser, HTTP_FAULT_BODY_TOO_LARGE, NULL);
    }
    return HPE_OK;
}

static int on_body(llhttp_t *llhttp, const char *at, size_t len)
{
    struct http_parser *parser = llhttp->data;
    if (len > parser->body_bytes_max - parser->content_bytes) {
        return callback_fail(parser, HTTP_FAULT_BODY_TOO_LARGE, NULL);
    }
    parser->content_bytes += len;
    if (parser->sink != NULL) {
        enum http_fault fault = parser->sink(parser->sink_context, at, len);
        return fault == HTTP_FAULT_NONE ? HPE_OK : callback_fail(parser, fault, NULL);
    }
    size_t expected =
        parser->framing.has_content_length ? (size_t)parser->framing.content_length : 0;
    switch (http_body_append(&parser->body, at, len, expected)) {
    case STATUS_OK:
        return HPE_OK;
    case STATUS_BUSY:
        return callback_fail(parser, HTTP_FAULT_BODY_MEMORY, NULL);
    default:
        return callback_fail(parser, HTTP_FAULT_MEMORY, NULL);
    }
}

static int on_message_complete(llhttp_t *llhttp)
{
    struct http_parser *parser = llhttp->data;
    parser->message_complete = true;
    return HPE_PAUSED; /* what follows is the next request, which is somebody else's */
}

static const llhttp_settings_t parser_settings = {
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_headers_complete = on_headers_complete,
    .on_chunk_extension_name = on_chunk_extension,
    .on_chunk_extension_value = on_chunk_extension,
    .on_chunk_header = on_chunk_header,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

/* --- life --- */

void http_parser_init(struct http_parser *parser, const struct http_limits *limits,
                      struct memory_budget *memory)
{
    *parser = (struct http_parser){.limits = limits};
    buffer_init(&parser->head, limits->header_bytes_max);
    http_body_init(&parser->body, memory);
    http_parser_reset(parser, false);
}

static void head_reset(struct http_parser *parser, bool trim)
{
    if (trim || parser->head.capacity > HEAD_KEPT_BYTES) {
        buffer_deinit(&parser->head);
        buffer_init(&parser->head, parser->limits->header_bytes_max);
    } else {
        buffer_clear(&parser->head);
    }
    parser->line_at = 0;
}

static void fields_deinit(struct http_parser *parser)
{
    free(parser->spans);
    free(parser->headers);
    parser->spans = NULL;
    parser->headers = NULL;
    parser->field_capacity = 0;
}

void http_parser_reset(struct http_parser *parser, bool trim)
{
    head_reset(parser, trim);
    if (trim) {
        fields_deinit(parser);
        http_body_deinit(&parser->body);
    }
    http_body_reset(&parser->body);
    llhttp_init(&parser->llhttp, HTTP_REQUEST, &parser_settings);
    parser->llhttp.data = parser;
    parser->phase = HTTP_PARSER_PHASE_LINE;
    parser->fault = HTTP_FAULT_NONE;
    parser->fault_reason = NULL;
    parser->request = (struct http_request){0};
    parser->framing = (struct http_framing){0};
    parser->line = (struct http_request_line){0};
    parser->keep_alive = false;
    parser->message_complete = false;
    parser->field_count = 0;
    parser->body_bytes_max = 0;
    parser->sink = NULL;
    parser->content_bytes = 0;
    parser->extra_bytes = 0;
    parser->framing_bytes = 0;
}

void http_parser_release_body(struct http_parser *parser)
{
    http_body_reset(&parser->body);
    parser->request.body = NULL;
    parser->request.body_len = 0;
}

void http_parser_deinit(struct http_parser *parser)
{
    buffer_deinit(&parser->head);
    fields_deinit(parser);
    http_body_deinit(&parser->body);
}

/* --- the head --- */

static enum http_parser_event parser_fail_llhttp(struct http_parser *parser)
{
    if (parser->phase == HTTP_PARSER_PHASE_FAILED) {
        return HTTP_PARSER_FAULT; /* a callback has said why */
    }
    return parser_fail(parser, HTTP_FAULT_FRAMING, NULL);
}

static enum http_parser_event llhttp_feed(struct http_parser *parser, const char *data, size_t len)
{
    llhttp_errno_t result = llhttp_execute(&parser->llhttp, data, len);
    bool went_well = result == HPE_OK || (result == HPE_PAUSED && parser->message_complete &&
                                          llhttp_get_error_pos(&parser->llhttp) == data + len);
    return went_well ? HTTP_PARSER_MORE : parser_fail_llhttp(parser);
}

/* CRLF at the end and no other CR, LF or NUL: `line` ends with the first LF. */
static bool line_ends_well(struct str line)
{
    const char *carriage_return = memchr(line.data, '\r', line.len);
    return line.len >= 2 && carriage_return == line.data + line.len - 2 &&
           memchr(line.data, '\0', line.len) == NULL;
}

static enum http_parser_event take_request_line(struct http_parser *parser, struct str line)
{
    struct http_request_line *parsed = &parser->line;
    const char *reason = NULL;
    struct str text = {line.data, line.len - 2};
    enum http_fault fault = http_request_line_parse(text, parsed, &reason);
    if (fault != HTTP_FAULT_NONE) {
        return parser_fail(parser, fault, reason);
    }
    if (parsed->target_len > parser->limits->target_bytes_max) {
        return parser_fail(parser, HTTP_FAULT_TARGET_TOO_LONG, NULL);
    }
    parser->phase = HTTP_PARSER_PHASE_FIELDS;
    enum http_parser_event event = llhttp_feed(parser, stand_in_method, sizeof stand_in_method - 1);
    if (event != HTTP_PARSER_MORE) {
        return event;
    }
    return llhttp_feed(parser, line.data + parsed->token.len, line.len - parsed->token.len);
}

/* The head has its place now; if it moved while it grew, the slices of the request line have to
 * follow it. */
static void request_line_follow(struct http_parser *parser)
{
    const char *text = parser->head.data;
    if (parser->line.token.data == text) {
        return;
    }
    const char *end = memchr(text, '\r', parser->head.len);
    const char *reason;
    enum http_fault fault =
        http_request_line_parse((struct str){text, (size_t)(end - text)}, &parser->line, &reason);
    ASSERT(fault == HTTP_FAULT_NONE);
}

static void request_fill(struct http_parser *parser)
{
    struct http_request *request = &parser->request;
    const char *text = parser->head.data;
    request_line_follow(parser);
    for (unsigned i = 0; i < parser->field_count; i++) {
        const struct http_field_span *span = &parser->spans[i];
        parser->headers[i] = (struct http_header){
            .name = {text + span->name_at, span->name_len},
            .value = str_trim((struct str){text + span->value_at, span->value_len}),
        };
    }
    request->method = parser->line.method;
    request->path = parser->line.path;
    request->query = parser->line.query;
    request->headers = parser->headers;
    request->header_count = parser->field_count;
}

static enum http_parser_event head_complete(struct http_parser *parser)
{
    request_fill(parser);
    const char *reason = NULL;
    enum http_fault fault =
        http_framing_read(&parser->request, parser->line.http_1_0, &parser->framing, &reason);
    if (fault != HTTP_FAULT_NONE) {
        return parser_fail(parser, fault, reason);
    }
    struct http_framing *framing = &parser->framing;
    bool library_agrees =
        framing->chunked == ((parser->llhttp.flags & F_CHUNKED) != 0) &&
        framing->content_length == (framing->chunked ? 0 : parser->llhttp.content_length) &&
        parser->message_complete == !http_parser_expects_body(parser);
    if (!library_agrees) {
        return parser_fail(parser, HTTP_FAULT_FRAMING, NULL);
    }
    parser->request.has_body = framing->chunked || framing->has_content_length;
    parser->phase = HTTP_PARSER_PHASE_BODY;
    return HTTP_PARSER_HEADER;
}

static enum http_parser_event take_line(struct http_parser *parser)
{
    struct str line = {parser->head.data + parser->line_at, parser->head.len - parser->line_at};
    parser->line_at = parser->head.len;
    if (!line_ends_well(line)) {
        return parser_fail(parser, HTTP_FAULT_FRAMING,
                           "A line of the header does not end with CR LF, or holds one inside.");
    }
    if (parser->phase == HTTP_PARSER_PHASE_LINE) {
        return take_request_line(parser, line);
    }
    if (line.data[0] == ' ' || line.data[0] == '\t') {
        return parser_fail(parser, HTTP_FAULT_FRAMING,
                           "A header field goes on in a further line, which HTTP/1.1 forbids.");
    }
    enum http_parser_event event = llhttp_feed(parser, line.data, line.len);
    return event == HTTP_PARSER_MORE && line.len == 2 ? head_complete(parser) : event;
}

static enum http_parser_event head_too_large(struct http_parser *parser)
{
    bool in_target = parser->phase == HTTP_PARSER_PHASE_LINE;
    return parser_fail(parser, in_target ? HTTP_FAULT_TARGET_TOO_LONG : HTTP_FAULT_HEADER_TOO_LARGE,
                       NULL);
}

/* What has come of a request line that is not complete yet. */
static enum http_parser_event check_partial_line(struct http_parser *parser)
{
    struct str part = buffer_str(&parser->head);
    if (parser->phase != HTTP_PARSER_PHASE_LINE || part.len == 0) {
        return HTTP_PARSER_MORE;
    }
    if (!http_request_line_may_begin(part)) {
        return parser_fail(parser, HTTP_FAULT_FRAMING, "The request does not begin with a method.");
    }
    size_t longest =
        HTTP_METHOD_BYTES_MAX + parser->limits->target_bytes_max + sizeof "  HTTP/1.1\r";
    return part.len > longest ? head_too_large(parser) : HTTP_PARSER_MORE;
}

static enum http_parser_event feed_head(struct http_parser *parser, const char *data, size_t len,
                                        size_t *out_used)
{
    enum http_parser_event event = HTTP_PARSER_MORE;
    size_t used = 0;
    while (event == HTTP_PARSER_MORE && used < len) {
        const char *end = memchr(data + used, '\n', len - used);
        size_t part = end == NULL ? len - used : (size_t)(end + 1 - (data + used));
        buffer_append(&parser->head, data + used, part);
        if (parser->head.failed != STATUS_OK) {
            event = parser->head.failed == STATUS_TOO_LARGE
                        ? head_too_large(parser)
                        : parser_fail(parser, HTTP_FAULT_MEMORY, NULL);
            break;
        }
        used += part;
        event = end == NULL ? check_partial_line(parser) : take_line(parser);
    }
    *out_used = used;
    return event;
}

/* --- the body --- */

bool http_parser_expects_body(const struct http_parser *parser)
{
    return parser->framing.chunked || parser->framing.content_length > 0;
}

enum http_parser_event http_parser_accept_body(struct http_parser *parser, size_t bytes_max)
{
    ASSERT(parser->phase == HTTP_PARSER_PHASE_BODY);
    parser->body_bytes_max = bytes_max;
    if (parser->framing.content_length > bytes_max) {
        return parser_fail(parser, HTTP_FAULT_BODY_TOO_LARGE, NULL);
    }
    return HTTP_PARSER_MORE;
}

enum http_fault http_parser_finish_body(struct http_parser *parser)
{
    struct http_request *request = &parser->request;
    if (request->has_body) {
        enum status status = http_body_finish(&parser->body);
        if (status != STATUS_OK) {
            return status == STATUS_BUSY ? HTTP_FAULT_BODY_MEMORY : HTTP_FAULT_MEMORY;
        }
        request->body = parser->body.data;
        request->body_len = parser->body.len;
    }
    return HTTP_FAULT_NONE;
}

static enum http_parser_event body_complete(struct http_parser *parser)
{
    if (parser->sink == NULL) {
        enum http_fault fault = http_parser_finish_body(parser);
        if (fault != HTTP_FAULT_NONE) {
            return parser_fail(parser, fault, NULL);
        }
    }
    parser->phase = HTTP_PARSER_PHASE_DONE;
    return HTTP_PARSER_COMPLETE;
}

/* Only chunk sizes padded with zeros can make more of it than the bytes of the body explain. */
static bool framing_is_sane(const struct http_parser *parser)
{
    return parser->framing_bytes <= parser->limits->header_bytes_max + CHUNK_OVERHEAD_MIN +
                                        CHUNK_OVERHEAD_PER_BYTE * parser->content_bytes;
}

static enum http_parser_event feed_body(struct http_parser *parser, const char *data, size_t len,
                                        size_t *out_used)
{
    if (parser->message_complete) {
        *out_used = 0;
        return body_complete(parser);
    }
    if (len == 0) {
        *out_used = 0;
        return HTTP_PARSER_MORE;
    }
    uint64_t content_before = parser->content_bytes;
    llhttp_errno_t result = llhttp_execute(&parser->llhttp, data, len);
    bool complete = result == HPE_PAUSED && parser->message_complete;
    *out_used = complete ? (size_t)(llhttp_get_error_pos(&parser->llhttp) - data) : len;
    if (result != HPE_OK && !complete) {
        return parser_fail_llhttp(parser);
    }
    parser->framing_bytes += *out_used - (parser->content_bytes - content_before);
    if (!framing_is_sane(parser)) {
        return parser_fail(parser, HTTP_FAULT_FRAMING, "The chunk sizes are padded too much.");
    }
    return complete ? body_complete(parser) : HTTP_PARSER_MORE;
}

enum http_parser_event http_parser_feed(struct http_parser *parser, const char *data, size_t len,
                                        size_t *out_used)
{
    switch (parser->phase) {
    case HTTP_PARSER_PHASE_LINE:
    case HTTP_PARSER_PHASE_FIELDS:
        return feed_head(parser, data, len, out_used);
    case HTTP_PARSER_PHASE_BODY:
        return feed_body(parser, data, len, out_used);
    default:
        ASSERT(parser->phase == HTTP_PARSER_PHASE_BODY);
        return HTTP_PARSER_FAULT;
    }
}
