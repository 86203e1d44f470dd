#include "base/visible_text.h"

#include "base/json_text.h"
#include "base/macros.h"
#include "base/utf8.h"

#include <stdio.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

enum { SUPPLEMENT = 0x10000 }; /* from here on UTF-16 takes two units */

/* Beside the control characters. */
static const struct range {
    uint32_t first;
    uint32_t last;
} hidden[] = {
    {0x061c, 0x061c},   /* Arabic letter mark */
    {0x200e, 0x200f},   /* marks of direction */
    {0x2028, 0x202e},   /* separators; embeddings and overrides of direction */
    {0x2066, 0x2069},   /* isolates */
    {0xe0000, 0xe007f}, /* tags */
};

bool visible_text_is_hidden(uint32_t code_point)
{
    bool found = utf8_is_control(code_point);
    for (size_t i = 0; i < ARRAY_LENGTH(hidden) && !found; i++) {
        found = code_point >= hidden[i].first && code_point <= hidden[i].last;
    }
    return found;
}

static struct str escape(uint32_t code_point, char out_escape[VISIBLE_ESCAPE_BYTES])
{
    uint32_t above = code_point - SUPPLEMENT;
    int len = code_point < SUPPLEMENT
                  ? snprintf(out_escape, VISIBLE_ESCAPE_BYTES, "\\u%04x", code_point & 0xffff)
                  : snprintf(out_escape, VISIBLE_ESCAPE_BYTES, "\\u%04x\\u%04x",
                             0xd800 | (above >> 10 & 0x3ff), 0xdc00 | (above & 0x3ff));
    return (struct str){out_escape, (size_t)len};
}

struct str visible_text_next(struct str *rest, char out_escape[VISIBLE_ESCAPE_BYTES])
{
    const char *begin = rest->data;
    uint32_t code_point;
    if (!utf8_next(rest, &code_point)) {
        rest->data++;
        rest->len--;
        return STR(REPLACEMENT);
    }
    return visible_text_is_hidden(code_point) ? escape(code_point, out_escape)
                                              : (struct str){begin, (size_t)(rest->data - begin)};
}

void visible_text_append(struct buffer *buffer, struct str text)
{
    char escaped[VISIBLE_ESCAPE_BYTES];
    if (utf8_is_plain_ascii(text)) {
        buffer_append_str(buffer, text);
        return;
    }
    while (text.len > 0) {
        buffer_append_str(buffer, visible_text_next(&text, escaped));
    }
}

void visible_text_append_string(struct buffer *buffer, struct str text)
{
    char escaped[VISIBLE_ESCAPE_BYTES];
    if (utf8_is_plain_ascii(text)) {
        json_text_append_string(buffer, text);
        return;
    }
    buffer_append_char(buffer, '"');
    while (text.len > 0) {
        char first = text.data[0];
        struct str shown = visible_text_next(&text, escaped);
        if (first == '"' || first == '\\') {
            buffer_append_char(buffer, '\\');
        }
        buffer_append_str(buffer, first == '\n' ? STR("\\n") : shown);
    }
    buffer_append_char(buffer, '"');
}
