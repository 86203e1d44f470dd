#pragma once
/*
 * UTF-8 (RFC 3629): shortest form only, no surrogates, at most U+10FFFF. Any thread.
 */
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads the code point at the front of `*rest` and moves past it. False at a malformed sequence,
 * which leaves both untouched; `rest` must not be empty. */
bool utf8_next(struct str *rest, uint32_t *out_code_point);

/* True when all of it is well formed; the number of code points on success. */
bool utf8_count(struct str s, size_t *out_code_points);

/* Whether it is nothing but visible ASCII and spaces: well formed, without control characters, a
 * byte for each code point. Most texts are, and this is told eight bytes at a time. */
bool utf8_is_plain_ascii(struct str s);

/* Cuts a terminated text behind its last whole character, as when snprintf may have cut one in two;
 * at the first malformed sequence, where there is one. */
void utf8_trim(char *text);

/* C0 (U+0000..U+001F), DEL (U+007F) and C1 (U+0080..U+009F). */
bool utf8_is_control(uint32_t code_point);
