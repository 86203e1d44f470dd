#pragma once
/*
 * Writing BSON (bsonspec.org, version 1.1) straight into a buffer, so that a batch of documents is
 * one piece of memory that is sent as it is. A document is
 *
 *     length 4, its own included | elements | 0
 *     element: type 1 | key | 0 | value
 *
 * in little-endian; an array is a document whose keys are "0", "1", ... Keys hold no NUL: the
 * caller has seen to that. A buffer that has failed stays so: look at it once, at the end. In line,
 * since documents are written in many small pieces. One thread at a time.
 */
#include "base/buffer.h"
#include "base/little_endian.h"

enum document_type {
    DOCUMENT_DOUBLE = 0x01,
    DOCUMENT_STRING = 0x02,
    DOCUMENT_OBJECT = 0x03,
    DOCUMENT_ARRAY = 0x04,
    DOCUMENT_BINARY = 0x05,
    DOCUMENT_OBJECT_ID = 0x07,
    DOCUMENT_BOOL = 0x08,
    DOCUMENT_DATE = 0x09,
    DOCUMENT_NULL = 0x0a,
    DOCUMENT_INT32 = 0x10,
    DOCUMENT_INT64 = 0x12
};

enum { DOCUMENT_OBJECT_ID_BYTES = 12 };

static inline void document_write_u32(struct buffer *buffer, uint32_t value)
{
    char bytes[4];
    little_endian_put_u32(bytes, value);
    buffer_append(buffer, bytes, sizeof bytes);
}

static inline void document_write_u64(struct buffer *buffer, uint64_t value)
{
    char bytes[8];
    little_endian_put_u64(bytes, value);
    buffer_append(buffer, bytes, sizeof bytes);
}

/* Begins a document; what it returns is for the end of this one. */
static inline size_t document_begin(struct buffer *buffer)
{
    size_t begin = buffer->len;
    document_write_u32(buffer, 0);
    return begin;
}

static inline void document_end(struct buffer *buffer, size_t begin)
{
    buffer_append_char(buffer, '\0');
    if (buffer->failed == STATUS_OK) {
        little_endian_put_u32(buffer->data + begin, (uint32_t)(buffer->len - begin));
    }
}

static inline void document_put_key(struct buffer *buffer, enum document_type type, struct str key)
{
    buffer_append_char(buffer, (char)type);
    buffer_append_str(buffer, key);
    buffer_append_char(buffer, '\0');
}

/* A document or an array in one; ends by document_end. */
static inline size_t document_open(struct buffer *buffer, enum document_type type, struct str key)
{
    document_put_key(buffer, type, key);
    return document_begin(buffer);
}

/* The key of an element of an array. */
static inline void document_put_index(struct buffer *buffer, enum document_type type, size_t index)
{
    buffer_append_char(buffer, (char)type);
    buffer_append_u64(buffer, index);
    buffer_append_char(buffer, '\0');
}

static inline size_t document_open_index(struct buffer *buffer, enum document_type type,
                                         size_t index)
{
    document_put_index(buffer, type, index);
    return document_begin(buffer);
}

/* The value of a string, behind its key. */
static inline void document_write_text(struct buffer *buffer, struct str text)
{
    document_write_u32(buffer, (uint32_t)text.len + 1);
    buffer_append_str(buffer, text);
    buffer_append_char(buffer, '\0');
}

static inline void document_put_str(struct buffer *buffer, struct str key, struct str text)
{
    document_put_key(buffer, DOCUMENT_STRING, key);
    document_write_text(buffer, text);
}

static inline void document_put_i32(struct buffer *buffer, struct str key, int32_t value)
{
    document_put_key(buffer, DOCUMENT_INT32, key);
    document_write_u32(buffer, (uint32_t)value);
}

static inline void document_put_i64(struct buffer *buffer, struct str key, int64_t value)
{
    document_put_key(buffer, DOCUMENT_INT64, key);
    document_write_u64(buffer, (uint64_t)value);
}

static inline void document_put_date(struct buffer *buffer, struct str key, int64_t time_ms)
{
    document_put_key(buffer, DOCUMENT_DATE, key);
    document_write_u64(buffer, (uint64_t)time_ms);
}

static inline void document_put_bool(struct buffer *buffer, struct str key, bool value)
{
    document_put_key(buffer, DOCUMENT_BOOL, key);
    buffer_append_char(buffer, value ? 1 : 0);
}

static inline void document_put_null(struct buffer *buffer, struct str key)
{
    document_put_key(buffer, DOCUMENT_NULL, key);
}

/* The value of bytes without a meaning of their own, behind its key. */
static inline void document_write_binary(struct buffer *buffer, struct str bytes)
{
    document_write_u32(buffer, (uint32_t)bytes.len);
    buffer_append_char(buffer, '\0');
    buffer_append_str(buffer, bytes);
}

static inline void document_put_binary(struct buffer *buffer, struct str key, struct str bytes)
{
    document_put_key(buffer, DOCUMENT_BINARY, key);
    document_write_binary(buffer, bytes);
}

static inline void document_put_object_id(struct buffer *buffer, struct str key,
                                          const uint8_t bytes[DOCUMENT_OBJECT_ID_BYTES])
{
    document_put_key(buffer, DOCUMENT_OBJECT_ID, key);
    buffer_append(buffer, bytes, DOCUMENT_OBJECT_ID_BYTES);
}
