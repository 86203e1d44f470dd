#pragma once
/*
 * Text of others where somebody acts on it: a terminal obeys control characters and escape
 * sequences, and readers of a log cut it at the ends of lines. Whatever they could act on becomes
 * its escape in JSON (\u009b), so that what was JSON still is; bytes that are no UTF-8 become
 * U+FFFD. Any thread.
 *
 * That is: C0, DEL and C1 (ECMA-48), the separators of lines and paragraphs, the characters that
 * turn the direction of what follows (Unicode TR36, "Bidirectional Text Spoofing"), and tags, which
 * nobody sees.
 */
#include "base/buffer.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum { VISIBLE_ESCAPE_BYTES = 13 }; /* two escapes of UTF-16 and a terminator */

bool visible_text_is_hidden(uint32_t code_point);

/* Takes the first character of `rest`, which is not empty, and returns it as it is shown: itself,
 * its escape in `out_escape`, or U+FFFD for a byte that belongs to none. */
struct str visible_text_next(struct str *rest, char out_escape[VISIBLE_ESCAPE_BYTES]);

/* Appends all of it as it is shown. */
void visible_text_append(struct buffer *buffer, struct str text);

/* The same as a string of JSON, with its quotes. */
void visible_text_append_string(struct buffer *buffer, struct str text);
