#include "base/json_text.h"

#include "base/word.h"

#include <stdbool.h>

static bool needs_escape(unsigned char c)
{
    return c < 0x20 || c == '"' || c == '\\';
}

static void append_escape(struct buffer *buffer, unsigned char c)
{
    static const char short_names[] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n',  ['\f'] = 'f',
        ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\',
    };
    if (c < sizeof short_names && short_names[c] != '\0') {
        char text[] = {'\\', short_names[c]};
        buffer_append(buffer, text, sizeof text);
    } else {
        buffer_append_format(buffer, "\\u%04x", c);
    }
}

/* Marks bytes that need an escape. */
static uint64_t escapes_in(uint64_t word)
{
    return word_holds_below(word, 0x20) | word_holds(word, '"') | word_holds(word, '\\');
}

/* The offset of the next byte that needs an escape; the length when there is none. */
static size_t find_escape(struct str s, size_t at)
{
    for (; s.len - at >= WORD_BYTES; at += WORD_BYTES) {
        uint64_t marks = escapes_in(word_load(s.data + at));
        if (marks != 0) {
            return at + word_first(marks);
        }
    }
    while (at < s.len && !needs_escape((unsigned char)s.data[at])) {
        at++;
    }
    return at;
}

static void append_escaping(struct buffer *buffer, struct str s)
{
    buffer_append_char(buffer, '"');
    size_t plain = 0; /* where the run without escapes begins */
    for (size_t end; (end = find_escape(s, plain)) < s.len; plain = end + 1) {
        buffer_append(buffer, s.data + plain, end - plain);
        append_escape(buffer, (unsigned char)s.data[end]);
    }
    buffer_append(buffer, s.data + plain, s.len - plain);
    buffer_append_char(buffer, '"');
}

/* False when there is an escape to be made. The last word may begin in the one before. */
static bool copy_plain(char *into, struct str s)
{
    uint64_t marks = 0;
    if (s.len < WORD_BYTES) {
        for (size_t i = 0; i < s.len; i++) {
            marks |= needs_escape((unsigned char)s.data[i]);
            into[i] = s.data[i];
        }
        return marks == 0;
    }
    for (size_t at = 0; at < s.len - WORD_BYTES; at += WORD_BYTES) {
        uint64_t word = word_load(s.data + at);
        marks |= escapes_in(word);
        word_store(into + at, word);
    }
    uint64_t last = word_load(s.data + s.len - WORD_BYTES);
    word_store(into + s.len - WORD_BYTES, last);
    return (marks | escapes_in(last)) == 0;
}

/* Nearly all strings are short and need no escape: these are copied while that is seen. */
void json_text_append_string(struct buffer *buffer, struct str s)
{
    size_t room = buffer->failed == STATUS_OK ? buffer->capacity - buffer->len : 0;
    if (room < 2 || room - 2 < s.len || !copy_plain(buffer->data + buffer->len + 1, s)) {
        append_escaping(buffer, s);
        return;
    }
    buffer->data[buffer->len] = '"';
    buffer->len += s.len + 2;
    buffer->data[buffer->len - 1] = '"';
}
