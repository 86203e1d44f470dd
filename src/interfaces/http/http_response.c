#include "interfaces/http/http_response.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/macros.h"
#include "base/word.h"

#include <stdio.h>
#include <time.h>

/* The status line and what the transport says itself, values of Content-Type left out. */
enum { OWN_FIELDS_BYTES_MAX = 512 };

enum { DELETE = 0x7f }; /* the control character behind the others */

struct status_line {
    int status;
    struct str line;
};

#define STATUS_LINE(code, words)                                                                   \
    {                                                                                              \
        code,                                                                                      \
        {                                                                                          \
            "HTTP/1.1 " #code " " words "\r\n", sizeof("HTTP/1.1 " #code " " words "\r\n") - 1     \
        }                                                                                          \
    }

/* The frequent ones first: the table is searched from the front. */
static const struct status_line status_lines[] = {
    STATUS_LINE(202, "Accepted"),
    STATUS_LINE(200, "OK"),
    STATUS_LINE(400, "Bad Request"),
    STATUS_LINE(201, "Created"),
    STATUS_LINE(204, "No Content"),
    STATUS_LINE(301, "Moved Permanently"),
    STATUS_LINE(302, "Found"),
    STATUS_LINE(303, "See Other"),
    STATUS_LINE(304, "Not Modified"),
    STATUS_LINE(307, "Temporary Redirect"),
    STATUS_LINE(308, "Permanent Redirect"),
    STATUS_LINE(401, "Unauthorized"),
    STATUS_LINE(403, "Forbidden"),
    STATUS_LINE(404, "Not Found"),
    STATUS_LINE(405, "Method Not Allowed"),
    STATUS_LINE(406, "Not Acceptable"),
    STATUS_LINE(408, "Request Timeout"),
    STATUS_LINE(409, "Conflict"),
    STATUS_LINE(410, "Gone"),
    STATUS_LINE(411, "Length Required"),
    STATUS_LINE(412, "Precondition Failed"),
    STATUS_LINE(413, "Content Too Large"),
    STATUS_LINE(414, "URI Too Long"),
    STATUS_LINE(415, "Unsupported Media Type"),
    STATUS_LINE(416, "Range Not Satisfiable"),
    STATUS_LINE(417, "Expectation Failed"),
    STATUS_LINE(422, "Unprocessable Content"),
    STATUS_LINE(429, "Too Many Requests"),
    STATUS_LINE(431, "Request Header Fields Too Large"),
    STATUS_LINE(500, "Internal Server Error"),
    STATUS_LINE(501, "Not Implemented"),
    STATUS_LINE(503, "Service Unavailable"),
    STATUS_LINE(504, "Gateway Timeout"),
    STATUS_LINE(505, "HTTP Version Not Supported"),
    STATUS_LINE(507, "Insufficient Storage"),
};

static void append_status_line(struct buffer *bytes, int status)
{
    for (size_t i = 0; i < ARRAY_LENGTH(status_lines); i++) {
        if (status_lines[i].status == status) {
            buffer_append_str(bytes, status_lines[i].line);
            return;
        }
    }
    buffer_append_format(bytes, "HTTP/1.1 %03d \r\n", status);
}

static bool is_clean_between(struct str value, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        unsigned char c = (unsigned char)value.data[i];
        if ((c < ' ' && c != '\t') || c == DELETE) {
            return false;
        }
    }
    return true;
}

/* By words, which most values pass as a whole: answers with limits say a hundred bytes of them. */
static bool value_is_clean(struct str value)
{
    size_t at = 0;
    for (; value.len - at >= WORD_BYTES; at += WORD_BYTES) {
        uint64_t word = word_load(value.data + at);
        bool suspect = (word_holds_below(word, ' ') | word_holds(word, DELETE)) != 0;
        if (suspect && !is_clean_between(value, at, at + WORD_BYTES)) {
            return false;
        }
    }
    return is_clean_between(value, at, value.len);
}

static void append_field(struct buffer *bytes, struct str name, struct str value)
{
    if (value_is_clean(value)) {
        buffer_append_str(bytes, name);
        buffer_append_literal(bytes, ": ");
        buffer_append_str(bytes, value);
        buffer_append_literal(bytes, "\r\n");
    }
}

static void append_persistence(struct buffer *bytes, enum http_persistence persistence)
{
    if (persistence == HTTP_PERSISTENCE_CLOSE) {
        buffer_append_literal(bytes, "Connection: close\r\n");
    } else if (persistence == HTTP_PERSISTENCE_KEEP) {
        buffer_append_literal(bytes, "Connection: keep-alive\r\n");
    }
}

/* These two never have a body and say so by themselves (RFC 9110 section 8.6). */
static bool has_content_length(int status)
{
    return status != 204 && status != 304;
}

size_t http_response_bytes_max(const struct http_response *response,
                               const struct http_response_frame *frame)
{
    size_t bytes = OWN_FIELDS_BYTES_MAX + response->content_type.len;
    for (size_t i = 0; i < response->header_count; i++) {
        bytes += response->headers[i].name.len + response->headers[i].value.len;
        bytes += sizeof ": \r\n" - 1;
    }
    return frame->without_body ? bytes : bytes + response->body.len;
}

static void append_framing(struct buffer *bytes, enum http_body_framing framing, size_t len)
{
    if (framing == HTTP_BODY_WHOLE) {
        buffer_append_literal(bytes, "Content-Length: ");
        buffer_append_u64(bytes, len);
        buffer_append_literal(bytes, "\r\n");
    } else if (framing == HTTP_BODY_CHUNKED) {
        buffer_append_literal(bytes, "Transfer-Encoding: chunked\r\n");
    }
}

void http_response_render(const struct http_response *response,
                          const struct http_response_frame *frame, struct buffer *out_bytes)
{
    ASSERT(response->status >= 200 && response->status <= 599);
    bool has_body = response->content_type.data != NULL && has_content_length(response->status);
    append_status_line(out_bytes, response->status);
    buffer_append_literal(out_bytes, "Date: ");
    buffer_append_str(out_bytes, frame->date);
    buffer_append_literal(out_bytes, "\r\n");
    if (has_body) {
        append_field(out_bytes, STR("Content-Type"), response->content_type);
    }
    if (has_content_length(response->status)) {
        append_framing(out_bytes, frame->framing, has_body ? response->body.len : 0);
    }
    for (size_t i = 0; i < response->header_count; i++) {
        append_field(out_bytes, response->headers[i].name, response->headers[i].value);
    }
    append_persistence(out_bytes, frame->persistence);
    buffer_append_literal(out_bytes, "\r\n");
    if (has_body && !frame->without_body) {
        buffer_append_str(out_bytes, response->body);
    }
}

void http_date_format(uint64_t wall_ns, char out_text[HTTP_DATE_BYTES])
{
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t seconds = (time_t)(wall_ns / NANOSECONDS_PER_SECOND);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    char text[64];
    snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[utc.tm_wday],
             utc.tm_mday, months[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min,
             utc.tm_sec);
    memcpy(out_text, text, HTTP_DATE_BYTES);
}
