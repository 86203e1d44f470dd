#include "base/json_text.h"

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

void json_text_append_string(struct buffer *buffer, struct str s)
{
    buffer_append_char(buffer, '"');
    size_t plain = 0; /* where the run without escapes began */
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.data[i];
        if (needs_escape(c)) {
            buffer_append(buffer, s.data + plain, i - plain);
            append_escape(buffer, c);
            plain = i + 1;
        }
    }
    buffer_append(buffer, s.data + plain, s.len - plain);
    buffer_append_char(buffer, '"');
}
