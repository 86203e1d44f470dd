// Reads HTTP/1.1 answers from a byte stream: bodies by Content-Length or chunked, interim 1xx
// answers skipped. Minimal on purpose and strict where it matters to an oracle: what it does not
// understand is broken, never guessed. One reader per connection; one thread at a time.
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum http_progress { HTTP_PARTIAL, HTTP_COMPLETE, HTTP_BROKEN };

struct http_response {
    unsigned status;
    char *body; // in the reader, until http_reader_consume; may be changed
    size_t body_len;
    bool keep_alive;
    unsigned retry_after_s; // 0 when not given
};

struct http_reader {
    char *bytes;
    size_t len;
    size_t capacity;
    // Of the answer being read; head_len is 0 while the head is incomplete.
    size_t head_len;
    size_t content_len;
    bool chunked;
    size_t chunk_read;    // offset of the next chunk's size line
    size_t chunk_written; // end of the body decoded in place so far
    struct http_response response;
};

// Where the next bytes may be received to, at least 64 KiB; then tell how many came.
char *http_reader_space(struct http_reader *reader, size_t *out_space);
void http_reader_received(struct http_reader *reader, size_t bytes);

// Whether a whole answer is there. COMPLETE fills out_response; call http_reader_consume after it
// was used and before asking again.
enum http_progress http_reader_next(struct http_reader *reader, struct http_response *out_response);
void http_reader_consume(struct http_reader *reader);

// Forgets everything, for a new connection; keeps the memory.
void http_reader_reset(struct http_reader *reader);
void http_reader_deinit(struct http_reader *reader);
