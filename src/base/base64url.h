#pragma once
/*
 * base64url without padding (RFC 4648 section 5), for cursors and receipts, and base64 with padding
 * (section 4), for signed notes. Decoding is strict: one text for one value, so unused bits must be
 * zero. Any thread.
 */
#include "base/buffer.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

/* The text's length for `len` bytes. */
#define BASE64URL_LENGTH(len) (((len)*4 + 2) / 3)

void base64url_encode(const void *data, size_t len, struct buffer *out_text);

/* Writes at most `capacity` bytes; false when the text is not the one encoding of so many bytes. */
bool base64url_decode(struct str text, void *out_data, size_t capacity, size_t *out_len);

/* The same for base64. */
#define BASE64_LENGTH(len) (((len) + 2) / 3 * 4)

void base64_encode(const void *data, size_t len, struct buffer *out_text);
bool base64_decode(struct str text, void *out_data, size_t capacity, size_t *out_len);
