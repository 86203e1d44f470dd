#pragma once
/*
 * What there is to know about the terminal behind a stream, and text that fits into its columns.
 * Main's thread.
 */
#include "base/buffer.h"

#include <stdbool.h>

/* On a terminal that has any, unless the user wants none (NO_COLOR, see no-color.org). */
bool terminal_has_colours(int descriptor);

/* 0: it is no terminal, or one that does not tell. */
unsigned terminal_columns(int descriptor);

/* Appends at most `columns_max` columns of the text, as visible_text.h shows it; an ellipsis ends
 * what was cut. Returns how many columns it takes: signs of East Asia take two, marks that combine
 * none. */
size_t terminal_text_append(struct buffer *out, struct str text, size_t columns_max);
