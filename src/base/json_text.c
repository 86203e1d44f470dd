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

/* The offset of the next byte that needs an escape; the length when there is none. */
static size_t find_escape(struct str s, size_t at)
{
    for (; s.len - at >= WORD_BYTES; at += WORD_BYTES) {
        uint64_t word = word_load(s.data + at);
        uint64_t marks =
            word_holds_below(word, 0x20) | word_holds(word, '"') | word_holds(word, '\\');
        if (marks != 0) {
            return at + word_first(marks);
        }
    }
    while (at < s.len && !needs_escape((unsigned char)s.data[at])) {
        at++;
    }
    return at;
}

void json_text_append_string(struct buffer *buffer, struct str s)
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
