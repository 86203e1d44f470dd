#include "base/buffer.h"

#include "base/assert.h"
#include "base/digits.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUFFER_FIRST_BYTES = 256 };

void buffer_init(struct buffer *buffer, size_t bytes_max)
{
    *buffer = (struct buffer){.bytes_max = bytes_max};
}

void buffer_deinit(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct buffer){.bytes_max = buffer->bytes_max};
}

void buffer_clear(struct buffer *buffer)
{
    buffer->len = 0;
    buffer->failed = STATUS_OK;
}

static enum status buffer_fail(struct buffer *buffer, enum status status)
{
    buffer->failed = status;
    return status;
}

/* Doubles, so that appending n bytes costs O(n) in all. */
static enum status buffer_grow(struct buffer *buffer, size_t needed)
{
    size_t capacity = buffer->capacity == 0 ? BUFFER_FIRST_BYTES : buffer->capacity;
    while (capacity < needed && capacity <= buffer->bytes_max / 2) {
        capacity *= 2;
    }
    if (capacity < needed || capacity > buffer->bytes_max) {
        capacity = buffer->bytes_max;
    }
    char *data = realloc(buffer->data, capacity);
    if (data == NULL) {
        return buffer_fail(buffer, STATUS_NO_MEMORY);
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return STATUS_OK;
}

enum status buffer_reserve(struct buffer *buffer, size_t len)
{
    if (buffer->failed != STATUS_OK) {
        return buffer->failed;
    }
    if (len <= buffer->capacity - buffer->len) {
        return STATUS_OK;
    }
    if (len > buffer->bytes_max - buffer->len) {
        return buffer_fail(buffer, STATUS_TOO_LARGE);
    }
    return buffer_grow(buffer, buffer->len + len);
}

void buffer_append_growing(struct buffer *buffer, const void *data, size_t len)
{
    if (buffer_reserve(buffer, len) == STATUS_OK) {
        memcpy(buffer->data + buffer->len, data, len);
        buffer->len += len;
    }
}

void buffer_append_u64(struct buffer *buffer, uint64_t value)
{
    char digits[20];
    size_t first = sizeof digits;
    do {
        digits[--first] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    buffer_append(buffer, digits + first, sizeof digits - first);
}

void buffer_append_hex(struct buffer *buffer, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char two[2];
        digits_write_bytes(&bytes[i], 1, two);
        buffer_append(buffer, two, sizeof two);
    }
}

void buffer_append_i64(struct buffer *buffer, int64_t value)
{
    if (value < 0) {
        buffer_append_char(buffer, '-');
    }
    buffer_append_u64(buffer, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void buffer_append_format(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    int len = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    ASSERT(len >= 0);
    /* vsnprintf wants room for its terminator, which is not counted as content. */
    if (buffer_reserve(buffer, (size_t)len + 1) == STATUS_OK) {
        vsnprintf(buffer->data + buffer->len, (size_t)len + 1, format, again);
        buffer->len += (size_t)len;
    }
    va_end(again);
}

void buffer_consume(struct buffer *buffer, size_t len)
{
    ASSERT(len <= buffer->len);
    buffer->len -= len;
    if (buffer->len > 0 && len > 0) {
        memmove(buffer->data, buffer->data + len, buffer->len);
    }
}
