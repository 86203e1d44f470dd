#pragma once
/*
 * Writing JSON text (RFC 8259) into a buffer. Reading JSON is a library's work; writing is this one
 * rule about strings. Any thread.
 */
#include "base/buffer.h"
#include "base/str.h"

/* Appends `s` with quotes. Escapes only what JSON demands: quote, backslash, U+0000..U+001F. `s`
 * must be well-formed UTF-8 for the result to be JSON. */
void json_text_append_string(struct buffer *buffer, struct str s);
