#pragma once
/*
 * Walking through JSON text that was checked when it came in and is kept without white space, such
 * as stored metadata: finds where a value ends, without memory of its own and without recursion.
 * This is no parser and refuses little of what is not JSON; but whatever the text is, nothing
 * outside of it is read and every walk ends. Any thread.
 *
 * Each function works at the front of `*rest` and moves past what it takes; when one says false,
 * that is not there, and `*rest` may stand anywhere in what is left.
 */
#include "base/buffer.h"
#include "base/str.h"

#include <stdbool.h>

/* White space, for who walks through text that may have some; a word then ends with it. */
void json_walk_space(struct str *rest);

/* The text without the white space around it. */
struct str json_walk_trim(struct str text);

/* A bracket, a comma or a colon. When it is something else, `*rest` stays. */
bool json_walk_char(struct str *rest, char c);

/* Whether this character comes next. */
static inline bool json_walk_at(const struct str *rest, char c)
{
    return rest->len > 0 && rest->data[0] == c;
}

/* A string; what stands between its quotes, escapes as they are. */
bool json_walk_string(struct str *rest, struct str *out_content);

/* A number, true, false or null, as its text. */
bool json_walk_word(struct str *rest, struct str *out_word);

/* Any value. */
bool json_walk_skip(struct str *rest);

/* Whether the content of a string, unescaped, is `text`. A lone surrogate is nothing's equal. */
bool json_walk_string_is(struct str content, struct str text);

/* Appends the content of a string, unescaped. False at a lone surrogate or what is no escape; then
 * some of it may be appended. */
bool json_walk_unescape(struct str content, struct buffer *out_text);
