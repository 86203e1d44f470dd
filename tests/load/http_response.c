#include "http_response.h"

#include "tool.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { SPACE_MIN = 64 * 1024, HEAD_BYTES_MAX = 64 * 1024 };

// A page of 1,000 activities with metadata of 64 KiB each is the greatest answer there can be.
#define BODY_BYTES_MAX ((size_t)80 * 1024 * 1024)

char *http_reader_space(struct http_reader *reader, size_t *out_space)
{
    if (reader->capacity - reader->len < SPACE_MIN) {
        reader->capacity = reader->capacity * 2 + SPACE_MIN;
        reader->bytes = tool_reallocate(reader->bytes, reader->capacity);
    }
    *out_space = reader->capacity - reader->len;
    return reader->bytes + reader->len;
}

void http_reader_received(struct http_reader *reader, size_t bytes)
{
    reader->len += bytes;
}

static bool parse_number(const char *text, size_t len, size_t limit, size_t *out_number)
{
    size_t number = 0;
    for (size_t digit = 0; digit < len; digit++) {
        if (text[digit] < '0' || text[digit] > '9' || number > limit)
            return false;
        number = number * 10 + (size_t)(text[digit] - '0');
    }
    *out_number = number;
    return len > 0 && number <= limit;
}

static bool is_named(const char *line, size_t name_len, const char *name)
{
    return strlen(name) == name_len && strncasecmp(line, name, name_len) == 0;
}

// One header line without its CRLF. False when it makes the answer unreadable.
static bool take_header(struct http_reader *reader, const char *line, size_t len)
{
    const char *colon = memchr(line, ':', len);
    if (colon == NULL)
        return false;
    size_t name_len = (size_t)(colon - line);
    const char *value = colon + 1;
    const char *end = line + len;
    while (value < end && *value == ' ')
        value++;
    while (end > value && end[-1] == ' ')
        end--;
    size_t value_len = (size_t)(end - value);
    size_t number = 0;
    if (is_named(line, name_len, "content-length"))
        return parse_number(value, value_len, BODY_BYTES_MAX, &reader->content_len);
    if (is_named(line, name_len, "transfer-encoding")) {
        reader->chunked = is_named(value, value_len, "chunked");
        return reader->chunked;
    }
    if (is_named(line, name_len, "connection") && is_named(value, value_len, "close"))
        reader->response.keep_alive = false;
    if (is_named(line, name_len, "retry-after") && parse_number(value, value_len, 3600, &number))
        reader->response.retry_after_s = (unsigned)number;
    return true;
}

// The head ends at head_len; its first line is "HTTP/1.1 202 Accepted".
static bool parse_head(struct http_reader *reader)
{
    const char *line = reader->bytes;
    const char *head_end = reader->bytes + reader->head_len - 2;
    size_t status = 0;
    bool has_length = false;
    if (reader->head_len < 15 || memcmp(line, "HTTP/1.1 ", 9) != 0 ||
        !parse_number(line + 9, 3, 999, &status))
        return false;
    reader->response = (struct http_response){.status = (unsigned)status, .keep_alive = true};
    reader->content_len = SIZE_MAX;
    reader->chunked = false;
    line = (const char *)memchr(line, '\n', reader->head_len) + 1;
    while (line < head_end) {
        const char *line_end = memchr(line, '\r', (size_t)(head_end - line));
        if (line_end == NULL || line_end[1] != '\n')
            return false;
        if (!take_header(reader, line, (size_t)(line_end - line)))
            return false;
        line = line_end + 2;
    }
    has_length = reader->content_len != SIZE_MAX;
    if (status < 200 || status == 204 || status == 304) {
        reader->content_len = 0;
        return !reader->chunked;
    }
    return has_length != reader->chunked;
}

static enum http_progress find_head(struct http_reader *reader)
{
    const char *end = reader->len < 4 ? NULL : memmem(reader->bytes, reader->len, "\r\n\r\n", 4);
    if (end == NULL)
        return reader->len > HEAD_BYTES_MAX ? HTTP_BROKEN : HTTP_PARTIAL;
    reader->head_len = (size_t)(end - reader->bytes) + 4;
    reader->chunk_read = reader->head_len;
    reader->chunk_written = reader->head_len;
    return parse_head(reader) ? HTTP_COMPLETE : HTTP_BROKEN;
}

static bool parse_chunk_size(const char *line, size_t len, size_t *out_bytes)
{
    size_t bytes = 0;
    if (len == 0 || len > 7)
        return false;
    for (size_t digit = 0; digit < len; digit++) {
        const char *found = strchr("0123456789abcdef", line[digit] | 32);
        if (found == NULL || *found == '\0')
            return false;
        bytes = bytes * 16 + (size_t)(found - "0123456789abcdef");
    }
    *out_bytes = bytes;
    return true;
}

// Moves every whole chunk to the end of the body decoded so far. COMPLETE after the last chunk.
static enum http_progress decode_chunks(struct http_reader *reader)
{
    for (;;) {
        size_t bytes = 0;
        char *line = reader->bytes + reader->chunk_read;
        char *line_end = memchr(line, '\n', reader->len - reader->chunk_read);
        if (line_end == NULL)
            return reader->len - reader->chunk_read > 16 ? HTTP_BROKEN : HTTP_PARTIAL;
        if (line_end == line || line_end[-1] != '\r' ||
            !parse_chunk_size(line, (size_t)(line_end - line) - 1, &bytes))
            return HTTP_BROKEN;
        size_t data = (size_t)(line_end + 1 - reader->bytes);
        if (reader->len < data + bytes + 2)
            return HTTP_PARTIAL;
        if (memcmp(reader->bytes + data + bytes, "\r\n", 2) != 0)
            return HTTP_BROKEN;
        memmove(reader->bytes + reader->chunk_written, reader->bytes + data, bytes);
        reader->chunk_written += bytes;
        reader->chunk_read = data + bytes + 2;
        if (bytes == 0)
            return HTTP_COMPLETE;
    }
}

enum http_progress http_reader_next(struct http_reader *reader, struct http_response *out_response)
{
    enum http_progress progress = HTTP_COMPLETE;
    if (reader->head_len == 0)
        progress = find_head(reader);
    if (progress != HTTP_COMPLETE)
        return progress;
    if (reader->chunked)
        progress = decode_chunks(reader);
    else if (reader->len < reader->head_len + reader->content_len)
        progress = HTTP_PARTIAL;
    if (progress != HTTP_COMPLETE)
        return progress;
    if (reader->response.status < 200) {
        http_reader_consume(reader);
        return http_reader_next(reader, out_response);
    }
    *out_response = reader->response;
    out_response->body = reader->bytes + reader->head_len;
    out_response->body_len =
        reader->chunked ? reader->chunk_written - reader->head_len : reader->content_len;
    return HTTP_COMPLETE;
}

void http_reader_consume(struct http_reader *reader)
{
    size_t used = reader->chunked ? reader->chunk_read : reader->head_len + reader->content_len;
    memmove(reader->bytes, reader->bytes + used, reader->len - used);
    reader->len -= used;
    reader->head_len = 0;
}

void http_reader_reset(struct http_reader *reader)
{
    reader->len = 0;
    reader->head_len = 0;
}

void http_reader_deinit(struct http_reader *reader)
{
    free(reader->bytes);
    *reader = (struct http_reader){0};
}
