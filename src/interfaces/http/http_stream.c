#include "interfaces/http/http_stream.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    WAITING_BYTES_MAX = 4 * 1024 * 1024, /* of one stream, whatever its writer does */
    KEPT_BYTES = 16 * 1024,              /* of each run of bytes, when nothing waits */
    UNCHARGED_BYTES_MAX = 16 * 1024,     /* as for whole answers */
    CHUNK_OVERHEAD_BYTES = 32            /* size in hexadecimal, two line ends, the last chunk */
};

struct http_stream *http_stream_new(const struct http_stream_writer *writer, bool chunked)
{
    struct http_stream *stream = calloc(1, sizeof *stream);
    if (stream != NULL) {
        stream->writer = writer;
        stream->chunked = chunked;
        buffer_init(&stream->sending, WAITING_BYTES_MAX);
        buffer_init(&stream->waiting, WAITING_BYTES_MAX);
    }
    return stream;
}

void http_stream_free(struct http_stream *stream, struct memory_budget *memory)
{
    if (stream != NULL) {
        buffer_deinit(&stream->sending);
        buffer_deinit(&stream->waiting);
        memory_budget_release(memory, stream->charged);
        free(stream);
    }
}

size_t http_stream_unsent_bytes(const struct http_stream *stream)
{
    return stream->sending.len + stream->waiting.len;
}

/* --- writing --- */

enum status http_stream_add_head(struct http_stream *stream, const struct http_response *response,
                                 const struct http_response_frame *frame)
{
    http_response_render(response, frame, &stream->waiting);
    return stream->waiting.failed;
}

/* False when the bound is reached. */
static bool charge(struct http_stream *stream, struct memory_budget *memory, size_t bytes)
{
    size_t wanted = bytes > UNCHARGED_BYTES_MAX ? bytes : 0;
    if (wanted <= stream->charged) {
        return true;
    }
    if (!memory_budget_charge(memory, wanted - stream->charged)) {
        return false;
    }
    stream->charged = wanted;
    return true;
}

static void append_chunk(struct http_stream *stream, const char *data, size_t len)
{
    if (stream->chunked) {
        buffer_append_format(&stream->waiting, "%zx\r\n", len);
    }
    buffer_append(&stream->waiting, data, len);
    if (stream->chunked) {
        buffer_append_literal(&stream->waiting, "\r\n");
    }
}

enum status http_stream_add(struct http_stream *stream, struct memory_budget *memory,
                            const char *data, size_t len)
{
    if (len == 0) {
        return STATUS_OK; /* an empty chunk would be the end */
    }
    if (len > WAITING_BYTES_MAX - CHUNK_OVERHEAD_BYTES ||
        stream->waiting.len > WAITING_BYTES_MAX - CHUNK_OVERHEAD_BYTES - len ||
        !charge(stream, memory, http_stream_unsent_bytes(stream) + len)) {
        return STATUS_BUSY;
    }
    size_t before = stream->waiting.len;
    append_chunk(stream, data, len);
    enum status status = stream->waiting.failed;
    if (status != STATUS_OK) {
        stream->waiting.failed = STATUS_OK;
        stream->waiting.len = before;
    }
    return status;
}

enum status http_stream_add_end(struct http_stream *stream)
{
    if (stream->chunked) {
        buffer_append_literal(&stream->waiting, "0\r\n\r\n");
    }
    return stream->waiting.failed;
}

/* --- sending --- */

struct str http_stream_take(struct http_stream *stream)
{
    if (stream->sending.len == 0) {
        struct buffer empty = stream->sending;
        stream->sending = stream->waiting;
        stream->waiting = empty;
    }
    return buffer_str(&stream->sending);
}

static void trim(struct buffer *buffer)
{
    if (buffer->len == 0 && buffer->capacity > KEPT_BYTES) {
        buffer_deinit(buffer);
        buffer_init(buffer, WAITING_BYTES_MAX);
    }
}

void http_stream_sent(struct http_stream *stream, struct memory_budget *memory)
{
    buffer_clear(&stream->sending);
    trim(&stream->sending);
    size_t unsent = http_stream_unsent_bytes(stream);
    size_t wanted = unsent > UNCHARGED_BYTES_MAX ? unsent : 0;
    if (wanted < stream->charged) {
        memory_budget_release(memory, stream->charged - wanted);
        stream->charged = wanted;
    }
}
