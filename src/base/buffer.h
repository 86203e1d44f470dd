#pragma once
/*
 * A growing run of bytes with a maximum that is chosen when it is made: no buffer can eat the
 * machine. The first failed append makes the buffer `failed`; later appends do nothing, so a writer
 * may append a whole document and look once at the end. One thread at a time.
 */
#include "base/macros.h"
#include "base/status.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer {
    char *data;
    size_t len;         /* bytes used */
    size_t capacity;    /* bytes allocated */
    size_t bytes_max;   /* never grows beyond this */
    enum status failed; /* STATUS_OK, STATUS_TOO_LARGE or STATUS_NO_MEMORY; sticks until cleared */
};

/* Allocates nothing yet. */
void buffer_init(struct buffer *buffer, size_t bytes_max);
void buffer_deinit(struct buffer *buffer);

/* Forgets the content and a failure, keeps the memory. */
void buffer_clear(struct buffer *buffer);

/* Makes room for `len` more bytes: TOO_LARGE beyond the maximum, NO_MEMORY. */
MUST_USE enum status buffer_reserve(struct buffer *buffer, size_t len);

/* buffer_append when there may be no room yet. */
void buffer_append_growing(struct buffer *buffer, const void *data, size_t len);

/* In line, because documents are written in many small pieces. */
static inline void buffer_append(struct buffer *buffer, const void *data, size_t len)
{
    if (len == 0) {
        return;
    }
    if (len > buffer->capacity - buffer->len || buffer->failed != STATUS_OK) {
        buffer_append_growing(buffer, data, len);
        return;
    }
    memcpy(buffer->data + buffer->len, data, len);
    buffer->len += len;
}

static inline void buffer_append_str(struct buffer *buffer, struct str s)
{
    buffer_append(buffer, s.data, s.len);
}

static inline void buffer_append_char(struct buffer *buffer, char c)
{
    buffer_append(buffer, &c, 1);
}

void buffer_append_u64(struct buffer *buffer, uint64_t value);                   /* in decimal */
void buffer_append_i64(struct buffer *buffer, int64_t value);                    /* in decimal */
void buffer_append_hex(struct buffer *buffer, const uint8_t *bytes, size_t len); /* lower case */
PRINTF_LIKE(2, 3) void buffer_append_format(struct buffer *buffer, const char *format, ...);

/* A string literal. */
#define buffer_append_literal(buffer, literal)                                                     \
    buffer_append((buffer), (literal), sizeof(literal) - 1)

/* Removes `len` bytes from the front and moves the rest down. */
void buffer_consume(struct buffer *buffer, size_t len);

/* The content as a slice that lives until the next change. */
static inline struct str buffer_str(const struct buffer *buffer)
{
    return (struct str){.data = buffer->data, .len = buffer->len};
}
