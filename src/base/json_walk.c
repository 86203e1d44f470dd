#include "base/json_walk.h"

#include "base/digits.h"

#include <stdint.h>

enum { UTF8_BYTES_MAX = 4, UNIT_DIGITS = 4 };

static void move(struct str *rest, size_t bytes)
{
    rest->data += bytes;
    rest->len -= bytes;
}

/* Walking ----------------------------------------------------------------------------------- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

void json_walk_space(struct str *rest)
{
    while (rest->len > 0 && is_space(rest->data[0])) {
        move(rest, 1);
    }
}

struct str json_walk_trim(struct str text)
{
    json_walk_space(&text);
    while (text.len > 0 && is_space(text.data[text.len - 1])) {
        text.len--;
    }
    return text;
}

bool json_walk_char(struct str *rest, char c)
{
    if (!json_walk_at(rest, c)) {
        return false;
    }
    move(rest, 1);
    return true;
}

/* Whether an odd number of backslashes ends the text. */
static bool ends_escaping(const char *text, size_t len)
{
    size_t count = 0;
    while (count < len && text[len - 1 - count] == '\\') {
        count++;
    }
    return count % 2 == 1;
}

bool json_walk_string(struct str *rest, struct str *out_content)
{
    if (!json_walk_char(rest, '"')) {
        return false;
    }
    const char *content = rest->data;
    for (;;) {
        const char *quote = memchr(rest->data, '"', rest->len);
        if (quote == NULL) {
            return false;
        }
        size_t before = (size_t)(quote - rest->data);
        bool escaped = ends_escaping(rest->data, before);
        move(rest, before + 1);
        if (!escaped) {
            *out_content = (struct str){content, (size_t)(quote - content)};
            return true;
        }
    }
}

static bool ends_word(char c)
{
    return c == ',' || c == ']' || c == '}';
}

bool json_walk_word(struct str *rest, struct str *out_word)
{
    struct str word = {.data = rest->data};
    if (rest->len == 0) {
        return false;
    }
    while (word.len < rest->len && !ends_word(rest->data[word.len])) {
        word.len++;
    }
    move(rest, word.len);
    *out_word = word;
    return word.len > 0;
}

/* An object or an array, from its bracket to the one that closes it; which is of which kind was
 * seen to when the text came in. */
static bool skip_container(struct str *rest)
{
    size_t open = 0;
    do {
        struct str content;
        if (rest->len == 0) {
            return false;
        }
        char c = rest->data[0];
        if (c == '"') {
            if (!json_walk_string(rest, &content)) {
                return false;
            }
            continue;
        }
        open += c == '{' || c == '[';
        open -= c == '}' || c == ']';
        move(rest, 1);
    } while (open > 0);
    return true;
}

bool json_walk_skip(struct str *rest)
{
    struct str taken;
    if (json_walk_at(rest, '{') || json_walk_at(rest, '[')) {
        return skip_container(rest);
    }
    return json_walk_at(rest, '"') ? json_walk_string(rest, &taken) : json_walk_word(rest, &taken);
}

/* Strings ----------------------------------------------------------------------------------- */

/* The four digits behind "\u". */
static bool take_unit(struct str *rest, uint32_t *out_unit)
{
    uint32_t unit = 0;
    if (rest->len < UNIT_DIGITS) {
        return false;
    }
    for (size_t i = 0; i < UNIT_DIGITS; i++) {
        unsigned value;
        if (!digits_parse_hex(rest->data[i], &value)) {
            return false;
        }
        unit = unit << 4 | value;
    }
    move(rest, UNIT_DIGITS);
    *out_unit = unit;
    return true;
}

/* A code point, from one unit or from a pair of surrogates. */
static bool take_units(struct str *rest, uint32_t *out_code_point)
{
    uint32_t unit;
    uint32_t low;
    if (!take_unit(rest, &unit)) {
        return false;
    }
    if (unit < 0xd800 || unit > 0xdfff) {
        *out_code_point = unit;
        return true;
    }
    if (unit > 0xdbff || !json_walk_char(rest, '\\') || !json_walk_char(rest, 'u') ||
        !take_unit(rest, &low) || low < 0xdc00 || low > 0xdfff) {
        return false;
    }
    *out_code_point = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
    return true;
}

static struct str encode(uint32_t code_point, char space[UTF8_BYTES_MAX])
{
    static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t len = code_point < 0x80 ? 1 : code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--) {
        space[i] = (char)(0x80 | (code_point & 0x3f));
        code_point >>= 6;
    }
    space[0] = (char)(leads[len] | code_point);
    return (struct str){space, len};
}

/* What stands behind a backslash. */
static bool take_escape(struct str *rest, uint32_t *out_code_point)
{
    static const char names[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    if (rest->len == 0) {
        return false;
    }
    char name = rest->data[0];
    move(rest, 1);
    if (name == 'u') {
        return take_units(rest, out_code_point);
    }
    const char *found = memchr(names, name, sizeof names - 1);
    if (found == NULL) {
        return false;
    }
    *out_code_point = (unsigned char)meanings[found - names];
    return true;
}

static bool take_prefix(struct str *rest, struct str prefix)
{
    if (!str_starts_with(*rest, prefix)) {
        return false;
    }
    move(rest, prefix.len);
    return true;
}

bool json_walk_string_is(struct str content, struct str text)
{
    for (;;) {
        const char *escape = content.len == 0 ? NULL : memchr(content.data, '\\', content.len);
        if (escape == NULL) {
            return str_equal(content, text);
        }
        char space[UTF8_BYTES_MAX];
        uint32_t code_point;
        struct str plain = {content.data, (size_t)(escape - content.data)};
        move(&content, plain.len + 1);
        if (!take_prefix(&text, plain) || !take_escape(&content, &code_point) ||
            !take_prefix(&text, encode(code_point, space))) {
            return false;
        }
    }
}

bool json_walk_unescape(struct str content, struct buffer *out_text)
{
    while (content.len > 0) {
        const char *escape = memchr(content.data, '\\', content.len);
        char space[UTF8_BYTES_MAX];
        uint32_t code_point;
        if (escape == NULL) {
            buffer_append_str(out_text, content);
            return true;
        }
        size_t plain = (size_t)(escape - content.data);
        buffer_append(out_text, content.data, plain);
        move(&content, plain + 1);
        if (!take_escape(&content, &code_point)) {
            return false;
        }
        buffer_append_str(out_text, encode(code_point, space));
    }
    return true;
}
